/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of a plan: bytes → tree with lines (plan_tree) → form (plan_shape)
 * → libcyaml's structs (plan_schema) → plan (plan_build) → sense (plan_check).
 */
#include "model/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "model/plan_build.h"
#include "model/plan_fault.h"
#include "model/plan_schema.h"
#include "model/plan_shape.h"
#include "model/plan_tree.h"

/* Of a faulty plan libcyaml gets the sound part, written anew, so that it can be judged too. */
static int sound_part_load(const struct node *root, struct raw_plan **ret, struct why *why)
{
	own_mem char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	if (!out)
		return -ENOMEM;
	tree_write(root, out);
	bool failed = ferror(out) != 0;
	if (fclose(out) != 0 || failed)
		return -ENOMEM;
	return raw_plan_load(bytes, len, ret, why);
}

static int raw_load(const char *bytes, size_t len, const struct node *root,
		    struct fault_list *faults, struct raw_plan **ret)
{
	struct why why = { 0 };
	bool sound = faults->found.errors == 0;
	int r = sound ? raw_plan_load(bytes, len, ret, &why) : sound_part_load(root, ret, &why);

	if (r == -EINVAL && sound) {
		fault_wrong(faults, FAULT_ERROR, 0, "the plan can not be loaded: %s", why.text);
		fault_right(faults, "see porteiro-plan(5)");
	}
	return r;
}

/* *ret stays NULL where the form allows no plan at all; the faults then say why. */
static int plan_read(const char *bytes, size_t len, struct fault_list *faults, struct plan **ret)
{
	own(arena) struct arena *arena = arena_new();
	own(raw_plan) struct raw_plan *raw = NULL;
	struct node *root = NULL;
	int r;

	if (!arena)
		return -ENOMEM;
	r = tree_read(bytes, len, arena, faults, &root);
	if (r < 0)
		return r;
	if (!root && faults->found.errors == 0) {
		fault_wrong(faults, FAULT_ERROR, 1, "the plan is empty");
		fault_right(faults, "write 'operator:' and 'segments:'; see porteiro-plan(5)");
	}
	if (!root || !shape_check(root, &plan_schema, faults))
		return 0;
	r = raw_load(bytes, len, root, faults, &raw);
	if (r == -EINVAL)
		return 0;
	if (r == 0)
		r = plan_build(raw, root, faults, ret);
	return r < 0 ? r : plan_check(*ret, faults);
}

static int why_of_faults(const struct plan_faults *f, const char *name, struct why *why)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct plan_fault *at = &f->fault[i];

		if (at->level != FAULT_ERROR)
			continue;
		if (f->errors == 1)
			return why_set(why, -EINVAL, "%s:%u: %s; %s", name, at->line, at->wrong,
				       at->right);
		return why_set(why, -EINVAL, "%s:%u: %s; %s (the first of %zu errors)", name,
			       at->line, at->wrong, at->right, f->errors);
	}
	return why_set(why, -EINVAL, "%s: more faults than can be listed", name);
}

int plan_parse(const char *bytes, size_t len, const char *name, struct plan **ret,
	       struct plan_faults *faults, struct why *why)
{
	own(plan) struct plan *p = NULL;
	struct fault_list list = { 0 };
	struct plan_faults found;
	int r = plan_read(bytes, len, &list, &p);

	if (r == 0 && list.lost)
		r = -ENOMEM;
	fault_list_close(&list, &found);
	if (r < 0)
		why_set(why, r, "%s: %s", name, strerror(-r));
	else if (found.errors)
		r = why_of_faults(&found, name, why);
	if (faults)
		*faults = found;
	else
		plan_faults_done(&found);
	if (r < 0)
		return r;
	*ret = take(p);
	return 0;
}

static void texts_free(char **texts, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	free(p->operator_.name);
	free(p->operator_.contact);
	free(p->operator_.space);
	texts_free(p->operator_.languages, p->operator_.languages_count);
	for (unsigned i = 0; i < p->segments_count; i++) {
		free(p->segments[i].name);
		free(p->segments[i].place);
		free(p->segments[i].restriction);
		free(p->segments[i].prefixes);
	}
	free(p->segments);
	for (unsigned i = 0; i < p->smarthosts_count; i++) {
		free(p->smarthosts[i].name);
		free(p->smarthosts[i].prefixes);
	}
	free(p->smarthosts);
	for (unsigned i = 0; i < p->waves_count; i++) {
		free(p->waves[i].name);
		texts_free(p->waves[i].segments, p->waves[i].segments_count);
	}
	free(p->waves);
	free(p);
}

void plan_faults_done(struct plan_faults *f)
{
	free(f->fault);
	*f = (struct plan_faults){ 0 };
}

bool plan_find(const struct plan *p, struct addr a, const struct segment **ret_segment,
	       const struct plan_prefix **ret_prefix)
{
	const struct plan_prefix *best = NULL;

	for (unsigned i = 0; i < p->segments_count; i++) {
		const struct segment *s = &p->segments[i];

		for (unsigned j = 0; j < s->prefixes_count; j++) {
			if (!prefix_holds(s->prefixes[j].prefix, a))
				continue;
			if (best && best->prefix.len >= s->prefixes[j].prefix.len)
				continue;
			best = &s->prefixes[j];
			*ret_segment = s;
			*ret_prefix = best;
		}
	}
	return best != NULL;
}

const char *segment_kind_name(enum segment_kind k)
{
	static const char *const names[KIND_COUNT_] = { "residential", "business",
							"infrastructure" };
	return names[k];
}

const char *segment_addressing_name(enum segment_addressing a)
{
	static const char *const names[ADDRESSING_COUNT_] = { "dynamic", "fixed", "cgnat" };
	return names[a];
}

const char *treatment_name(enum treatment t)
{
	static const char *const names[TREATMENT_COUNT_] = { "open", "closed" };
	return names[t];
}
