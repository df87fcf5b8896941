/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maillog: every reader of mail logs, by lines and through the joining.
 *
 * The first byte picks the reader that gets each line by itself; then the whole
 * input is read as a log, and what comes out must hold its own promises.
 */
#include <assert.h>
#include <stdlib.h>

#include "observe/maillog.h"
#include "wire/mail_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice part, struct slice whole)
{
	assert(part.len == 0 ||
	       (part.at >= whole.at && part.at + part.len <= whole.at + whole.len));
}

static void one_reader(uint8_t pick, struct slice line)
{
	struct mail_event e;
	int64_t at;
	enum mail_reading r;

	if (pick % 32 == 31)
		r = mail_zimbra(line, &e);
	else if (pick % 32 == 30)
		r = mail_opensmtpd_report(line, &at, &e);
	else
		r = mail_read((enum mail_program)(pick % 32 % MAIL_PROGRAM_COUNT_), line, &e);
	if (r != MAIL_UNDERSTOOD)
		return;
	assert(e.kind < MAIL_KIND_COUNT_);
	inside(e.client, line);
	inside(e.session, line);
	inside(e.user, line);
	inside(e.sender, line);
	inside(e.hint, line);
	if (e.kind == MAIL_ACCEPT && e.user.len && !e.url_encoded)
		assert(mail_user_valid(e.user));
}

static int submission(void *ctx, const struct submission *s)
{
	(void)ctx;
	assert(s->user.len > 0);
	assert(s->place != PLACE_IGNORE && s->channel < CHANNEL_COUNT_ && s->count > 0);
	return 0;
}

static int tagged(void *ctx, uint64_t source, int64_t day)
{
	(void)ctx, (void)source, (void)day;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct maillog_sink sink = { .submission = submission, .tagged = tagged };
	const struct stamp_clock clock = { .newest = 1800000000 };
	const struct maillog_span span = { INT64_MIN, INT64_MAX };
	static struct mailsite *site;
	own(maillog) struct maillog *m = NULL;

	if (!site) {
		struct slice net = SLICE("10.0.0.0/8"), web = SLICE("127.0.0.1"),
			     dyn = SLICE("203.0.113.0/24");
		if (mailsite_new(&site) < 0 || mailsite_network(&site->own, net, NULL) < 0 ||
		    mailsite_network(&site->webmail, web, NULL) < 0 ||
		    mailsite_network(&site->dynamic, dyn, NULL) < 0)
			abort();
	}
	if (size == 0 || maillog_new(site, &sink, clock, span, &m) < 0)
		return 0;
	/* A copy without a byte to spare, so that reading past the end is seen. */
	char *copy = malloc(size - 1 ? size - 1 : 1);
	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	struct slice rest = { copy, size - 1 };
	while (rest.len) {
		struct slice line = slice_until(rest, '\n');
		one_reader(data[0], line);
		if (maillog_line(m, line) < 0)
			abort();
		rest = slice_from(rest, line.len + 1);
	}
	assert(maillog_end(m) == 0);
	const struct maillog_counts *c = maillog_counts(m);
	assert(c->read >= c->understood + c->ignored + c->malformed);
	free(copy);
	return 0;
}
