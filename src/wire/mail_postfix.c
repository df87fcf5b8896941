/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mail_postfix: the lines of Postfix 2.3 to 3.11 that tell where a message came from.
 *
 *     smtpd    9E8BC1123D1: client=name[192.0.2.7], sasl_method=PLAIN, sasl_username=maria@…
 *              NOQUEUE: client=…            (in front of a before-queue filter)
 *     pickup   96F311123D7: uid=33 from=<maria@…>
 *     cleanup  9E8BC1123D1: message-id=<…>
 *     qmgr     9E8BC1123D1: from=<…>, size=621, nrcpt=1 (queue active)
 *              9E8BC1123D1: removed
 *     smtp     9E8BC1123D1: to=<…>, relay=127.0.0.1[127.0.0.1]:10024, …: queued as 0560B1123D6)
 */
#include "wire/mail.h"

#define QUEUE_ID_MAX 24 /* short ids have 6 to 14 characters, long ones up to 17 */

/* "9E8BC1123D1: rest" → id and rest; an id is letters and digits, never a word before a space. */
static inline bool queue_id(struct slice text, struct slice *id, struct slice *rest)
{
	static const bool id_char[256] = { ['0' ... '9'] = true,
					   ['A' ... 'Z'] = true,
					   ['a' ... 'z'] = true };
	size_t n = 0, max = text.len < QUEUE_ID_MAX ? text.len : QUEUE_ID_MAX;

	while (n < max && id_char[(unsigned char)text.at[n]])
		n++;
	if (n < 5 || n + 2 > text.len || text.at[n] != ':' || text.at[n + 1] != ' ')
		return false;
	*id = slice_cut(text, n);
	*rest = slice_from(text, n + 2);
	return true;
}

/* "name[address]" or "name[address]:port" → address. */
static struct slice bracketed(struct slice s)
{
	const char *open = s.len ? memrchr(s.at, '[', s.len) : NULL;

	if (!open)
		return (struct slice){ NULL, 0 };
	struct slice inner = slice_until(slice_from(s, (size_t)(open - s.at) + 1), ']');
	if (slice_starts(inner, SLICE("IPv6:")))
		inner = slice_from(inner, 5);
	return inner;
}

/* "<a@b>…" → a@b; a quoted local part may hold '>' (RFC 5321 4.1.2). */
static bool angle(struct slice s, struct slice *ret)
{
	bool quoted = false;

	if (!s.len || s.at[0] != '<')
		return false;
	const char *end = memchr(s.at, '>', s.len);
	if (!end)
		return false;
	if (!memchr(s.at, '"', (size_t)(end - s.at))) {
		*ret = (struct slice){ s.at + 1, (size_t)(end - s.at) - 1 };
		return true;
	}
	for (size_t i = 1; i < s.len; i++) {
		if (quoted && s.at[i] == '\\')
			i++;
		else if (s.at[i] == '"')
			quoted = !quoted;
		else if (s.at[i] == '>' && !quoted) {
			*ret = (struct slice){ s.at + 1, i - 1 };
			return true;
		}
	}
	return false;
}

enum client_key { KEY_METHOD, KEY_USERNAME, KEY_SENDER, KEY_QUEUE_ID, KEY_CLIENT, KEY_COUNT_ };

/* What may follow the client, in the order in which smtpd writes it. */
static const struct slice client_keys[KEY_COUNT_] = {
	[KEY_METHOD] = { "sasl_method=", 12 }, [KEY_USERNAME] = { "sasl_username=", 14 },
	[KEY_SENDER] = { "sasl_sender=", 12 }, [KEY_QUEUE_ID] = { "orig_queue_id=", 14 },
	[KEY_CLIENT] = { "orig_client=", 12 },
};

/*
 * ", key=value, key=value": a value ends where a later key begins, so that a
 * user name may hold commas and still can not forge a key that stood before it.
 */
static void client_values(struct slice s, struct slice ret[static KEY_COUNT_])
{
	int open = -1, next = 0;

	while (s.len) {
		const char *comma = memchr(s.at, ',', s.len);
		if (!comma)
			break;
		struct slice at = slice_from(s, (size_t)(comma - s.at) + 1);
		s = at;
		if (!at.len || at.at[0] != ' ')
			continue;
		at = slice_from(at, 1);
		for (int k = next; k < KEY_COUNT_; k++) {
			if (!slice_starts(at, client_keys[k]))
				continue;
			if (open >= 0)
				ret[open].len = (size_t)(comma - ret[open].at);
			ret[k] = slice_from(at, client_keys[k].len);
			open = k;
			next = k + 1;
			break;
		}
	}
}

static enum mail_reading accepted(struct slice id, struct slice rest, struct mail_event *ret)
{
	struct slice client = slice_until(slice_from(rest, 7), ',');
	struct slice more = slice_from(rest, 7 + client.len);

	*ret = (struct mail_event){ .kind = MAIL_ACCEPT, .id = id, .client = bracketed(client) };
	if (!ret->client.at)
		return MAIL_MALFORMED;
	if (!more.len)
		return MAIL_UNDERSTOOD;

	struct slice values[KEY_COUNT_] = { 0 };
	client_values(more, values);
	ret->user = values[KEY_USERNAME];
	ret->sender = values[KEY_SENDER];
	ret->other_id = values[KEY_QUEUE_ID];
	ret->forwarded = slice_is(values[KEY_METHOD], SLICE("XCLIENT"));
	if (ret->user.at && !mail_user_valid(ret->user))
		return MAIL_MALFORMED;
	return MAIL_UNDERSTOOD;
}

/*
 * "reject: RCPT from name[ip]: 554 5.7.1 <to>: Relay access denied; from=<a> to=<b> proto=…
 * helo=<c>" Somebody is still sending without a password: worth a call once 25 needs none.
 */
static enum mail_reading refused(struct slice id, struct slice rest, struct mail_event *ret)
{
	struct slice from = slice_after(rest, SLICE(" from "));
	struct slice mail = slice_after(rest, SLICE("; from="));

	if (!from.at || !slice_after(rest, SLICE(": Relay access denied")).at)
		return MAIL_IGNORED;
	*ret = (struct mail_event){ .kind = MAIL_REFUSED, .id = id };
	ret->client = bracketed(slice_until(from, ' '));
	if (mail.at)
		angle(mail, &ret->sender);
	struct slice helo = slice_after(rest, SLICE(" helo="));
	if (helo.at)
		angle(helo, &ret->hint);
	return MAIL_UNDERSTOOD;
}

/* "warning: name[ip]: SASL PLAIN authentication failed: …, sasl_username=maria@…" */
static enum mail_reading login_failed(struct slice text, struct mail_event *ret)
{
	struct slice peer = slice_until(slice_from(text, 9), ' ');
	struct slice rest = slice_from(text, 9 + peer.len);

	if (!slice_starts(rest, SLICE(" SASL ")) ||
	    !slice_after(rest, SLICE(" authentication failed")).at)
		return MAIL_IGNORED;
	*ret = (struct mail_event){ .kind = MAIL_REFUSED, .client = bracketed(peer) };
	struct slice user = slice_after(rest, SLICE(", sasl_username="));
	if (user.at && mail_user_valid(user))
		ret->user = user;
	return MAIL_UNDERSTOOD;
}

enum mail_reading mail_postfix_smtpd(struct slice text, struct mail_event *ret)
{
	struct slice id, rest;

	if (!queue_id(text, &id, &rest))
		return MAIL_IGNORED;
	if (slice_starts(rest, SLICE("client=")))
		return accepted(id, rest, ret);
	if (slice_starts(rest, SLICE("reject: ")))
		return refused(id, rest, ret);
	if (slice_is(id, SLICE("warning")))
		return login_failed(text, ret);
	return MAIL_IGNORED;
}

enum mail_reading mail_postfix_qmgr(struct slice text, struct mail_event *ret)
{
	struct slice id, rest;

	if (!queue_id(text, &id, &rest))
		return MAIL_IGNORED;
	if (slice_is(rest, SLICE("removed"))) {
		*ret = (struct mail_event){ .kind = MAIL_DONE, .id = id };
		return MAIL_UNDERSTOOD;
	}
	if (!slice_starts(rest, SLICE("from=<")))
		return MAIL_IGNORED;
	*ret = (struct mail_event){ .kind = MAIL_ENVELOPE, .id = id };
	if (!angle(slice_from(rest, 5), &ret->sender))
		return MAIL_MALFORMED;
	ret->null_sender = ret->sender.len == 0;
	return MAIL_UNDERSTOOD;
}

enum mail_reading mail_postfix_cleanup(struct slice text, struct mail_event *ret)
{
	struct slice id, rest;

	if (!queue_id(text, &id, &rest))
		return MAIL_IGNORED;
	/* A client's reject after DATA is logged here too, as "milter-reject: END-OF-MESSAGE". */
	if (!slice_starts(rest, SLICE("message-id=")))
		return MAIL_IGNORED;
	*ret = (struct mail_event){ .kind = MAIL_CLEANUP, .id = id };
	return MAIL_UNDERSTOOD;
}

enum mail_reading mail_postfix_pickup(struct slice text, struct mail_event *ret)
{
	struct slice id, rest;
	uint64_t uid = 0;

	if (!queue_id(text, &id, &rest) || !slice_starts(rest, SLICE("uid=")))
		return MAIL_IGNORED;
	rest = slice_from(rest, 4);
	struct slice number = slice_until(rest, ' ');
	for (size_t i = 0; i < number.len; i++) {
		if (number.at[i] < '0' || number.at[i] > '9' || uid > UINT32_MAX / 10)
			return MAIL_MALFORMED;
		uid = uid * 10 + (uint64_t)(number.at[i] - '0');
	}
	*ret = (struct mail_event){ .kind = MAIL_PICKUP, .id = id, .uid = (uint32_t)uid };
	struct slice from = slice_after(rest, SLICE(" from="));
	if (from.at)
		angle(from, &ret->sender);
	return MAIL_UNDERSTOOD;
}

/*
 * The id with which a line ends: "…: 250 2.0.0 Ok: queued as 0560B1123D6)",
 * "… status=sent (forwarded as 0560B1123D6)", "… notification: 0560B1123D6".
 */
enum mail_reading mail_postfix_delivery(struct slice text, struct mail_event *ret)
{
	struct slice id, rest, other;

	if (!queue_id(text, &id, &rest))
		return MAIL_IGNORED;
	if (rest.len && rest.at[rest.len - 1] == ')')
		rest.len--;

	size_t n = rest.len;
	while (n > 0 && rest.len - n < QUEUE_ID_MAX && rest.at[n - 1] != ' ')
		n--;
	other = slice_from(rest, n);
	rest = slice_cut(rest, n);
	if (other.len < 5 || other.len >= QUEUE_ID_MAX)
		return MAIL_IGNORED;
	if (slice_ends(rest, SLICE(" queued as "))) {
		*ret = (struct mail_event){ .kind = MAIL_RELAYED, .id = id, .other_id = other };
		return MAIL_UNDERSTOOD;
	}
	if (slice_ends(rest, SLICE("(forwarded as ")) ||
	    slice_ends(rest, SLICE(" notification: "))) {
		*ret = (struct mail_event){ .kind = MAIL_BORN, .id = other };
		return MAIL_UNDERSTOOD;
	}
	return MAIL_IGNORED;
}
