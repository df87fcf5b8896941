/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/plan_file.h"

#include <string.h>

#include "base/text.h"
#include "prog/verbs.h"

int plan_file_load(const char *path, struct plan **ret, struct plan_faults *faults, struct why *why)
{
	own(text) struct text *t = NULL;
	int r = text_read(path, PLAN_BYTES_MAX, &t);

	if (r < 0) {
		*faults = (struct plan_faults){ 0 };
		return why_set(why, r, "cannot read the plan %s: %s", path, strerror(-r));
	}
	return plan_parse(t->bytes, t->len, path, ret, faults, why);
}

static const char *level_name(enum fault_level level)
{
	return level == FAULT_ERROR ? "error" : "warning";
}

static void fault_print(const char *path, const struct plan_fault *f, FILE *out)
{
	if (f->line)
		fprintf(out, "%s:%u: %s: %s; %s\n", path, f->line, level_name(f->level), f->wrong,
			f->right);
	else
		fprintf(out, "%s: %s: %s; %s\n", path, level_name(f->level), f->wrong, f->right);
}

void plan_faults_print(const char *path, const struct plan_faults *f, FILE *out)
{
	for (size_t i = 0; i < f->count; i++)
		fault_print(path, &f->fault[i], out);
}

json_t *plan_faults_json(const struct plan_faults *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->count; i++) {
		const struct plan_fault *at = &f->fault[i];
		json_t *o =
		    json_pack("{s:s, s:i, s:s, s:s}", "level", level_name(at->level), "line",
			      (int)at->line, "wrong", at->wrong, "right", at->right);

		if (json_array_append_new(list, o) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int plan_file_open(const char *verb, const char *path, struct plan **ret)
{
	struct plan_faults f;
	struct why why = { 0 };
	int r = plan_file_load(path, ret, &f, &why);

	for (size_t i = 0; r < 0 && i < f.count; i++)
		if (f.fault[i].level == FAULT_ERROR)
			fault_print(path, &f.fault[i], stderr);
	if (r < 0 && !f.errors)
		fprintf(stderr, "porteiro %s: %s\n", verb, why.text);
	plan_faults_done(&f);
	return r < 0 ? EXIT_USAGE : EXIT_DONE;
}
