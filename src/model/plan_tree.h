/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan_tree: the YAML of a plan as nodes that know their line.
 *
 * libcyaml fills structs and forgets where it read them; this remembers. The
 * tree is built from libyaml's events, so that both read the same language.
 * Anchors, aliases, tags and further documents are refused: a plan needs none,
 * and ten lines of aliases can stand for a billion nodes.
 *
 * Inside the plan reader only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "model/plan_fault.h"

#define TREE_DEPTH_MAX 8
#define TREE_NODES_MAX 4000000

enum node_type { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

struct node {
	enum node_type type;
	bool left_out;   /* faulty or unknown: not loaded */
	unsigned line;   /* where it starts, from 1 */
	const char *key; /* in a mapping, else NULL */
	unsigned key_line;
	const char *text; /* of a scalar: no NUL or other control character inside */
	struct node *first, *last, *next;
};

/*
 * 0, and *ret the root (NULL for a file without any); -ENOMEM. What the YAML
 * itself has wrong goes to `faults`; after a syntax error there is no tree.
 */
int tree_read(const char *bytes, size_t len, struct arena *arena, struct fault_list *faults,
	      struct node **ret);

/* The child of a mapping under `key`, or NULL; those left out do not count. */
struct node *node_get(const struct node *mapping, const char *key);
/* The first child that is not left out; the next such sibling. */
struct node *node_first(const struct node *parent);
struct node *node_next(const struct node *n);

/* Write the tree without what is left out, as YAML in flow style. */
void tree_write(const struct node *n, FILE *out);
