/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan: the network plan as the operator wrote it, one struct per YAML mapping.
 *
 * Everything an operator decides before any wave stands here: who they are,
 * which prefixes form which segment, how each segment is to be treated, which
 * destinations stay open on port 25. What changes from day to day (exceptions,
 * restrictions) is not in the plan but in the store. See porteiro-plan(5).
 *
 * A plan that plan_parse() returned has no fault but warnings: prefixes are
 * canonical, no two segments claim the same one, names are unique and fit to
 * be printed, defaults are filled in. Strings and arrays belong to the plan.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"
#include "base/why.h"
#include "model/addr.h"
#include "model/mode.h"

/* Limits. Reaching one is a fault with its line, never a crash or a cut. */
#define PLAN_BYTES_MAX    (128u << 20) /* of YAML */
#define PLAN_NAME_MAX     31 /* characters of a segment, smarthost or wave: [a-z0-9][a-z0-9-]* */
#define PLAN_SEGMENTS_MAX 10000
#define PLAN_FAULTS_MAX   10000 /* listed; the last one then says that there are more */

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
	char *name; /* see PLAN_NAME_MAX: it names counters and nft objects */
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

#define FAULT_TEXT_MAX 240

struct plan_fault {
	enum fault_level level;
	unsigned line;              /* from 1; 0 when it belongs to no line */
	char wrong[FAULT_TEXT_MAX]; /* what is wrong: valid UTF-8, one line */
	char right[FAULT_TEXT_MAX]; /* what would be right */
};

struct plan_faults {
	struct plan_fault *fault; /* sorted by line */
	size_t count, errors;     /* warnings are the rest */
};

/*
 * YAML bytes → plan. `name` is what messages call the plan: its path.
 * Every fault is found, not just the first; *faults is overwritten and the
 * caller ends it with plan_faults_done() whatever is returned (NULL is allowed:
 * then only the first error is wanted, in `why`).
 *
 * 0 and a plan, perhaps with warnings; -EINVAL if there are errors (`why` says
 * the first, as "name:line: …"); -ENOMEM.
 */
int plan_parse(const char *bytes, size_t len, const char *name, struct plan **ret,
	       struct plan_faults *faults, struct why *why);
void plan_free(struct plan *p);
OWNABLE(plan)
void plan_faults_done(struct plan_faults *f);

/* The longest prefix of any segment that holds `a`, and its segment; false if none does. O(n). */
bool plan_find(const struct plan *p, struct addr a, const struct segment **ret_segment,
	       const struct plan_prefix **ret_prefix);

/* The words of the YAML. */
const char *segment_kind_name(enum segment_kind k);
const char *segment_addressing_name(enum segment_addressing a);
const char *treatment_name(enum treatment t);
