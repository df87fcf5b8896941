/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lease: one line held one address, prefix or block of ports for a time; and
 * the judgement of who held it at an instant.
 *
 * Sources end a lease in different ways, and the way is kept, because it is what
 * makes an answer certain or not:
 *
 *   STANDING  given until further notice (a fixed address in the billing system)
 *   PROMISED  a DHCP server lends until an expiry, and may get it back before
 *   UNKNOWN   a session whose Stop has not come: known only up to `seen`
 *   REPORTED  the source said when it ended
 *
 * All but REPORTED are cut off by the next lease of the same place from the same
 * source. Two reported leases that overlap are not: both stay candidates, and
 * the answer is "ambiguous". Nothing here chooses between two lines.
 *
 * Pure. Times are seconds since 1970 UTC; intervals hold `from` and not `until`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "model/addr.h"

#define LEASE_LINE_MAX    128 /* bytes of a line's name, with the NUL */
#define LEASE_SESSION_MAX 160
#define LEASE_FOREVER     INT64_MAX
#define LEASE_PORTS_ALL   65536

/* In the order in which one says more than the other about the same lease. */
enum lease_end { LEASE_STANDING, LEASE_PROMISED, LEASE_UNKNOWN, LEASE_REPORTED, LEASE_END_COUNT_ };

enum lease_source { LEASE_TABLE, LEASE_RADIUS, LEASE_DHCP, LEASE_CGNAT, LEASE_SOURCE_COUNT_ };

struct lease {
	struct prefix place;
	uint32_t port_low, ports; /* 0 and LEASE_PORTS_ALL: the whole address */
	int64_t from, until;      /* until: LEASE_FOREVER where nothing limits it */
	int64_t seen;             /* the last instant at which the source vouched for it */
	enum lease_end end;
	enum lease_source source;
	char line[LEASE_LINE_MAX];       /* of LEASE_CGNAT: the inside address as text */
	char session[LEASE_SESSION_MAX]; /* what joins the reports of one session; may be empty */
};

const char *lease_end_name(enum lease_end e);
const char *lease_source_name(enum lease_source s);

/* Made by our own code only: the ranges hold, from <= seen <= until, a line is named. */
bool lease_valid(const struct lease *l);

/*
 * Two reports of the same session or of the same (place, line, start) as one.
 * The order in which they come does not matter; a Stop is never taken back by
 * an interim report that comes late. True if `l` changed.
 */
bool lease_merge(struct lease *l, const struct lease *other);

/* --- who had it --------------------------------------------------------------------------- */

struct lease_terms {
	int64_t skew_s;    /* how far apart the clocks of reporter and source may be */
	int64_t interim_s; /* a session not heard of for longer is over */
};
extern const struct lease_terms lease_terms_default;

enum lease_certainty {
	LEASE_OUT,      /* did not hold it */
	LEASE_NEAR,     /* only if the clocks differ: within the skew of its start or end */
	LEASE_PRESUMED, /* no end reported, not heard of since `seen`, within the interim time */
	LEASE_SURE,
	LEASE_CERTAINTY_COUNT_
};
const char *lease_certainty_name(enum lease_certainty c);

/* `next`: the start of the next lease of that place from that source; LEASE_FOREVER if none. */
enum lease_certainty lease_judge(const struct lease *l, int64_t next, struct wall at,
				 const struct lease_terms *terms);

struct lease_candidate {
	struct lease lease;
	enum lease_certainty certainty;
};

enum lease_verdict { LEASE_NOBODY, LEASE_FOUND, LEASE_AMBIGUOUS };

#define LEASE_CANDIDATES_MAX 64

/* One entry a line, the most certain lease of each. */
struct lease_answer {
	enum lease_verdict verdict;
	size_t count;   /* of candidates kept */
	size_t further; /* lines beyond LEASE_CANDIDATES_MAX */
	struct lease_candidate candidate[LEASE_CANDIDATES_MAX];
};
void lease_answer_add(struct lease_answer *a, const struct lease *l, enum lease_certainty c);
