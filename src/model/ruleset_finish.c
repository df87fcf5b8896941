/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The canonical form: what makes two rulesets of equal content equal byte for
 * byte. Classes that no interval uses are dropped, equal ones become one, the
 * rest stand in the order of their content, and neighbours that became alike
 * become one interval.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/ruleset.h"
#include "model/ruleset_codec.h"

#define COMPARE(a, b)                              \
	do {                                       \
		if ((a) != (b))                    \
			return (a) < (b) ? -1 : 1; \
	} while (0)

static int fields_compare(const struct class *a, const struct class *b)
{
	int r = strcmp(a->segment, b->segment);

	if (r != 0)
		return r;
	COMPARE(a->cause, b->cause);
	COMPARE(a->mode, b->mode);
	COMPARE(a->inbound, b->inbound);
	COMPARE(a->strict, b->strict);
	COMPARE(a->until.s, b->until.s);
	return 0;
}

/* Class 0, "no rule", stays first: its name is empty and its cause the smallest. */
static int class_order(const void *x, const void *y, void *arg)
{
	const struct ruleset *rs = arg;
	const struct class *a = &rs->classes[*(const uint16_t *)x];
	const struct class *b = &rs->classes[*(const uint16_t *)y];
	int r = fields_compare(a, b);

	return r != 0 ? r : fields_compare(&rs->classes[a->under], &rs->classes[b->under]);
}

static void mark(const struct ruleset *rs, bool *used, uint16_t class)
{
	used[class] = true;
	used[rs->classes[class].under] = true;
}

static size_t used_classes(const struct ruleset *rs, bool *used, uint16_t *ret)
{
	size_t n = 0;

	used[0] = true;
	for (size_t i = 0; i < rs->v4_count; i++)
		mark(rs, used, rs->v4[i].class);
	for (size_t i = 0; i < rs->v6_count; i++)
		mark(rs, used, rs->v6[i].class);
	for (size_t c = 0; c < rs->classes_count; c++)
		if (used[c])
			ret[n++] = (uint16_t)c;
	return n;
}

static void remap(struct ruleset *rs, const uint16_t *to)
{
	size_t n = 0;

	for (size_t i = 0; i < rs->v4_count; i++) {
		uint16_t class = to[rs->v4[i].class];

		if (n == 0 || rs->v4[n - 1].class != class)
			rs->v4[n++] = (struct interval4){ rs->v4[i].first, class };
	}
	rs->v4_count = n;

	n = 0;
	for (size_t i = 0; i < rs->v6_count; i++) {
		uint16_t class = to[rs->v6[i].class];

		if (n == 0 || rs->v6[n - 1].class != class)
			rs->v6[n++] =
			    (struct interval6){ .first = rs->v6[i].first, .class = class };
	}
	rs->v6_count = n;
}

int ruleset_finish(struct ruleset *rs)
{
	own_mem bool *used = calloc(rs->classes_count, sizeof(*used));
	own_mem uint16_t *order = calloc(rs->classes_count, sizeof(*order));
	own_mem uint16_t *to = calloc(rs->classes_count, sizeof(*to));
	own_mem struct class *classes = calloc(rs->classes_count, sizeof(*classes));
	size_t n = 0;

	if (!used || !order || !to || !classes)
		return -ENOMEM;

	size_t count = used_classes(rs, used, order);
	qsort_r(order, count, sizeof(*order), class_order, rs);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || class_order(&order[i - 1], &order[i], rs) != 0)
			classes[n++] = rs->classes[order[i]];
		to[order[i]] = (uint16_t)(n - 1);
	}
	for (size_t i = 0; i < n; i++)
		classes[i].under = to[classes[i].under];

	free(rs->classes);
	rs->classes = take(classes);
	rs->classes_count = n;
	remap(rs, to);
	ruleset_seal(rs);
	return 0;
}
