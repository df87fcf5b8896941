/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * setup: from one profile of a mail provider, all that its users' programs read.
 *
 * Mozilla autoconfig, Autodiscover (POX), an Apple profile, a DNS zone snippet
 * and a help site in three languages. The templates are in tell/setup/. Values
 * that go into DNS are host names and ports, checked when they are set; words
 * for people may be anything and are escaped.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/why.h"

#define SETUP_VALUE_MAX 256

/* The keys of a profile: how they are set, and what one reads in the manual. */
#define SETUP_KEYS(X)                                                                       \
	X(DOMAIN, "domain", HOST, "the mail domain")                                        \
	X(NAME, "name", WORDS, "the provider's name; default the domain")                   \
	X(SHORT, "short", WORDS, "a short form of it; default the name")                    \
	X(SUBMISSIONS, "submissions", SERVER, "host[:465] that takes mail with TLS")        \
	X(SUBMISSION, "submission", SERVER, "host[:587] that takes mail with STARTTLS")     \
	X(IMAP, "imap", SERVER, "host[:993]")                                               \
	X(POP, "pop", SERVER, "host[:995]")                                                 \
	X(USERNAME, "username", USER, "what users log in with: address or localpart")       \
	X(AUTH, "auth", AUTH, "cleartext (inside TLS; default) or encrypted (CRAM, SCRAM)") \
	X(WEBMAIL, "webmail", URL, "the address of the webmail")                            \
	X(HELP_URL, "help-url", URL, "where the help site will be")                         \
	X(SUPPORT, "support", WORDS, "whom to ask, in words")                               \
	X(WEB, "web", HOST, "the web server that serves the files, for the DNS snippet")

enum setup_key {
#define X(id, name, kind, help) SETUP_##id,
	SETUP_KEYS(X)
#undef X
	    SETUP_KEY_COUNT_
};

struct setup {
	char value[SETUP_KEY_COUNT_]
		  [SETUP_VALUE_MAX];     /* "" where not given; servers without port */
	uint16_t port[SETUP_KEY_COUNT_]; /* of the servers */
	_Bool is_signed;                 /* the Apple profile will be */
};

extern const char *const setup_key_names[SETUP_KEY_COUNT_];
extern const char *const setup_key_help[SETUP_KEY_COUNT_];

/* Set one key; -EINVAL with the reason, the old value kept. Port 25 is refused: it is not for
 * users. */
int setup_set(struct setup *s, enum setup_key key, const char *value, struct why *why);

/* Enough to write files from? Fills in the defaults. */
int setup_finish(struct setup *s, struct why *why);

/* Fill the template of that name (a file of tell/setup/). -ENOENT for none. */
int setup_file(const struct setup *s, const char *name, FILE *out);
