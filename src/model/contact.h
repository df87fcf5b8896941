/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contact: one TCP connection attempt between a line and somebody outside, as
 * a sensor saw it. The smallest sighting there is.
 *
 * It lives in memory only: what is kept of it is counts and sketches
 * (classify/line.h). No list of a line's destinations is stored anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/addr.h"

enum contact_outcome {
	CONTACT_UNKNOWN,     /* sampled or cut: whether anybody answered can not be told */
	CONTACT_ESTABLISHED, /* the other side answered and data could flow */
	CONTACT_FAILED,      /* nobody answered, or the answer was a reset */
};

struct contact {
	struct addr line;  /* the subscriber's address */
	struct addr other; /* the address outside */
	uint16_t port;     /* of whoever was called */
	bool inbound;      /* the outside called the line */
	enum contact_outcome outcome;
	int64_t time_ms; /* of the first packet, since 1970 UTC */
};

/* Ports on which mail is fetched (RFC 1939, 9051, 8314): whose server is also called on 25 is a
 * customer's own provider. */
static inline bool port_fetches_mail(uint16_t port)
{
	return port == 110 || port == 143 || port == 993 || port == 995;
}

static inline bool port_submits_mail(uint16_t port)
{
	return port == 465 || port == 587;
}
