/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan: the network plan as the operator wrote it, one struct per YAML mapping.
 *
 * Everything an operator decides before any wave stands here: who they are,
 * which prefixes form which segment, how each segment is to be treated, which
 * destinations stay open on port 25. What changes from day to day (exceptions,
 * restrictions) is not in the plan but in the store. See porteiro-plan(5).
 *
 * A plan in memory has passed plan_check(): prefixes are canonical, no two of
 * them contradict each other. Strings and arrays belong to the plan.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"
#include "base/why.h"
#include "model/addr.h"
#include "model/mode.h"

enum segment_kind { KIND_RESIDENTIAL, KIND_BUSINESS, KIND_INFRASTRUCTURE, KIND_COUNT_ };
enum segment_addressing {
	ADDRESSING_DYNAMIC,
	ADDRESSING_FIXED,
	ADDRESSING_CGNAT,
	ADDRESSING_COUNT_
};
enum treatment { TREATMENT_OPEN, TREATMENT_CLOSED, TREATMENT_COUNT_ };

/* A prefix and where it was written, so that every message can name the line. */
struct plan_prefix {
	struct prefix prefix;
	unsigned line; /* of the plan file, from 1 */
};

struct segment {
	char *
	    name; /* [a-z0-9][a-z0-9-]*, at most 31 characters: it names counters and nft objects */
	enum segment_kind kind;
	enum segment_addressing addressing;
	char *place; /* free text, may be NULL */
	enum treatment treatment;
	enum mode mode;    /* what happens while closed; MODE_OFF when open */
	bool strict;       /* refuse packets of running sessions too, not only SYN */
	enum mode inbound; /* TCP/25 towards these prefixes; MODE_OFF unless switched on */
	char *restriction; /* why a business or fixed segment is closed; may be NULL */
	struct plan_prefix *prefixes;
	unsigned prefixes_count;
	unsigned line;
};

/* A destination that stays reachable on port 25 from everywhere, e.g. the operator's own relay. */
struct smarthost {
	char *name;
	struct plan_prefix *prefixes;
	unsigned prefixes_count;
	unsigned line;
};

struct plan_wave {
	char *name;
	char **segments; /* names of segments */
	unsigned segments_count;
	unsigned line;
};

struct plan_operator {
	char *name;
	uint32_t as_number; /* 0 when not given */
	char *contact;
	char **languages; /* of pt-BR, pt-MZ, en */
	unsigned languages_count;
	struct plan_prefix *space; /* everything announced; what no segment covers is warned of */
	unsigned space_count;
};

struct plan {
	struct plan_operator operator_;
	struct segment *segments;
	unsigned segments_count;
	struct smarthost *smarthosts;
	unsigned smarthosts_count;
	struct plan_wave *waves;
	unsigned waves_count;
};

enum fault_level { FAULT_WARNING, FAULT_ERROR };

struct plan_fault {
	enum fault_level level;
	unsigned line;   /* 0 when it belongs to no line */
	char wrong[200]; /* what is wrong */
	char right[200]; /* what would be right */
};

struct plan_faults {
	struct plan_fault *fault; /* sorted by line */
	size_t count, errors;
};

void plan_free(struct plan *p);
OWNABLE(plan)
void plan_faults_done(struct plan_faults *f);
