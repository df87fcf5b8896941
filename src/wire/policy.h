/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy: requests of Postfix's policy delegation → who submits by which port.
 *
 * "name=value" lines and an empty one (Postfix SMTPD_POLICY_README). The answer
 * is always POLICY_ANSWER: this looks on, it never decides.
 *
 * Pure: bytes are fed as they come; a request that is too long or no request
 * is an error after which the connection should be closed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define POLICY_ANSWER      "action=DUNNO\n\n"
#define POLICY_REQUEST_MAX 16384 /* bytes of one request; Postfix sends below 4 kB */

/* One request; the slices lie in the policy's buffer until the next feed. */
struct policy_request {
	struct slice state;    /* RCPT, DATA, END-OF-MESSAGE … */
	struct slice instance; /* the same for all requests about one message */
	struct slice user;     /* sasl_username; empty: no login */
	struct slice client;
	struct slice tls; /* protocol version; empty: none */
	uint16_t port;    /* server_port, 0 before Postfix 3.2 */
};

struct policy {
	size_t len;  /* bytes held */
	size_t used; /* of these: the request given last */
	char held[POLICY_REQUEST_MAX];
};

/* Room for new bytes, and how many there are; tell policy_fed() how many came. */
char *policy_room(struct policy *p, size_t *ret_room);
void policy_fed(struct policy *p, size_t bytes);
/* 1 and the next whole request, 0 for none yet, -EMSGSIZE or -EBADMSG. */
int policy_next(struct policy *p, struct policy_request *ret);
