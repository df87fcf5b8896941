/* SPDX-License-Identifier: BSD-2-Clause */
/* resolve: DNS answers for an audit, many questions at once (c-ares), within a deadline. */
#pragma once

#include "base/mono.h"
#include "base/own.h"
#include "base/why.h"
#include "wire/submission.h"

#define RESOLVE_ADDRESSES 8

struct addresses {
	int count, status; /* 0, 1 none, -1 failed */
	char text[RESOLVE_ADDRESSES][64];
	_Bool v6[RESOLVE_ADDRESSES];
};

struct resolver;

/* `server` is "address" or "address:port", NULL for the system's. */
int resolver_new(const char *server, struct resolver **ret, struct why *why);
void resolver_free(struct resolver *r);
OWNABLE(resolver)

/* Ask; the answer is written when resolver_run() has run. All names are borrowed for the call only.
 */
void resolve_addresses(struct resolver *r, const char *host, struct addresses *ret);
void resolve_srv(struct resolver *r, const char *name, struct srv_heard *ret);
void resolve_mx(struct resolver *r, const char *domain, int *ret_status,
		char hosts[][SUBMISSION_NAME], int hosts_max, int *ret_count);
/* Only how many records of a type there are: -1 if the resolver failed. */
void resolve_count(struct resolver *r, const char *name, int type, int *ret);

/* Until all is answered, at most `patience`. */
void resolver_run(struct resolver *r, struct span patience);
