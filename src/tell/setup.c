/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/setup.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tell/embedded.h"
#include "tell/template.h"

enum kind { KIND_HOST, KIND_SERVER, KIND_WORDS, KIND_URL, KIND_USER, KIND_AUTH };

const char *const setup_key_names[SETUP_KEY_COUNT_] = {
#define X(id, name, kind, help) [SETUP_##id] = name,
	SETUP_KEYS(X)
#undef X
};

const char *const setup_key_help[SETUP_KEY_COUNT_] = {
#define X(id, name, kind, help) [SETUP_##id] = help,
	SETUP_KEYS(X)
#undef X
};

static const enum kind kinds[SETUP_KEY_COUNT_] = {
#define X(id, name, kind, help) [SETUP_##id] = KIND_##kind,
	SETUP_KEYS(X)
#undef X
};

static const uint16_t usual_port[SETUP_KEY_COUNT_] = {
	[SETUP_SUBMISSIONS] = 465,
	[SETUP_SUBMISSION] = 587,
	[SETUP_IMAP] = 993,
	[SETUP_POP] = 995,
};

/* RFC 1123 2.1: labels of letters, digits and hyphens, at least two, 253 octets in all. */
static _Bool host_valid(const char *s)
{
	size_t len = strlen(s), label = 0, dots = 0;

	if (len == 0 || len > 253 || s[len - 1] == '.')
		return 0;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		_Bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (c == '.') {
			if (label == 0 || s[i - 1] == '-')
				return 0;
			label = 0, dots++;
		} else if (!(alnum || (c == '-' && label > 0)) || ++label > 63) {
			return 0;
		}
	}
	return dots > 0 && s[len - 1] != '-';
}

static int set_host(char ret[SETUP_VALUE_MAX], const char *text, size_t len, struct why *why)
{
	char host[SETUP_VALUE_MAX];

	if (len >= sizeof(host))
		return why_set(why, -EINVAL, "'%.40s…' is not a host name", text);
	for (size_t i = 0; i < len; i++)
		host[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
	host[len] = '\0';
	if (!host_valid(host))
		return why_set(why, -EINVAL, "'%s' is not a host name", host);
	strcpy(ret, host);
	return 0;
}

static int set_server(struct setup *s, enum setup_key key, const char *text, struct why *why)
{
	const char *colon = strchr(text, ':');
	long port = usual_port[key];

	if (colon) {
		char *end;

		port = strtol(colon + 1, &end, 10);
		if (end == colon + 1 || *end || port < 1 || port > 65535)
			return why_set(why, -EINVAL, "'%s' is not a port", colon + 1);
	}
	if (port == 25)
		return why_set(why, -EINVAL, "port 25 is not for users: give a submission port");
	int r = set_host(s->value[key], text, colon ? (size_t)(colon - text) : strlen(text), why);
	if (r == 0)
		s->port[key] = (uint16_t)port;
	return r;
}

static int set_choice(char ret[SETUP_VALUE_MAX], const char *text, const char *const choice[2],
		      const char *const value[2], struct why *why)
{
	for (int i = 0; i < 2; i++)
		if (strcmp(text, choice[i]) == 0) {
			strcpy(ret, value[i]);
			return 0;
		}
	return why_set(why, -EINVAL, "'%s' is neither %s nor %s", text, choice[0], choice[1]);
}

static int set_words(char ret[SETUP_VALUE_MAX], const char *text, _Bool url, struct why *why)
{
	if (strlen(text) >= SETUP_VALUE_MAX)
		return why_set(why, -EINVAL, "it is longer than %d bytes", SETUP_VALUE_MAX - 1);
	if (!*text)
		return why_set(why, -EINVAL, "it is empty");
	if (url && ((strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0) ||
		    text[strcspn(text, " \t\r\n\"'<>\\")]))
		return why_set(why, -EINVAL, "'%s' is not a web address", text);
	strcpy(ret, text);
	return 0;
}

int setup_set(struct setup *s, enum setup_key key, const char *value, struct why *why)
{
	static const char *const users[] = { "address", "localpart" };
	static const char *const user_values[] = { "%EMAILADDRESS%", "%EMAILLOCALPART%" };
	static const char *const auths[] = { "cleartext", "encrypted" };
	static const char *const auth_values[] = { "password-cleartext", "password-encrypted" };
	struct why inner = { 0 };
	int r = 0;

	switch (kinds[key]) {
	case KIND_HOST:
		r = set_host(s->value[key], value, strlen(value), &inner);
		break;
	case KIND_SERVER:
		r = set_server(s, key, value, &inner);
		break;
	case KIND_WORDS:
	case KIND_URL:
		r = set_words(s->value[key], value, kinds[key] == KIND_URL, &inner);
		break;
	case KIND_USER:
		r = set_choice(s->value[key], value, users, user_values, &inner);
		break;
	case KIND_AUTH:
		r = set_choice(s->value[key], value, auths, auth_values, &inner);
		break;
	}
	return r < 0 ? why_set(why, r, "%s: %s", setup_key_names[key], inner.text) : 0;
}

static void set_default(struct setup *s, enum setup_key key, const char *value)
{
	if (!s->value[key][0])
		snprintf(s->value[key], SETUP_VALUE_MAX, "%s", value);
}

int setup_finish(struct setup *s, struct why *why)
{
	if (!s->value[SETUP_DOMAIN][0])
		return why_set(why, -EINVAL, "domain is missing");
	if (!s->value[SETUP_SUBMISSIONS][0] && !s->value[SETUP_SUBMISSION][0])
		return why_set(why, -EINVAL, "submissions or submission is needed");
	if (!s->value[SETUP_IMAP][0] && !s->value[SETUP_POP][0])
		return why_set(why, -EINVAL, "imap or pop is needed");
	set_default(s, SETUP_NAME, s->value[SETUP_DOMAIN]);
	set_default(s, SETUP_SHORT, s->value[SETUP_NAME]);
	set_default(s, SETUP_USERNAME, "%EMAILADDRESS%");
	set_default(s, SETUP_AUTH, "password-cleartext");
	return 0;
}

/* One lookup at a time: a value that has to be made lives here until the next. */
struct made {
	const struct setup *s;
	char text[SETUP_VALUE_MAX];
};

/* The same for the same domain, so that a renewed profile takes the old one's place (RFC 9562 8).
 */
static const char *uuid(struct made *m, const char *purpose)
{
	char seed[SETUP_VALUE_MAX + 32];
	unsigned char h[crypto_hash_sha256_BYTES];
	int n = snprintf(seed, sizeof(seed), "porteiro %s %s", purpose, m->s->value[SETUP_DOMAIN]);

	crypto_hash_sha256(h, (unsigned char *)seed, (unsigned long long)n);
	h[6] = (unsigned char)((h[6] & 0x0f) | 0x80);
	h[8] = (unsigned char)((h[8] & 0x3f) | 0x80);
	snprintf(m->text, sizeof(m->text),
		 "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", h[0], h[1],
		 h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14],
		 h[15]);
	return m->text;
}

/* mail.provedor.example as example.provedor.mail */
static const char *reversed(struct made *m, const char *host)
{
	size_t at = 0;

	for (size_t end = strlen(host), i = end; i-- > 0;)
		if (i == 0 || host[i - 1] == '.') {
			at += (size_t)snprintf(m->text + at, sizeof(m->text) - at, "%s%.*s",
					       at ? "." : "", (int)(end - i), host + i);
			end = i ? i - 1 : 0;
		}
	return m->text;
}

static const char *port_text(struct made *m, enum setup_key key)
{
	snprintf(m->text, sizeof(m->text), "%u", m->s->port[key]);
	return m->text;
}

static const char *lookup(void *of, const char *name)
{
	struct made *m = of;
	const struct setup *s = m->s;
	enum setup_key best = s->value[SETUP_SUBMISSIONS][0] ? SETUP_SUBMISSIONS : SETUP_SUBMISSION;
	char key[32];
	size_t len = strlen(name);

	for (int k = 0; k < SETUP_KEY_COUNT_; k++) {
		const char *n = setup_key_names[k];

		snprintf(key, sizeof(key), "%s", n);
		for (char *c = key; *c; c++)
			if (*c == '-')
				*c = '_';
		if (strcmp(name, key) == 0)
			return s->value[k];
		if (len > 5 && strcmp(name + len - 5, "_port") == 0 && strlen(n) == len - 5 &&
		    strncmp(name, key, len - 5) == 0)
			return port_text(m, (enum setup_key)k);
	}
	if (strcmp(name, "best") == 0)
		return s->value[best];
	if (strcmp(name, "best_port") == 0)
		return port_text(m, best);
	if (strcmp(name, "best_security") == 0)
		return best == SETUP_SUBMISSIONS ? "SSL/TLS" : "STARTTLS";
	if (strcmp(name, "whole") == 0)
		return strcmp(s->value[SETUP_USERNAME], "%EMAILADDRESS%") == 0 ? "yes" : "";
	if (strcmp(name, "signed") == 0)
		return s->is_signed ? "yes" : "";
	if (strcmp(name, "reverse") == 0)
		return reversed(m, s->value[SETUP_DOMAIN]);
	if (strcmp(name, "uuid_profile") == 0 || strcmp(name, "uuid_account") == 0)
		return uuid(m, name);
	return NULL;
}

int setup_file(const struct setup *s, const char *name, FILE *out)
{
	struct made made = { .s = s };

	for (const struct embedded *e = setup_files; e->name; e++)
		if (strcmp(e->name, name) == 0)
			return template_fill(e->text, lookup, &made, out);
	return -ENOENT;
}
