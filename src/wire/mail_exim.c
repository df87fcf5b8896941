/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mail_exim: the main log of Exim 4, with the default log_selector or more.
 *
 *     1xUtyh-00016L-1b <= u@d H=(vm) [192.0.2.1]:59398 I=[192.0.2.9]:587 P=esmtpsa X=… A=plain:u@d
 * S=525 id=… 1xUtyh-00016L-1b Completed plain authenticator failed for (vm) [192.0.2.1]: 535
 * Incorrect authentication data (set_id=u@d) H=(vm) [192.0.2.1] F=<u@d> rejected RCPT <x@y>: relay
 * not permitted
 *
 * The port is told by +incoming_interface only. What a stranger words freely
 * (HELO name, ident, certificate subject, message id, subject) stands in
 * brackets or quotes, before a later field of ours, or behind S=: the reader
 * steps over the first, lets the last P= and A= count, and stops at S=.
 */
#include "wire/mail.h"
#include "wire/mail_scan.h"

/* "xxxxxx-xxxxxx-xx", or "xxxxxx-xxxxxxxxxxx-xxxx" since 4.97; a trailing space follows. */
static size_t message_id(struct slice s)
{
	static const uint8_t short_dashes[] = { 6, 13, 16 }, long_dashes[] = { 6, 18, 23 };
	const uint8_t *dash = s.len > 13 && s.at[13] == '-' ? short_dashes : long_dashes;
	size_t len = dash[2];

	if (s.len <= len || s.at[len] != ' ')
		return 0;
	for (size_t i = 0; i < len; i++) {
		char c = s.at[i];
		bool word =
		    (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (i == dash[0] || i == dash[1] ? c != '-' : !word)
			return 0;
	}
	return len;
}

/* A quoted string at the start of `s`, or a word; both are stepped over. */
static struct slice token(struct slice *s)
{
	size_t n = 0;
	bool quoted = false;

	while (n < s->len && (quoted || s->at[n] != ' ')) {
		if (s->at[n] == '"')
			quoted = !quoted;
		else if (s->at[n] == '\\' && quoted)
			n++;
		n++;
	}
	struct slice t = slice_cut(*s, n);
	*s = slice_from(*s, t.len + 1);
	return t;
}

/* "name (helo) [address]:port" behind H=; name, helo and port may be missing. */
static bool host(struct slice *s, struct mail_event *e)
{
	struct slice t = token(s);

	if (t.len && t.at[0] != '(' && t.at[0] != '[')
		t = token(s);
	if (t.len && t.at[0] == '(') {
		/* The HELO name may hold spaces where strange ones are allowed. */
		struct slice whole = { t.at, (size_t)(s->at - t.at) + s->len };
		const char *end = memmem(whole.at, whole.len, ") [", 3);
		if (!end)
			return false;
		e->hint = (struct slice){ t.at + 1, (size_t)(end - t.at) - 1 };
		*s = slice_from(whole, (size_t)(end - whole.at) + 2);
		t = token(s);
	}
	if (!t.len || t.at[0] != '[')
		return false;
	e->client = slice_until(slice_from(t, 1), ']');
	return true;
}

struct exim_fields {
	struct slice protocol, auth, user; /* P=, A=, U= */
};

static void fields(struct slice s, struct mail_event *e, struct exim_fields *f)
{
	while (s.len) {
		if (slice_starts(s, SLICE("H="))) {
			s = slice_from(s, 2);
			if (!host(&s, e))
				return;
			continue;
		}
		struct slice t = token(&s), address;
		if (t.len < 2)
			continue;
		if (slice_starts(t, SLICE("S=")))
			return;
		if (slice_starts(t, SLICE("I=")))
			scan_endpoint(slice_from(t, 2), &address, &e->port);
		else if (slice_starts(t, SLICE("P=")))
			f->protocol = slice_from(t, 2);
		else if (slice_starts(t, SLICE("A=")))
			f->auth = slice_from(t, 2);
		else if (slice_starts(t, SLICE("U=")))
			f->user = slice_from(t, 2);
	}
}

/* "u@d " or "<> " or "\"a b\"@d " */
static struct slice sender_of(struct slice *s)
{
	struct slice t = token(s);

	return slice_is(t, SLICE("<>")) ? slice_cut(t, 0) : t;
}

static enum mail_reading arrival(struct slice id, struct slice s, struct mail_event *ret)
{
	struct exim_fields f = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };

	*ret = (struct mail_event){ .kind = MAIL_ACCEPT, .id = id, .sender = sender_of(&s) };
	fields(s, ret, &f);
	if (!ret->client.at) {
		/* P=local: a program on the server itself; R=: a bounce, made here. */
		*ret = (struct mail_event){
			.kind = MAIL_PICKUP,
			.id = id,
			.sender = ret->sender,
			.hint = f.user,
			.uid = UINT32_MAX,
		};
		return MAIL_UNDERSTOOD;
	}
	/* RFC 3848: esmtpa, esmtpsa. */
	if (!slice_ends(f.protocol, SLICE("a")) || !f.auth.len)
		return MAIL_UNDERSTOOD;
	struct slice name = slice_until(f.auth, ':');
	ret->authenticated = true;
	ret->user = slice_from(f.auth, name.len + 1);
	ret->forwarded = slice_is(name, SLICE("xclient"));
	return !ret->user.len || mail_user_valid(ret->user) ? MAIL_UNDERSTOOD : MAIL_MALFORMED;
}

/* The last "[address]" of a text. */
static struct slice last_address(struct slice s)
{
	const char *open = s.len ? memrchr(s.at, '[', s.len) : NULL;

	return open ? slice_until(slice_from(s, (size_t)(open - s.at) + 1), ']')
		    : (struct slice){ NULL, 0 };
}

static enum mail_reading refused(struct slice s, struct mail_event *ret)
{
	struct slice failed = slice_after(slice_cut(s, 100), SLICE(" authenticator failed for "));

	*ret = (struct mail_event){ .kind = MAIL_REFUSED };
	if (failed.at) {
		failed = slice_from(s, (size_t)(failed.at - s.at));
		struct slice id = slice_after(failed, SLICE("(set_id="));
		ret->user = id.at ? slice_until(id, ')') : id;
		ret->client = last_address(
		    slice_cut(failed, id.at ? (size_t)(id.at - failed.at) : failed.len));
		return MAIL_UNDERSTOOD;
	}
	if (!slice_starts(s, SLICE("H=")) || !slice_after(s, SLICE(" rejected RCPT ")).at ||
	    !slice_after(s, SLICE(": relay not permitted")).at)
		return MAIL_IGNORED;
	struct slice rest = slice_from(s, 2), from = slice_after(s, SLICE(" F=<"));
	host(&rest, ret);
	ret->sender = from.at ? slice_until(from, '>') : from;
	return MAIL_UNDERSTOOD;
}

enum mail_reading mail_exim(struct slice text, struct mail_event *ret)
{
	/* Through syslog Exim may repeat its own stamp; +pid adds "[123] ". */
	if (text.len > 20 && text.at[4] == '-' && text.at[7] == '-' && text.at[10] == ' ' &&
	    text.at[19] == ' ')
		text = slice_from(text, 20);
	if (text.len && text.at[0] == '[') {
		struct slice pid = scan_word(&text);
		if (!slice_ends(pid, SLICE("]")))
			return MAIL_IGNORED;
	}
	size_t n = message_id(text);
	if (!n)
		return refused(text, ret);

	struct slice id = slice_cut(text, n), rest = slice_from(text, n + 1);
	if (slice_starts(rest, SLICE("<= ")))
		return arrival(id, slice_from(rest, 3), ret);
	if (slice_is(slice_cut(rest, 9), SLICE("Completed"))) {
		*ret = (struct mail_event){ .kind = MAIL_DONE, .id = id };
		return MAIL_UNDERSTOOD;
	}
	return MAIL_IGNORED;
}
