/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mail_dovecot: Dovecot 2.2 to 2.4, through syslog or in its own file.
 *
 *     imap-login: Info: Login: user=<u>, method=PLAIN, rip=1.2.3.4, lip=5.6.7.8, mpid=1, TLS,
 * session=<s> submission-login: Login: user=<u>, …, lport=587, …, session=<s>       (lport= when
 * configured) submission(u)<77><s>: Successfully relayed message: from=<u>, size=9, …, reply=`250 …
 * queued as 8705F' submission(u)<77><s>: Disconnected: … pop3-login: Disconnected (auth failed, 1
 * attempts in 6 secs): user=<u>, …
 */
#include "wire/mail.h"

static const struct slice service = { "submission-login", 16 };

/* "user=<u>, …": the name, and what follows it. */
static bool named(struct slice s, struct slice *user, struct slice *rest)
{
	struct slice at = slice_after(s, SLICE("user=<"));
	struct slice end = slice_after(at, SLICE(">"));

	if (!at.at || !end.at)
		return false;
	*user = (struct slice){ at.at, (size_t)(end.at - at.at) - 1 };
	*rest = end;
	return true;
}

static struct slice field(struct slice s, struct slice key)
{
	struct slice v = slice_after(s, key);

	return v.at ? slice_until(v, ',') : v;
}

static uint16_t port(struct slice digits)
{
	unsigned v = 0;

	for (size_t i = 0; i < digits.len && v <= UINT16_MAX; i++) {
		if (digits.at[i] < '0' || digits.at[i] > '9')
			return 0;
		v = v * 10 + (unsigned)(digits.at[i] - '0');
	}
	return v <= UINT16_MAX ? (uint16_t)v : 0;
}

static enum mail_reading login(struct slice name, struct slice text, struct mail_event *ret)
{
	bool submission = slice_is(name, service);
	struct slice rest;

	*ret = (struct mail_event){ .kind = submission ? MAIL_SESSION : MAIL_LOGIN };
	if (!named(text, &ret->user, &rest) || !mail_user_valid(ret->user))
		return MAIL_MALFORMED;
	ret->client = field(rest, SLICE(", rip="));
	struct slice session = slice_after(rest, SLICE(", session=<"));
	if (!submission)
		return MAIL_UNDERSTOOD;
	ret->id = session.at ? slice_until(session, '>') : session;
	ret->port = port(field(rest, SLICE(", lport=")));
	ret->listener = service;
	return ret->id.len ? MAIL_UNDERSTOOD : MAIL_MALFORMED;
}

static enum mail_reading refused(struct slice text, struct mail_event *ret)
{
	struct slice rest;

	if (!slice_after(slice_cut(text, 80), SLICE("(auth failed")).at)
		return MAIL_IGNORED;
	*ret = (struct mail_event){ .kind = MAIL_REFUSED };
	if (named(text, &ret->user, &rest))
		ret->client = field(rest, SLICE(", rip="));
	return MAIL_UNDERSTOOD;
}

/* "submission(u)<77><s>: text" → user, session, text. */
static bool prefixed(struct slice s, struct slice *user, struct slice *session, struct slice *text)
{
	struct slice rest = slice_after(s, SLICE(")<"));

	if (!rest.at)
		return false;
	*user = (struct slice){ s.at, (size_t)(rest.at - s.at) - 2 };
	rest = slice_after(rest, SLICE("><"));
	if (!rest.at)
		return false;
	*session = slice_until(rest, '>');
	*text = slice_after(rest, SLICE(">: "));
	return text->at != NULL;
}

static enum mail_reading submission(struct slice s, struct mail_event *ret)
{
	struct slice user, session, text;

	if (!prefixed(s, &user, &session, &text))
		return MAIL_IGNORED;
	if (slice_starts(text, SLICE("Info: ")))
		text = slice_from(text, 6);
	if (slice_starts(text, SLICE("Disconnected"))) {
		*ret = (struct mail_event){ .kind = MAIL_CLOSE, .id = session };
		return MAIL_UNDERSTOOD;
	}
	if (!slice_starts(text, SLICE("Successfully relayed message: ")))
		return MAIL_IGNORED;
	if (!mail_user_valid(user))
		return MAIL_MALFORMED;
	*ret = (struct mail_event){ .kind = MAIL_ACCEPT, .user = user, .session = session };
	ret->listener = service;
	struct slice queued = slice_after(text, SLICE("queued as "));
	if (queued.at) {
		size_t n = 0;
		while (n < queued.len && n < 24 && queued.at[n] != '\'' && queued.at[n] != ' ')
			n++;
		ret->id = slice_cut(queued, n);
		ret->forwards = true;
	}
	if (!ret->id.len)
		ret->id = SLICE("NOQUEUE");
	return MAIL_UNDERSTOOD;
}

enum mail_reading mail_dovecot(struct slice text, struct mail_event *ret)
{
	if (slice_starts(text, SLICE("submission(")))
		return submission(slice_from(text, 11), ret);

	struct slice name = slice_until(text, ':');
	if (!slice_ends(name, SLICE("-login")))
		return MAIL_IGNORED;
	struct slice rest = slice_from(text, name.len + 2);
	if (slice_starts(rest, SLICE("Info: ")))
		rest = slice_from(rest, 6);
	if (slice_starts(rest, SLICE("Login: ")) || slice_starts(rest, SLICE("Logged in: ")))
		return slice_is(name, SLICE("managesieve-login")) ? MAIL_IGNORED
								  : login(name, rest, ret);
	return refused(rest, ret);
}
