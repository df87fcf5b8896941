/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan_file: a plan from a path, for verbs that need a sound one, and its
 * faults as text and JSON.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "model/plan.h"

/* plan_parse() of a file, "-" being standard input; besides, what open/read said, and -EFBIG. */
int plan_file_load(const char *path, struct plan **ret, struct plan_faults *faults,
		   struct why *why);

/*
 * 0 and the plan, warnings left unsaid; else an exit code, after stderr has
 * heard every error: "PATH:LINE: error: what is wrong; what would be right".
 */
int plan_file_open(const char *verb, const char *path, struct plan **ret);

void plan_faults_print(const char *path, const struct plan_faults *f, FILE *out);
/* [{"level", "line", "wrong", "right"}…]; NULL when memory is out. */
json_t *plan_faults_json(const struct plan_faults *f);
