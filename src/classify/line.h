/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line: what is remembered of one subscriber line, in 256 bytes.
 *
 * Windows are kept as two halves, the running one and the one before: a figure
 * for 24 hours covers between 12 and 24 of them, never more, so that nobody is
 * accused on too long a window. Distinct servers are counted by 256-bit linear
 * counting (Whang et al. 1990; within 5 % to 256 servers): a sketch says how
 * many, never which. The hash is keyed by the caller, who keeps the key in
 * memory only.
 *
 * Pure: every call takes `now`, which may not run backwards by more than the
 * sensor's disorder; an older contact counts for the present half.
 */
#pragma once

#include <stdint.h>

#include "base/mono.h"
#include "model/contact.h"
#include "model/finding.h"

#define SKETCH_WORDS 4

struct sketch {
	uint64_t bits[SKETCH_WORDS];
};

struct line {
	struct sketch day[2], week[2]; /* servers called on 25: halves, [0] is the running one */
	struct sketch month;           /* the same since the month began: "known" servers */
	struct sketch fetch;           /* servers that mail is fetched from or submitted to */
	uint64_t exchangers; /* 64-bit sketch of names looked up for MX in the running hour */
	uint32_t inbound; /* 32-bit sketch of outside callers of port 25, since the month began */
	uint32_t half;    /* number of the running half day; weeks and months follow from it */
	float suspicion;  /* SPRT log-odds of failing first contacts */
	uint16_t attempts[2], failed[2], outcomes[2]; /* on 25, halves of the day */
	uint16_t submissions[2];
	uint16_t hour;                       /* number of the running hour, low 16 bits */
	uint8_t hour_servers;                /* servers new to the day's half, within that hour */
	uint8_t quarter_of_hour;             /* running */
	uint8_t quarter_count, quarter_most; /* attempts in it; the most since the half began */
	uint16_t gaps;
	uint32_t hours_days;         /* bits 0-23: hours of the day; 24-30: days of the week */
	uint32_t last_s;             /* last attempt on 25, s since 1970 */
	float gap_mean, gap_squares; /* Welford, over gaps between attempts */
	uint16_t provider;           /* last known provider called on 25; 0: none */
};

_Static_assert(sizeof(struct line) <= 256, "a line is 256 bytes");

void line_init(struct line *l);

/* `provider`: of `contact->other`, if it is a submission host known to be one's; else 0. */
void line_note(struct line *l, const struct contact *contact, uint64_t hash_key, uint16_t provider,
	       struct wall now);

/* A look-up of a domain's mail exchangers: `name_hash` is keyed and made of the name. */
void line_note_exchanger(struct line *l, uint64_t name_hash, struct wall now);

struct line_figures line_figures(const struct line *l, struct wall now);

/* Distinct items by linear counting; a full sketch says "at least" its ceiling. */
uint32_t sketch_count(const struct sketch *s);
