/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan: any bytes give either a plan that holds its promises, or faults that say why not. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "model/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void prefixes_hold(const struct plan_prefix *p, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char text[PREFIX_TEXT_MAX];
		struct prefix again;

		assert(p[i].line > 0);
		assert(prefix_parse(prefix_text(p[i].prefix, text), &again) == PREFIX_OK);
		assert(prefix_compare(p[i].prefix, again) == 0);
	}
}

static void plan_holds(const struct plan *p)
{
	assert(p->operator_.name && p->segments_count > 0);
	prefixes_hold(p->operator_.space, p->operator_.space_count);
	for (unsigned i = 0; i < p->segments_count; i++) {
		const struct segment *s = &p->segments[i];

		assert(*s->name && strlen(s->name) <= PLAN_NAME_MAX && s->prefixes_count > 0);
		assert(s->mode < MODE_COUNT_ && s->inbound < MODE_COUNT_);
		assert(s->treatment == TREATMENT_CLOSED || s->mode == MODE_OFF);
		assert(s->kind == KIND_RESIDENTIAL || s->inbound == MODE_OFF);
		prefixes_hold(s->prefixes, s->prefixes_count);
	}
	for (unsigned i = 0; i < p->smarthosts_count; i++)
		prefixes_hold(p->smarthosts[i].prefixes, p->smarthosts[i].prefixes_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	own(plan) struct plan *p = NULL;
	struct plan_faults f;
	struct why why = { 0 };
	int r = plan_parse((const char *)data, bytes, "plan", &p, &f, &why);

	assert((r == 0) == (p != NULL) && (r == 0) == (f.errors == 0));
	assert(r == 0 || *why.text);
	for (size_t i = 0; i < f.count; i++) {
		assert(*f.fault[i].wrong && *f.fault[i].right);
		assert(!strchr(f.fault[i].wrong, '\n'));
		/* Line 0: our search found no fault, and libcyaml did. One of the two is wrong. */
		assert(f.fault[i].line > 0);
		assert(i == 0 || f.fault[i - 1].line <= f.fault[i].line);
	}
	if (p)
		plan_holds(p);
	plan_faults_done(&f);
	return 0;
}
