/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan_shape: does the tree have the form that the schema asks for?
 *
 * Unknown, doubled and missing keys, lists where a word should be, words that
 * are not among those allowed, texts too long: each becomes a fault with its
 * line, and the node that has it is left out, so that the rest can be loaded.
 *
 * Inside the plan reader only.
 */
#pragma once

#include <cyaml/cyaml.h>

#include "model/plan_tree.h"

/* False if the root itself is of the wrong type, so that nothing can be loaded. */
bool shape_check(struct node *root, const cyaml_schema_value_t *schema, struct fault_list *faults);
