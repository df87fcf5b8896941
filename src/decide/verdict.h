/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict: the reference interpreter. One packet, one ruleset, one answer.
 *
 * It is written to be read, not to be fast: every enforcement back end is
 * tested against it, packet for packet.
 *
 *   not TCP, or destination port not 25       → pass
 *   destination is a smarthost                → pass
 *   no SYN, and the class is not strict       → pass
 *   side is subscriber: class of the source   → its mode, unless off
 *   either side: class of the destination     → its inbound mode
 *   a first fragment that hides the port, or that shows port 25 and hides the
 *   flags: looked up like a SYN; a reject becomes a drop, as nothing can be
 *   answered to half a header
 *   anything else that can not be parsed      → pass
 */
#pragma once

#include "base/mono.h"
#include "model/ruleset.h"
#include "wire/packet.h"

enum side {
	SIDE_SUBSCRIBER, /* the packet came in from subscribers */
	SIDE_UPLINK,     /* it came in from the rest of the world */
};

enum verdict { VERDICT_PASS, VERDICT_MONITOR, VERDICT_REJECT, VERDICT_DROP, VERDICT_COUNT_ };

const char *verdict_name(enum verdict v);

struct judgement {
	enum verdict verdict;
	uint16_t class; /* that decided; 0 when no class was asked */
	bool inbound;   /* decided by the destination's inbound mode */
};

struct judgement verdict_of(const struct ruleset *rs, const struct packet *p, enum side side,
			    struct wall now);
