/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/mail.h"

#include <stdio.h>

#include "base/cmocka.h"

/* One line per row: what the head and the reader made of it. */
struct row {
	const char *line;
	int want; /* enum mail_reading, or -1: the line has no syslog head */
	const char *event;
};

static const char *const kinds[MAIL_KIND_COUNT_] = {
	"accept",  "pickup", "envelope", "cleanup", "born",    "done", "relayed",
	"session", "auth",   "close",    "login",   "refused", "lost",
};

static void put(char **p, char *end, const char *name, struct slice s)
{
	if (s.len)
		*p += snprintf(*p, (size_t)(end - *p), " %s=%.*s", name, (int)s.len, s.at);
}

static void describe(const struct mail_line *l, const struct mail_event *e, char ret[static 2048])
{
	char *p = ret, *end = ret + 2048;

	p += snprintf(p, 2048, "%.*s[%u] %s", (int)l->tag.len, l->tag.at, l->pid, kinds[e->kind]);
	put(&p, end, "id", e->id);
	put(&p, end, "other", e->other_id);
	put(&p, end, "user", e->user);
	put(&p, end, "sender", e->sender);
	put(&p, end, "client", e->client);
	put(&p, end, "hint", e->hint);
	if (e->kind == MAIL_PICKUP)
		p += snprintf(p, (size_t)(end - p), " uid=%u", e->uid);
	if (e->count)
		p += snprintf(p, (size_t)(end - p), " count=%u", e->count);
}

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct stamp_clock clock = { .newest = (int64_t)20779 * STAMP_DAY_S };
		struct mail_line line;
		struct mail_event event;
		char got[2048];

		if (!mail_line_read(&clock, slice_of(rows[i].line), &line)) {
			assert_int_equal(-1, rows[i].want);
			continue;
		}
		enum mail_reading r = mail_read(mail_program_of(line.tag), line.text, &event);
		if ((int)r != rows[i].want)
			print_message("%s\n", rows[i].line);
		assert_int_equal(r, rows[i].want);
		if (r != MAIL_UNDERSTOOD)
			continue;
		describe(&line, &event, got);
		assert_string_equal(got, rows[i].event);
	}
}

#define H "Nov 21 22:54:39 vm "

static void each_kind_of_line_is_read(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{ H "postfix/smtpd[18509]: 9E8BC1123D1: client=localhost[127.0.0.1], sasl_method=PLAIN, sasl_username=maria@provedor.example",
		  MAIL_UNDERSTOOD, "postfix/smtpd[18509] accept id=9E8BC1123D1 user=maria@provedor.example client=127.0.0.1" },
		{ H "postfix/submission/smtpd[18552]: D9C741123D3: client=unknown[2001:db8::7], sasl_method=LOGIN, sasl_username=ana",
		  MAIL_UNDERSTOOD, "postfix/submission/smtpd[18552] accept id=D9C741123D3 user=ana client=2001:db8::7" },
		{ H "postfix/smtpd[1]: 901231123D1: client=unknown[127.0.0.2]",
		  MAIL_UNDERSTOOD, "postfix/smtpd[1] accept id=901231123D1 client=127.0.0.2" },
		{ H "postfix/smtpd[1]: 901231123D1: client=unknown[127.0.0.2]:45231, sasl_sender=maria@p.example",
		  MAIL_UNDERSTOOD, "postfix/smtpd[1] accept id=901231123D1 sender=maria@p.example client=127.0.0.2" },
		{ H "postfix/fromproxy/smtpd[1]: 72611: client=unknown[192.0.2.77], sasl_method=XCLIENT, sasl_username=maria, sasl_sender=m@x",
		  MAIL_UNDERSTOOD, "postfix/fromproxy/smtpd[1] accept id=72611 user=maria sender=m@x client=192.0.2.77" },
		{ H "postfix/smtpd[1]: NOQUEUE: client=unknown[192.0.2.77], sasl_method=PLAIN, sasl_username=maria",
		  MAIL_UNDERSTOOD, "postfix/smtpd[1] accept id=NOQUEUE user=maria client=192.0.2.77" },
		{ H "postfix/reinject/smtpd[1]: 4CBA21: client=localhost[127.0.0.1], orig_queue_id=9E8BC1123D1, orig_client=a.b[192.0.2.7]",
		  MAIL_UNDERSTOOD, "postfix/reinject/smtpd[1] accept id=4CBA21 other=9E8BC1123D1 client=127.0.0.1" },
		{ H "postfix/smtpd[1]: 4ZbK5Y2vPqz9sTz: client=a.b[192.0.2.7]",
		  MAIL_UNDERSTOOD, "postfix/smtpd[1] accept id=4ZbK5Y2vPqz9sTz client=192.0.2.7" },
		{ H "postfix/pickup[17037]: 96F311123D7: uid=33 from=<maria@provedor.example>",
		  MAIL_UNDERSTOOD, "postfix/pickup[17037] pickup id=96F311123D7 sender=maria@provedor.example uid=33" },
		{ H "postfix/pickup[17037]: 96F311123D7: uid=0 from=<root> orig_id=123456",
		  MAIL_UNDERSTOOD, "postfix/pickup[17037] pickup id=96F311123D7 sender=root uid=0" },
		{ H "postfix/qmgr[2]: D9C741123D3: from=<maria@p.example>, size=621, nrcpt=1 (queue active)",
		  MAIL_UNDERSTOOD, "postfix/qmgr[2] envelope id=D9C741123D3 sender=maria@p.example" },
		{ H "postfix/qmgr[2]: D9C741123D3: from=<\"a>, b\"@p.example>, size=621, nrcpt=1 (queue active)",
		  MAIL_UNDERSTOOD, "postfix/qmgr[2] envelope id=D9C741123D3 sender=\"a>, b\"@p.example" },
		{ H "postfix/qmgr[2]: 585BC3F: from=<>, status=expired, returned to sender",
		  MAIL_UNDERSTOOD, "postfix/qmgr[2] envelope id=585BC3F" },
		{ H "postfix/qmgr[2]: D9C741123D3: removed",
		  MAIL_UNDERSTOOD, "postfix/qmgr[2] done id=D9C741123D3" },
		{ H "postfix/cleanup[3]: D9C741123D3: message-id=<x@y>",
		  MAIL_UNDERSTOOD, "postfix/cleanup[3] cleanup id=D9C741123D3" },
		{ H "postfix/smtp[4]: 7EE668039: to=<a@b>, relay=127.0.0.1[127.0.0.1]:2525, delay=3.6, delays=0.2/0.02/0.04/3.3, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 153053D)",
		  MAIL_UNDERSTOOD, "postfix/smtp[4] relayed id=7EE668039 other=153053D" },
		{ H "postfix/local[4]: 7EE668039: to=<a@b>, relay=local, delay=3.6, dsn=2.0.0, status=sent (forwarded as 153053D)",
		  MAIL_UNDERSTOOD, "postfix/local[4] born id=153053D" },
		{ H "postfix/bounce[4]: 7EE668039: sender non-delivery notification: 153053D",
		  MAIL_UNDERSTOOD, "postfix/bounce[4] born id=153053D" },
		{ H "postfix/smtpd[5]: NOQUEUE: reject: RCPT from foo[192.0.2.9]: 454 4.7.1 <x@y>: Relay access denied; from=<maria@p.example> to=<x@y> proto=ESMTP helo=<WIN-9QL>",
		  MAIL_UNDERSTOOD, "postfix/smtpd[5] refused id=NOQUEUE sender=maria@p.example client=192.0.2.9 hint=WIN-9QL" },
		{ H "postfix/submission/smtpd[5]: warning: localhost[127.0.0.1]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=maria@p",
		  MAIL_UNDERSTOOD, "postfix/submission/smtpd[5] refused user=maria@p client=127.0.0.1" },
		{ H "postfix/smtpd[5]: warning: unknown[192.168.1.1]: SASL LOGIN authentication failed: authentication failure",
		  MAIL_UNDERSTOOD, "postfix/smtpd[5] refused client=192.168.1.1" },
		{ H "rsyslogd: imuxsock lost 57 messages from pid 812 due to rate-limiting",
		  MAIL_UNDERSTOOD, "rsyslogd[0] lost count=57" },
		{ H "rsyslogd-2177: imuxsock begins to drop messages", MAIL_IGNORED, NULL },
		{ H "systemd-journald[211]: Suppressed 1843 messages from postfix.service",
		  MAIL_UNDERSTOOD, "systemd-journald[211] lost count=1843" },
		{ "<22>1 2026-11-21T22:54:39.5Z mx postfix/smtps/smtpd 77 - [x@1 a=\"]\\\"\"] 9E8BC1123D1: client=a[192.0.2.1], sasl_method=PLAIN, sasl_username=eva",
		  MAIL_UNDERSTOOD, "postfix/smtps/smtpd[77] accept id=9E8BC1123D1 user=eva client=192.0.2.1" },
		{ "<22>Nov 21 22:54:39 mx postfix/smtps/smtpd[7]: 9E8BC1123D1: client=a[192.0.2.1], sasl_method=PLAIN, sasl_username=eva",
		  MAIL_UNDERSTOOD, "postfix/smtps/smtpd[7] accept id=9E8BC1123D1 user=eva client=192.0.2.1" },
		{ H "postfix/smtpd[1]: connect from localhost[127.0.0.1]",      MAIL_IGNORED, NULL },
		{ H "postfix/smtpd[1]: disconnect from localhost[127.0.0.1] ehlo=2 auth=1", MAIL_IGNORED, NULL },
		{ H "postfix/smtpd[1]: warning: hostname exemple.com does not resolve to address 185.14.29.32", MAIL_IGNORED, NULL },
		{ H "postfix/smtp[1]: 7EE668039: to=<a@b>, relay=none, delay=1, status=deferred (connect to x: refused)", MAIL_IGNORED, NULL },
		{ H "postfix/anvil[1]: statistics: max cache size 1 at Oct 26", MAIL_IGNORED, NULL },
		{ H "kernel: postfix/smtpd[1]: 9E8BC1123D1: client=a[192.0.2.1], sasl_method=PLAIN, sasl_username=forged", MAIL_IGNORED, NULL },
		{ "no log line at all", -1, NULL },
		{ "Nov 21 22:54:39", -1, NULL },
		{ "Nov 21 22:54:39 vm", -1, NULL },
		{ "Nov 21 22:54:39 vm nocolon text", -1, NULL },
		/* clang-format on */
	};
	(void)state;

	check(rows, sizeof(rows) / sizeof(*rows));
}

static void nobody_forges_an_event(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		/* What a client says in HELO, MAIL or a subject stands behind other text. */
		{ H "postfix/smtpd[1]: NOQUEUE: reject: RCPT from a[192.0.2.1]: 550 5.7.1 <x>: refused; from=<a@b> helo=<9E8BC1123D1: client=a[192.0.2.1], sasl_username=victim>", MAIL_IGNORED, NULL },
		{ H "postfix/cleanup[1]: 413E164734: info: header Subject: 9E8BC1123D1: client=a[1.1.1.1], sasl_username=victim from local", MAIL_IGNORED, NULL },
		{ H "postfix/smtpd[1]: warning: non-SMTP command from a[192.0.2.1]: 9E8BC1123D1: client=a[1.1.1.1], sasl_username=victim", MAIL_IGNORED, NULL },
		/* A user name may hold a comma, but no key that comes before it. */
		{ H "postfix/smtpd[1]: 9E8BC1123D1: client=a[192.0.2.1], sasl_method=PLAIN, sasl_username=x, sasl_method=Y, sasl_username=z",
		  MAIL_UNDERSTOOD, "postfix/smtpd[1] accept id=9E8BC1123D1 user=x, sasl_method=Y, sasl_username=z client=192.0.2.1" },
		{ H "postfix/smtpd[1]: 9E8BC1123D1: client=a[192.0.2.1], sasl_method=PLAIN, sasl_username=a\nb", MAIL_MALFORMED, NULL },
		{ H "postfix/smtpd[1]: 9E8BC1123D1: client=a[192.0.2.1], sasl_method=PLAIN, sasl_username=", MAIL_MALFORMED, NULL },
		{ H "postfix/smtpd[1]: 9E8BC1123D1: client=nobrackets", MAIL_MALFORMED, NULL },
		{ H "postfix/pickup[1]: 9E8BC1123D1: uid=99999999999999999999 from=<x>", MAIL_MALFORMED, NULL },
		{ H "postfix/qmgr[1]: 9E8BC1123D1: from=<\"never closed, size=1", MAIL_MALFORMED, NULL },
		/* clang-format on */
	};
	(void)state;

	check(rows, sizeof(rows) / sizeof(*rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_line_is_read),
		cmocka_unit_test(nobody_forges_an_event),
	};

	return cmocka_run_group_tests_name("mail_postfix", tests, NULL, NULL);
}
