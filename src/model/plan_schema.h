/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan_schema: the keys of the YAML plan, as tables for libcyaml, and the
 * structs that libcyaml fills by them.
 *
 * The tables are the one place where keys and words are listed: loading, the
 * search for faults and "did you mean" go by them, and a test holds the manual
 * against them. A pointer is NULL, a count 0, when the key is absent.
 *
 * To libcyaml every key is optional, so that the sound part of a faulty plan
 * can still be loaded and judged. What must be there carries SCHEMA_REQUIRED, a
 * flag bit of ours that libcyaml does not look at; the fault search does.
 *
 * Inside the plan reader only.
 */
#pragma once

#include <cyaml/cyaml.h>

#include "base/why.h"
#include "model/plan.h"

#define SCHEMA_REQUIRED (1 << 20)

/* inbound: a mode, or "yes" for the same mode as outbound. */
#define RAW_INBOUND_AS_MODE MODE_COUNT_

struct raw_operator {
	char *name, *as, *contact;
	char **languages;
	unsigned languages_count;
	char **space;
	unsigned space_count;
};

struct raw_defaults {
	enum mode *mode;
	int *strict, *inbound;
};

struct raw_segment {
	char *name;
	enum segment_kind *kind;
	enum segment_addressing *addressing;
	char *place;
	char **prefixes;
	unsigned prefixes_count;
	enum treatment *treatment;
	enum mode *mode;
	int *strict, *inbound;
	char *restriction;
};

struct raw_smarthost {
	char *name;
	char **prefixes;
	unsigned prefixes_count;
};

struct raw_wave {
	char *name;
	char **segments;
	unsigned segments_count;
};

struct raw_plan {
	struct raw_operator *operator_;
	struct raw_defaults *defaults;
	struct raw_segment *segments;
	unsigned segments_count;
	struct raw_smarthost *smarthosts;
	unsigned smarthosts_count;
	struct raw_wave *waves;
	unsigned waves_count;
};

extern const cyaml_schema_value_t plan_schema;

/* What a mapping with these fields is called in a message: "the plan", "a segment" … */
const char *schema_noun(const cyaml_schema_field_t *fields);

/* YAML → structs by libcyaml. 0, -ENOMEM, or -EINVAL with libcyaml's reason. */
int raw_plan_load(const char *bytes, size_t len, struct raw_plan **ret, struct why *why);
void raw_plan_free(struct raw_plan *raw);
OWNABLE(raw_plan)
