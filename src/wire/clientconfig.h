/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clientconfig: the outgoing servers that a published set-up file names.
 *
 * Reads Mozilla autoconfig (config-v1.1.xml), Autodiscover (POX) and Apple
 * profiles. Hostile input: no entities, no network, bounded; a document type
 * declaration is allowed only where the format has one (plist) and is not used.
 */
#pragma once

#include <stddef.h>

#include "base/why.h"

#define CLIENTCONFIG_SERVERS   16
#define CLIENTCONFIG_BYTES_MAX (256 * 1024)

enum clientconfig_security { SECURITY_PLAIN, SECURITY_STARTTLS, SECURITY_TLS };

struct clientconfig_server {
	char host[256];
	int port; /* 0: not said */
	enum clientconfig_security security;
	_Bool spa; /* Autodiscover: SPA is on, or not said, which means on */
};

struct clientconfig {
	int count; /* outgoing servers, in the order of the file */
	struct clientconfig_server server[CLIENTCONFIG_SERVERS];
	_Bool password;          /* an Apple profile with a password in it */
	char documentation[512]; /* autoconfig: the address of the help page, or "" */
};

enum clientconfig_kind { CLIENTCONFIG_AUTOCONFIG, CLIENTCONFIG_AUTODISCOVER, CLIENTCONFIG_APPLE };

/* -EINVAL with the reason for what is not well-formed or not of that kind. */
int clientconfig_parse(enum clientconfig_kind kind, const char *bytes, size_t len,
		       struct clientconfig *ret, struct why *why);
