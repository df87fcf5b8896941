/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mail_sendmail: Sendmail 8.
 *
 *     k4PK8N020900: AUTH=server, relay=host [192.0.2.1], authid=maria, mech=PLAIN, bits=256
 *     k4PK8N020900: from=<u@d>, size=9, class=0, nrcpts=1, msgid=<…>, proto=ESMTPSA, daemon=MSA,
 * relay=host [192.0.2.1]
 *
 * Only the first message of a session has the id of the AUTH line; all are
 * written by the same process, so the process is the session.
 */
#include "wire/mail.h"
#include "wire/mail_scan.h"

/* "host [192.0.2.1] (may be forged)" */
static struct slice relay_address(struct slice s)
{
	const char *open = s.len ? memrchr(s.at, '[', s.len) : NULL;

	if (!open)
		return (struct slice){ NULL, 0 };
	struct slice a = slice_until(slice_from(s, (size_t)(open - s.at) + 1), ']');
	return slice_starts(a, SLICE("IPv6:")) ? slice_from(a, 5) : a;
}

static struct slice field(struct slice s, struct slice key)
{
	struct slice v = slice_after(s, key);

	return v.at ? slice_until(v, ',') : v;
}

static enum mail_reading login(struct slice s, struct mail_event *ret)
{
	struct slice id = slice_after(s, SLICE(", authid="));
	const char *end;

	if (!id.at)
		return MAIL_IGNORED;
	/* The name may hold commas: the last ", mech=" ends it. */
	for (end = id.at + id.len;
	     end > id.at && !(id.at + id.len - end >= 7 && memcmp(end, ", mech=", 7) == 0); end--)
		;
	if (end == id.at)
		return MAIL_MALFORMED;
	*ret = (struct mail_event){ .kind = MAIL_AUTH, .by_process = true };
	ret->user = slice_cut(id, (size_t)(end - id.at));
	ret->client = relay_address(slice_cut(s, (size_t)(id.at - s.at)));
	return mail_user_valid(ret->user) ? MAIL_UNDERSTOOD : MAIL_MALFORMED;
}

/* proto=ESMTPA or ESMTPSA (RFC 3848): with a login. */
static enum mail_reading arrival(struct slice id, struct slice s, struct mail_event *ret)
{
	struct slice from = slice_from(s, 5);
	struct slice sender = from.len && from.at[0] == '<' ? slice_until(slice_from(from, 1), '>')
							    : slice_until(from, ',');
	/* Fields from the end: what stands before them a stranger may word. */
	const char *relay = memmem(s.at, s.len, ", relay=", 8);
	for (const char *more = relay; more;) {
		relay = more;
		more = memmem(relay + 8, (size_t)(s.at + s.len - relay) - 8, ", relay=", 8);
	}
	if (!relay)
		return MAIL_IGNORED;
	struct slice head = slice_cut(s, (size_t)(relay - s.at));
	struct slice daemon = { NULL, 0 }, proto = { NULL, 0 };
	for (struct slice rest = slice_after(head, SLICE(", proto=")); rest.at;
	     rest = slice_after(rest, SLICE(", proto="))) {
		proto = slice_until(rest, ',');
		daemon = field(rest, SLICE(", daemon="));
	}
	*ret = (struct mail_event){ .kind = MAIL_ACCEPT, .id = id, .listener = daemon };
	ret->client = relay_address((struct slice){ relay, (size_t)(s.at + s.len - relay) });
	ret->sender = sender;
	ret->authenticated = slice_ends(proto, SLICE("A"));
	ret->by_process = ret->authenticated;
	return MAIL_UNDERSTOOD;
}

static enum mail_reading refused(struct slice s, struct mail_event *ret)
{
	*ret = (struct mail_event){ .kind = MAIL_REFUSED };
	if (slice_starts(s, SLICE("AUTH failure"))) {
		struct slice user = slice_after(s, SLICE(", user="));
		ret->user = user.at ? slice_until(user, ',') : user;
	} else if (slice_starts(s, SLICE("ruleset=check_rcpt")) &&
		   slice_after(s, SLICE("Relaying denied")).at) {
		s = slice_until(slice_after(s, SLICE(", relay=")), ',');
	} else {
		return MAIL_IGNORED;
	}
	ret->client = relay_address(s);
	return MAIL_UNDERSTOOD;
}

enum mail_reading mail_sendmail(struct slice text, struct mail_event *ret)
{
	struct slice id = slice_until(text, ':');
	struct slice s = slice_from(text, id.len + 2);

	if (id.len < 5 || id.len > 24 || memchr(id.at, ' ', id.len))
		return MAIL_IGNORED;
	if (slice_starts(s, SLICE("AUTH=server,")))
		return login(s, ret);
	if (slice_starts(s, SLICE("from=")))
		return arrival(id, s, ret);
	return refused(s, ret);
}
