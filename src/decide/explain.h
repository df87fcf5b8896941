/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain: why one address may or may not use a port, in a sentence.
 *
 * The verdict is read from the ruleset, as every filter reads it; plan and
 * records only tell where it comes from. Pure: the command asks with a plan
 * file, the daemon with what is in force, and both get the same words.
 */
#pragma once

#include "decide/compile.h"
#include "decide/verdict.h"

struct question {
	struct addr address; /* the subscriber's */
	uint16_t port;       /* TCP destination port */
	bool to_given;
	struct addr to; /* the server's; without it: any server that is not special */
};

#define EXPLAIN_MAX 700

struct explanation {
	enum verdict verdict;
	enum cause cause;   /* of the class that decided */
	struct class class; /* that class, as it stands now; all zero if none was asked */
	bool inbound;       /* it is the class of `to` */
	const struct segment *segment;     /* in the plan, or NULL; of `to` if inbound */
	const struct plan_prefix *prefix;  /* the segment's longest that holds the address */
	const struct smarthost *smarthost; /* that `to` is part of, or NULL */
	const struct exception *exception;
	const struct restriction *restriction;
	unsigned line;              /* of the plan, where the rule stands; 0 if none does */
	char sentence[EXPLAIN_MAX]; /* one or two, no newline */
};

/* `rs` is the ruleset that compile() made of `in` at some time not after `now`. */
struct explanation explain(const struct compile_input *in, const struct ruleset *rs,
			   const struct question *q, struct wall now);
