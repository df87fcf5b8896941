/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "base/memfd.h"
#include "model/plan_pack.h"
#include "prog/web.h"

#define FAULTS_TOLD 1000

static json_t *faults_json(const struct plan_faults *faults)
{
	json_t *all = json_array();

	for (size_t i = 0; i < faults->count && i < FAULTS_TOLD; i++) {
		const struct plan_fault *f = &faults->fault[i];

		json_array_append_new(all, json_pack("{s:s, s:I, s:s, s:s}", "level",
						     f->level == FAULT_ERROR ? "error" : "warning",
						     "line", (json_int_t)f->line, "wrong", f->wrong,
						     "right", f->right));
	}
	return all;
}

static void pack_warnings(struct pack *p, const struct plan_faults *faults)
{
	uint32_t count = 0;

	for (size_t i = 0; i < faults->count; i++)
		count += faults->fault[i].level == FAULT_WARNING && count < FAULTS_TOLD;
	pack_u32(p, count);
	for (size_t i = 0; i < faults->count && count; i++) {
		const struct plan_fault *f = &faults->fault[i];

		if (f->level != FAULT_WARNING)
			continue;
		pack_u32(p, f->line);
		pack_string(p, f->wrong);
		pack_string(p, f->right);
		count--;
	}
}

static int pack_all(const struct plan *plan, const struct plan_faults *faults, const char *text,
		    size_t len)
{
	own_pack struct pack inner = { 0 }, p = { 0 };
	int r = plan_pack(plan, &inner);

	if (r < 0)
		return r;
	pack_blob(&p, inner.bytes, inner.len);
	pack_blob(&p, text, len);
	pack_warnings(&p, faults);
	r = pack_result(&p);
	return r < 0 ? r : memfd_from("plan", p.bytes, p.len);
}

int web_pack_plan(const char *text, size_t len, const char *name, struct problem *p,
		  json_t **ret_faults)
{
	own(plan) struct plan *plan = NULL;
	struct plan_faults faults = { 0 };
	struct why why = { 0 };
	int r = plan_parse(text, len, name, &plan, &faults, &why);

	if (r == -EINVAL) {
		*ret_faults = faults_json(&faults);
		problem_set(p, PROBLEM_INVALID, "plan", "%s", why.text);
	} else if (r == 0) {
		r = pack_all(plan, &faults, text, len);
	}
	plan_faults_done(&faults);
	if (r < 0 && r != -EINVAL)
		return problem_set(p, PROBLEM_INTERNAL, "", "the plan can not be handed on: %s",
				   strerror(-r));
	return r;
}
