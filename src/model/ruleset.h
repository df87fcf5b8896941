/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ruleset: the compiled policy. Every back end is a function of this and of
 * nothing else.
 *
 * Per family it maps every address to a class: intervals are sorted, disjoint
 * and cover the family from its first to its last address; neighbours differ
 * in class. Class 0 is "no rule": it refuses nothing. Beside the map stands the
 * set of smarthosts, destinations that pass whatever the source.
 *
 * A ruleset speaks of TCP to destination port 25 only: there is no field in
 * which another port or protocol could be written down.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mono.h"
#include "base/own.h"
#include "base/why.h"
#include "model/addr.h"
#include "model/mode.h"

#define RULESET_CLASSES_MAX 65535 /* a class index fits 16 bits in the packet tables */
#define RULESET_NAME_MAX    32    /* segment name with its NUL */
#define RULESET_HASH_BYTES  32    /* BLAKE2b-256 */

enum cause {
	CAUSE_NONE,        /* class 0 only */
	CAUSE_SEGMENT,     /* what the plan says of the segment */
	CAUSE_EXCEPTION,   /* a line excepted from its segment: always MODE_OFF */
	CAUSE_RESTRICTION, /* a line restricted for a time */
	CAUSE_COUNT_
};

const char *cause_name(enum cause c); /* "none", "segment", "exception", "restriction" */

struct class
{
	char segment[RULESET_NAME_MAX]; /* "" when no segment covers the addresses */
	enum cause cause;
	enum mode mode;    /* TCP/25 from these addresses */
	enum mode inbound; /* TCP/25 towards these addresses */
	bool strict;       /* also packets without SYN */
	struct wall until; /* restrictions: from here on `under` holds; 0 s: no end */
	uint16_t under;    /* restrictions: the class beneath, itself never a restriction */
};

/* From `first` up to the next interval's first. */
struct interval4 {
	uint32_t first;
	uint16_t class;
};

struct interval6 {
	addr_bits first;
	uint16_t class;
};

struct smarthost_range {
	struct addr first;
	addr_bits last;
};

struct ruleset {
	struct class *classes; /* classes[0] is "no rule" */
	size_t classes_count;
	struct interval4 *v4; /* v4[0].first == 0 */
	size_t v4_count;
	struct interval6 *v6; /* v6[0].first == 0 */
	size_t v6_count;
	struct smarthost_range *smarthosts; /* sorted, disjoint, v4 before v6 */
	size_t smarthosts_count;
	uint8_t hash[RULESET_HASH_BYTES]; /* of all the above: equal content, equal hash */
};

void ruleset_free(struct ruleset *rs);
OWNABLE(ruleset)

/* The class index of an address: a binary search, O(log intervals). */
uint16_t ruleset_class(const struct ruleset *rs, struct addr a);
bool ruleset_is_smarthost(const struct ruleset *rs, struct addr a);
/* `now` resolves restrictions that have run out to the class beneath. */
const struct class *ruleset_class_at(const struct ruleset *rs, uint16_t class, struct wall now);

/*
 * "segment/cause/mode/inbound/strict", the name under which a class's counters
 * are kept: the same in every ruleset, whatever index the class has there.
 * Restrictions of one segment share one name; class 0 is "-".
 */
#define CLASS_NAME_MAX 80
const char *class_name(const struct class *c, char ret[static CLASS_NAME_MAX]);

/* Walk the intervals of one family as address ranges; used by every back end. */
struct ruleset_range {
	struct addr first;
	addr_bits last;
	uint16_t class;
};
size_t ruleset_ranges(const struct ruleset *rs, enum family f);
struct ruleset_range ruleset_range_at(const struct ruleset *rs, enum family f, size_t i);

/*
 * Equal treatment: the same packets are refused in the same way at every
 * instant, now and after a restriction has run out. The names may differ.
 */
bool class_treats_alike(const struct ruleset *a, uint16_t class_a, const struct ruleset *b,
			uint16_t class_b);
/* Equal in every field, the class beneath included; a NULL-safe identity across rulesets. */
bool class_equal(const struct ruleset *a, uint16_t class_a, const struct ruleset *b,
		 uint16_t class_b);

/*
 * How two rulesets differ, per family and direction. Addresses as a double:
 * IPv6 counts exceed 64 bits.
 */
struct ruleset_diff {
	struct {
		size_t ranges;         /* maximal ranges whose treatment changes */
		double addresses;      /* in them */
		double closed, opened; /* of these: from passing to refused, and back */
		size_t renamed;        /* ranges whose class changes and whose treatment does not */
	} family[FAMILY_COUNT_];
	size_t smarthosts_added, smarthosts_removed; /* ranges, in whole or in part */
	bool same;                                   /* equal content, equal hash */
};

/*
 * Called for each maximal range whose pair of classes is constant and differs
 * in anything (class_equal() false), ascending, v4 before v6; may be NULL.
 * Return non-zero to stop: the counts are then those so far.
 */
typedef int (*ruleset_diff_fn)(void *arg, struct addr first, addr_bits last,
			       const struct class *before, const struct class *after);
struct ruleset_diff ruleset_compare(const struct ruleset *a, const struct ruleset *b,
				    ruleset_diff_fn fn, void *arg);

/*
 * For the compiler: bring a ruleset whose intervals are sorted and cover both
 * families, but whose classes are in any order, double or unused and whose
 * neighbours may be alike, into the one canonical form, and seal it with its
 * hash. 0 or -ENOMEM.
 */
int ruleset_finish(struct ruleset *rs);

/* 0, or -EINVAL and `why` naming the first thing that a ruleset may not be. The hash counts. */
int ruleset_check(const struct ruleset *rs, struct why *why);

/*
 * One flat buffer, little-endian, the same bytes for the same content on every
 * machine; the last RULESET_HASH_BYTES are the hash of all before them. The
 * caller frees *ret. 0 or -ENOMEM.
 */
int ruleset_encode(const struct ruleset *rs, uint8_t **ret, size_t *ret_len);
/* Trusts nothing: lengths, counts, order, indexes, names and hash. -EBADMSG with `why`. */
int ruleset_decode(const uint8_t *bytes, size_t len, struct ruleset **ret, struct why *why);

#define RULESET_HASH_TEXT_MAX (2 * RULESET_HASH_BYTES + 1)
const char *ruleset_hash_text(const struct ruleset *rs, char ret[static RULESET_HASH_TEXT_MAX]);

/* The whole ruleset for people, one range a line, and as one JSON object. 0 or -EIO. */
int ruleset_text(const struct ruleset *rs, FILE *out);
int ruleset_json(const struct ruleset *rs, FILE *out);
