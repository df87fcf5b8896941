/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mail_opensmtpd: OpenSMTPD, its log and the report stream of its filters.
 *
 *     7f3a2c1d9b4e5f60 smtp connected address=192.0.2.1 host=a.b
 *     7f3a2c1d9b4e5f60 smtp authentication user=maria result=ok
 *     7f3a2c1d9b4e5f60 smtp message msgid=3a2b1c0d size=600 nrcpt=1 proto=ESMTP
 *     report|0.7|1700000000.123456|smtp-in|link-connect|7f3a…|rdns|pass|192.0.2.1:4711|192.0.2.9:587
 *     report|0.7|1700000000.123456|smtp-in|link-auth|7f3a…|pass|maria
 *     report|0.7|1700000000.123456|smtp-in|tx-commit|7f3a…|3a2b1c0d|600
 *
 * The log does not tell the port; the report stream does.
 */
#include "wire/mail.h"
#include "wire/mail_scan.h"

static bool session_id(struct slice s)
{
	if (s.len != 16)
		return false;
	for (size_t i = 0; i < 16; i++)
		if (!((s.at[i] >= '0' && s.at[i] <= '9') || (s.at[i] >= 'a' && s.at[i] <= 'f')))
			return false;
	return true;
}

static enum mail_reading done(struct mail_event *e)
{
	return e->user.at && !mail_user_valid(e->user) ? MAIL_MALFORMED : MAIL_UNDERSTOOD;
}

enum mail_reading mail_opensmtpd(struct slice text, struct mail_event *ret)
{
	struct slice id = scan_word(&text);

	if (!session_id(id) || !slice_starts(text, SLICE("smtp ")))
		return MAIL_IGNORED;
	text = slice_from(text, 5);
	*ret = (struct mail_event){ .id = id };
	if (slice_starts(text, SLICE("connected address="))) {
		ret->kind = MAIL_SESSION;
		ret->client = slice_until(slice_from(text, 18), ' ');
	} else if (slice_starts(text, SLICE("authentication user="))) {
		struct slice user = slice_from(text, 20);
		if (slice_ends(user, SLICE(" result=ok"))) {
			ret->kind = MAIL_AUTH;
			ret->user = slice_cut(user, user.len - 10);
		} else {
			ret->kind = MAIL_REFUSED;
			ret->user = slice_until(user, ' ');
		}
	} else if (slice_starts(text, SLICE("message msgid="))) {
		ret->kind = MAIL_ACCEPT;
		ret->session = id;
		ret->id = slice_until(slice_from(text, 14), ' ');
	} else if (slice_starts(text, SLICE("disconnected"))) {
		ret->kind = MAIL_CLOSE;
	} else {
		return MAIL_IGNORED;
	}
	return done(ret);
}

/* One of two fields says how it went; newer versions put it first. */
static bool passed(struct slice rest, struct slice *user)
{
	struct slice first = slice_until(rest, '|');

	if (slice_is(first, SLICE("pass"))) {
		*user = slice_from(rest, 5);
		return true;
	}
	*user = slice_cut(rest, rest.len - (rest.len > 5 ? 5 : rest.len));
	return slice_ends(rest, SLICE("|pass"));
}

enum mail_reading mail_opensmtpd_report(struct slice text, int64_t *utc_s, struct mail_event *ret)
{
	scan_field(&text, '|');
	scan_field(&text, '|');
	*utc_s = scan_number(scan_field(&text, '|'));
	if (!*utc_s)
		return MAIL_MALFORMED;
	if (!slice_is(scan_field(&text, '|'), SLICE("smtp-in")))
		return MAIL_IGNORED;
	struct slice event = scan_field(&text, '|');
	struct slice id = scan_field(&text, '|');
	if (!session_id(id))
		return MAIL_MALFORMED;

	*ret = (struct mail_event){ .id = id };
	if (slice_is(event, SLICE("link-connect"))) {
		struct slice local;
		uint16_t port;
		ret->kind = MAIL_SESSION;
		scan_field(&text, '|');
		scan_field(&text, '|');
		if (!scan_endpoint(scan_field(&text, '|'), &ret->client, &port) ||
		    !scan_endpoint(text, &local, &ret->port))
			return MAIL_MALFORMED;
	} else if (slice_is(event, SLICE("link-auth"))) {
		ret->kind = passed(text, &ret->user) ? MAIL_AUTH : MAIL_REFUSED;
	} else if (slice_is(event, SLICE("tx-commit"))) {
		ret->kind = MAIL_ACCEPT;
		ret->session = id;
		ret->id = slice_until(text, '|');
	} else if (slice_is(event, SLICE("link-disconnect"))) {
		ret->kind = MAIL_CLOSE;
	} else {
		return MAIL_IGNORED;
	}
	return done(ret);
}
