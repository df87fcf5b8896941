/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mail_webmail: what webmails write of the messages sent in them.
 *
 *     Roundcube  [21-Nov-2026 22:54:39 +0000]: <ab12cd34> User maria [192.0.2.1]; Message <id> for
 * x@y; 250: 2.0.0 Ok: queued as 8705F SOGo       Nov 21 22:54:39 sogod [25]: 192.0.2.1 "POST
 * /SOGo/so/maria/Mail/0/folderDrafts/newDraft1-1/send HTTP/1.1" 200 … Zimbra     2026-11-21
 * 22:54:39,123 INFO  [qtp1] [name=u@d;oip=192.0.2.1;ua=ZimbraWebClient;] smtp - Sending message to
 * MTA at h: …
 */
#include "wire/mail.h"
#include "wire/mail_scan.h"

/* " User maria [192.0.2.1]; Message …" */
enum mail_reading mail_roundcube(struct slice text, struct mail_event *ret)
{
	struct slice user, message;

	if (text.len && text.at[0] == '<')
		text = slice_from(text, slice_until(text, '>').len + 2);
	if (!slice_starts(text, SLICE("User ")))
		return MAIL_IGNORED;
	user = slice_from(text, 5);
	message = slice_after(user, SLICE("]; Message "));
	if (!message.at)
		return MAIL_IGNORED;
	user = slice_cut(user, (size_t)(message.at - user.at) - 11);
	const char *open = user.len ? memrchr(user.at, '[', user.len) : NULL;
	if (!open || open == user.at)
		return MAIL_MALFORMED;

	*ret = (struct mail_event){ .kind = MAIL_ACCEPT, .webmail = true, .authenticated = true };
	ret->client = slice_from(user, (size_t)(open - user.at) + 1);
	ret->user = slice_cut(user, (size_t)(open - user.at) - 1);
	struct slice reply = slice_after(message, SLICE("; 250"));
	if (!reply.at)
		return MAIL_IGNORED; /* refused, or deferred: not sent */
	struct slice queued = slice_after(reply, SLICE("queued as "));
	if (queued.at) {
		ret->id = slice_until(queued, ' ');
		ret->forwards = true;
	} else {
		ret->id = slice_until(message, ' ');
	}
	return mail_user_valid(ret->user) ? MAIL_UNDERSTOOD : MAIL_MALFORMED;
}

/* "[21-Nov-2026 22:54:39 +0000]: …" */
bool mail_roundcube_line(struct stamp_clock *clock, struct slice line, struct mail_line *ret)
{
	char text[32];
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct slice end = slice_after(slice_cut(line, 40), SLICE("]: "));

	if (!end.at || line.len < 24 || line.at[0] != '[' || line.at[3] != '-' || line.at[7] != '-')
		return false;
	const char *month = memmem(months, sizeof(months) - 1, line.at + 4, 3);
	if (!month || (month - months) % 3)
		return false;
	/* Put the date in the order of ISO 8601, and keep the zone if one is written. */
	size_t zone = (size_t)(end.at - line.at) - 3 - 21;
	memcpy(text, line.at + 8, 4);
	text[4] = '-';
	long number = (month - months) / 3 + 1;
	text[5] = (char)('0' + number / 10);
	text[6] = (char)('0' + number % 10);
	text[7] = '-';
	memcpy(text + 8, line.at + 1, 2);
	memcpy(text + 10, line.at + 12, 9);
	if (zone > 6)
		zone = 6;
	memcpy(text + 19, line.at + 21, zone);
	if (!stamp_read(clock, (struct slice){ text, 19 + zone }, &ret->at))
		return false;
	ret->host = SLICE("roundcube");
	ret->tag = SLICE("roundcube");
	ret->pid = 0;
	ret->text = slice_from(line, (size_t)(end.at - line.at));
	return true;
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

struct slice mail_url_decode(struct slice s, char *buffer, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n < room; i++) {
		if (s.at[i] == '%' && i + 2 < s.len && hex(s.at[i + 1]) >= 0 &&
		    hex(s.at[i + 2]) >= 0) {
			buffer[n++] = (char)(hex(s.at[i + 1]) * 16 + hex(s.at[i + 2]));
			i += 2;
		} else {
			buffer[n++] = s.at[i];
		}
	}
	return (struct slice){ buffer, n };
}

/* "192.0.2.1 \"POST /SOGo/so/maria/Mail/…/send HTTP/1.1\" 200 …" */
enum mail_reading mail_sogo(struct slice text, struct mail_event *ret)
{
	struct slice client = scan_word(&text);

	if (!slice_starts(text, SLICE("\"POST /SOGo/so/")))
		return MAIL_IGNORED;
	struct slice path = slice_until(slice_from(text, 15), ' ');
	struct slice rest = slice_from(text, 15 + path.len);
	struct slice user = slice_until(path, '/');
	struct slice where = slice_from(path, user.len);
	struct slice status = slice_after(rest, SLICE("\" "));
	path = slice_until(where, '?');
	if (!slice_starts(where, SLICE("/Mail/")) || !slice_ends(path, SLICE("/send")) ||
	    !slice_starts(status, SLICE("200 ")))
		return MAIL_IGNORED;

	*ret = (struct mail_event){ .kind = MAIL_ACCEPT, .webmail = true, .authenticated = true };
	ret->client = slice_until(client, ',');
	ret->id = path;
	ret->user = user;
	ret->url_encoded = true;
	return mail_user_valid(ret->user) ? MAIL_UNDERSTOOD : MAIL_MALFORMED;
}

/* "name=value;" of the context in brackets. */
static struct slice context(struct slice s, struct slice key)
{
	struct slice v = slice_after(s, key);

	return v.at ? slice_until(v, ';') : v;
}

/* Behind the stamp: "INFO  [thread] [context] smtp - Sending message to MTA at h: Message-ID=<>, …"
 */
enum mail_reading mail_zimbra(struct slice text, struct mail_event *ret)
{
	struct slice sending = slice_after(text, SLICE("] smtp - Sending message to MTA at "));

	if (!slice_starts(text, SLICE("INFO ")) || !sending.at)
		return MAIL_IGNORED;
	struct slice head = slice_cut(text, (size_t)(sending.at - text.at));
	*ret = (struct mail_event){ .kind = MAIL_ACCEPT, .authenticated = true };
	ret->user = context(head, SLICE("[name="));
	if (!ret->user.at)
		ret->user = context(head, SLICE(";name="));
	ret->client = context(head, SLICE("oip="));
	ret->hint = context(head, SLICE("ua="));
	/* ActiveSync and Outlook's connector pass through the same mailbox server. */
	ret->webmail = slice_starts(ret->hint, SLICE("ZimbraWebClient")) ||
		       slice_starts(ret->hint, SLICE("zclient"));
	ret->listener = ret->webmail ? (struct slice){ NULL, 0 } : SLICE("zimbra-mailbox");
	struct slice id = slice_after(sending, SLICE("Message-ID="));
	ret->id = id.at ? slice_until(id, ',') : SLICE("NOQUEUE");
	if (!ret->user.len)
		return MAIL_IGNORED; /* the server's own mail */
	return mail_user_valid(ret->user) ? MAIL_UNDERSTOOD : MAIL_MALFORMED;
}
