/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/talk_text.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

/* base64 of NUL user NUL password (RFC 4616 2) */
static void plain(const char *user, const char *password, char *ret, size_t size)
{
	unsigned char raw[800], coded[1100];
	int n = snprintf((char *)raw, sizeof(raw), "%c%s%c%s", 1, user, 1, password);

	if (n < 0 || n >= (int)sizeof(raw))
		n = (int)sizeof(raw) - 1;
	for (int i = 0; i < n; i++)
		if (raw[i] == 1)
			raw[i] = 0;
	EVP_EncodeBlock(coded, raw, n);
	snprintf(ret, size, "%s", (char *)coded);
}

/* The value of a {name}. */
static void value_of(const struct talk_settings *s, const char *name, char *ret, size_t size)
{
	char nobody[320];
	const char *at = strchr(s->relay, '@');

	ret[0] = '\0';
	snprintf(nobody, sizeof(nobody), "porteiro-audit-nobody@%.250s", s->domain);
	if (strcmp(name, "helo") == 0)
		snprintf(ret, size, "%s", s->helo);
	else if (strcmp(name, "from") == 0)
		snprintf(ret, size, "%s", s->from);
	else if (strcmp(name, "relay") == 0)
		snprintf(ret, size, "%s", s->relay);
	else if (strcmp(name, "relay%") == 0 && at)
		snprintf(ret, size, "%.*s%%%s", (int)(at - s->relay), s->relay, at + 1);
	else if (strcmp(name, "domain") == 0)
		snprintf(ret, size, "%s", s->domain);
	else if (strcmp(name, "user") == 0 && s->user)
		snprintf(ret, size, "%s%s%s", s->user, strchr(s->user, '@') ? "" : "@",
			 strchr(s->user, '@') ? "" : s->domain);
	else if (strcmp(name, "plain:nobody") == 0)
		plain(nobody, "not-the-password", ret, size);
	else if (strcmp(name, "plain:utf8") == 0)
		plain("porteiro-audit-ação", "senha-não-é-esta-ç", ret, size);
	else if (strcmp(name, "plain:wrong") == 0 && s->user)
		plain(s->user, "not-the-password", ret, size);
}

void text_fill(const struct talk_settings *s, const char *text, char *ret, size_t size)
{
	char name[32], value[1200];
	size_t at = 0;

	while (*text && at + 1 < size) {
		const char *close = *text == '{' ? strchr(text, '}') : NULL;

		if (!close) {
			ret[at++] = *text++;
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(close - text - 1), text + 1);
		value_of(s, name, value, sizeof(value));
		for (const char *v = value; *v && at + 1 < size; v++)
			if (*v != '\r' && *v != '\n')
				ret[at++] = *v;
		text = close + 1;
	}
	ret[at] = '\0';
}

int login_begin(Gsasl *gsasl, const struct talk_settings *s, struct talk *talk,
		Gsasl_session **ret_session, char *ret, size_t size)
{
	static const char *const best[] = { "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN" };
	const char *mechanism = NULL;
	char offered[512], *out = NULL;

	if (!talk_offers(talk, SLOT_EHLO_TLS, "AUTH", offered, sizeof(offered)))
		return -ENOENT;
	for (size_t i = 0; !mechanism && i < sizeof(best) / sizeof(*best); i++)
		if (smtp_word(offered, best[i]) && gsasl_client_support_p(gsasl, best[i]))
			mechanism = best[i];
	if (!mechanism || gsasl_client_start(gsasl, mechanism, ret_session) != GSASL_OK)
		return -ENOENT;
	snprintf(talk->mechanism, sizeof(talk->mechanism), "%s", mechanism);
	gsasl_property_set(*ret_session, GSASL_AUTHID, s->user);
	gsasl_property_set(*ret_session, GSASL_PASSWORD, s->password);
	if (strcmp(mechanism, "LOGIN") == 0) { /* the server begins */
		snprintf(ret, size, "AUTH LOGIN");
		return 0;
	}
	int r = gsasl_step64(*ret_session, NULL, &out);
	if (r != GSASL_OK && r != GSASL_NEEDS_MORE)
		return -ENOENT;
	snprintf(ret, size, "AUTH %s %s", mechanism, *out ? out : "=");
	gsasl_free(out);
	return 0;
}

int login_step(Gsasl_session *session, const struct smtp_reply *reply, char *ret, size_t size)
{
	char in[SMTP_REPLY_TEXT], *out = NULL;

	snprintf(in, sizeof(in), "%.*s", (int)strcspn(reply->text, "\n"), reply->text);
	int r = gsasl_step64(session, in, &out);
	if (r != GSASL_OK && r != GSASL_NEEDS_MORE)
		return -EINVAL;
	snprintf(ret, size, "%s", out);
	gsasl_free(out);
	return 0;
}
