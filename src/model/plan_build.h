/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan_build: the structs libcyaml filled → struct plan, value by value.
 *
 * Prefixes, names and the AS number are read here, defaults are filled in, and
 * lines are taken from the tree, whose kept nodes stand in the same order as
 * libcyaml's arrays. What is faulty becomes a fault and is skipped or mended,
 * so that plan_check() can look at the rest.
 *
 * Inside the plan reader only.
 */
#pragma once

#include "model/plan_schema.h"
#include "model/plan_tree.h"

/* Takes the strings out of `raw`. 0 or -ENOMEM; a plan in either sense of "sound". */
int plan_build(struct raw_plan *raw, const struct node *root, struct fault_list *faults,
	       struct plan **ret);
/* What can be seen only in the plan as a whole; see plan_check.c for the list. 0 or -ENOMEM. */
int plan_check(const struct plan *p, struct fault_list *faults);
