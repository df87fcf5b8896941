/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mail_haraka: Haraka 2.8 to 3.1, its default, LOGFMT and JSON lines (the last through
 * wire/mail_json).
 *
 *     [NOTICE] [8F6C…] [core] connect ip=192.0.2.1 port=4711 local_ip=192.0.2.9 local_port=587
 *     [INFO] [8F6C…] [auth/flat_file] … user=maria …          (where a plugin tells the name)
 *     [NOTICE] [8F6C…] [core] disconnect ip=192.0.2.1 … relay=Y … msgs=1/0/0 …
 *
 * Messages are counted when the session ends. Without a plugin that logs the
 * name, relay=Y sessions are submissions of nobody known.
 */
#include "wire/mail.h"
#include "wire/mail_scan.h"

/* " key=value" up to the next space, or a quoted value. */
static struct slice field(struct slice s, struct slice key)
{
	struct slice v = slice_after(s, key);

	if (v.at && v.len && v.at[0] == '"')
		return slice_until(slice_from(v, 1), '"');
	return v.at ? slice_until(v, ' ') : v;
}

static enum mail_reading core(struct slice id, struct slice text, struct mail_event *ret)
{
	*ret = (struct mail_event){ .id = id, .client = field(text, SLICE(" ip=")) };
	if (slice_starts(text, SLICE("connect "))) {
		ret->kind = MAIL_SESSION;
		ret->port = scan_port(field(text, SLICE(" local_port=")));
		return ret->port ? MAIL_UNDERSTOOD : MAIL_IGNORED;
	}
	if (!slice_starts(text, SLICE("disconnect ")))
		return MAIL_IGNORED;
	ret->kind = MAIL_CLOSE;
	if (slice_is(field(text, SLICE(" relay=")), SLICE("Y"))) {
		ret->authenticated = true;
		ret->count = scan_number(field(text, SLICE(" msgs=")));
	}
	ret->hint = field(text, SLICE(" helo="));
	return MAIL_UNDERSTOOD;
}

static enum mail_reading any(struct slice id, struct slice source, struct slice text,
			     struct mail_event *ret)
{
	if (slice_is(source, SLICE("core")))
		return core(slice_until(id, '.'), text, ret);
	if (!slice_starts(source, SLICE("auth")))
		return MAIL_IGNORED;
	struct slice user = field(text, SLICE("user="));
	if (!user.at)
		user = field(text, SLICE("user:"));
	if (!user.len || !mail_user_valid(user) || slice_after(text, SLICE("fail")).at)
		return MAIL_IGNORED;
	*ret = (struct mail_event){ .kind = MAIL_AUTH, .id = slice_until(id, '.'), .user = user };
	return MAIL_UNDERSTOOD;
}

static bool bracketed(struct slice *s, struct slice *ret)
{
	if (!s->len || s->at[0] != '[')
		return false;
	*ret = slice_until(slice_from(*s, 1), ']');
	*s = slice_from(*s, ret->len + 3);
	return true;
}

enum mail_reading mail_haraka(struct slice text, struct mail_event *ret)
{
	struct slice level, id, source;

	if (slice_starts(text, SLICE("level="))) {
		struct slice message = field(text, SLICE(" message="));
		id = field(text, SLICE(" uuid="));
		source = field(text, SLICE(" source="));
		if (!message.at || !id.at || !source.at)
			return MAIL_IGNORED;
		/* "message=connect ip=…": put in the order of the default form. */
		struct slice rest = slice_after(text, SLICE(" message="));
		if (rest.len && rest.at[0] == '"')
			rest = slice_from(rest, 1);
		return any(id, source, rest, ret);
	}
	if (!bracketed(&text, &level) || !bracketed(&text, &id) || !bracketed(&text, &source))
		return MAIL_IGNORED;
	return any(id, source, text, ret);
}
