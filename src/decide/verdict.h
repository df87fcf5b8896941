/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict: the reference interpreter. One packet, one ruleset, one answer.
 *
 * It is written to be read, not to be fast: every enforcement back end is
 * tested against it, packet for packet. In this order:
 *
 *   1. Neither PACKET_TCP nor PACKET_HIDDEN                     → pass
 *   2. destination port known and not 25                        → pass
 *   3. destination is a smarthost                               → pass
 *   4. Two modes are asked, each of the class as it stands at `now`:
 *      outbound  the `mode` of the source's class; only if the side is
 *                subscriber
 *      inbound   the `inbound` of the destination's class; on either side, but
 *                only if the port is known
 *      For a packet of kind TCP without SYN a class that is not strict counts
 *      as off. (SYN with or without ACK is a SYN.)
 *   5. Of the two, a refusal (reject, drop) beats monitor, which beats off;
 *      where they rank alike, outbound decides if it was asked.
 *   6. A reject becomes a drop where no reset may be sent: the packet is HIDDEN
 *      (half a header can not be answered) or carries RST (RFC 9293 3.10.7.1: a
 *      reset is never answered).
 */
#pragma once

#include "base/mono.h"
#include "model/ruleset.h"
#include "wire/packet.h"

#define SMTP_PORT 25

enum side {
	SIDE_SUBSCRIBER, /* the packet came in from subscribers */
	SIDE_UPLINK,     /* it came in from the rest of the world */
};

enum verdict { VERDICT_PASS, VERDICT_MONITOR, VERDICT_REJECT, VERDICT_DROP, VERDICT_COUNT_ };

const char *verdict_name(enum verdict v); /* "pass", "monitor", "reject", "drop" */

struct judgement {
	enum verdict verdict;
	uint16_t class; /* that decided, as looked up (its end not yet applied); 0 if none was asked
			 */
	bool inbound;   /* it is the destination's class, and its inbound mode decided */
};

struct judgement verdict_of(const struct ruleset *rs, const struct packet *p, enum side side,
			    struct wall now);
