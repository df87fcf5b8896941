/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "model/ruleset.h"

/* The walk over both maps of one family at once. */
struct walk {
	const struct ruleset *a, *b;
	struct ruleset_diff *diff;
	ruleset_diff_fn fn;
	void *arg;
};

static bool refuses(const struct class *c)
{
	return c->mode == MODE_REJECT || c->mode == MODE_DROP;
}

static double addresses(struct addr first, addr_bits last)
{
	return (double)(last - first.bits) + 1;
}

/* Count the range, and tell it; non-zero when told to stop. */
static int differ(const struct walk *w, struct addr first, addr_bits last, uint16_t class_a,
		  uint16_t class_b)
{
	const struct class *before = &w->a->classes[class_a], *after = &w->b->classes[class_b];
	double n = addresses(first, last);

	if (class_treats_alike(w->a, class_a, w->b, class_b)) {
		w->diff->family[first.family].renamed++;
	} else {
		w->diff->family[first.family].ranges++;
		w->diff->family[first.family].addresses += n;
		if (refuses(after) && !refuses(before))
			w->diff->family[first.family].closed += n;
		if (refuses(before) && !refuses(after))
			w->diff->family[first.family].opened += n;
	}
	return w->fn ? w->fn(w->arg, first, last, before, after) : 0;
}

static int compare_family(const struct walk *w, enum family f)
{
	size_t i = 0, k = 0;
	struct addr at = { .family = f };

	for (;;) {
		struct ruleset_range a = ruleset_range_at(w->a, f, i);
		struct ruleset_range b = ruleset_range_at(w->b, f, k);
		addr_bits last = a.last < b.last ? a.last : b.last;

		if (!class_equal(w->a, a.class, w->b, b.class)) {
			int r = differ(w, at, last, a.class, b.class);
			if (r != 0)
				return r;
		}
		if (last == family_last(f))
			return 0;
		i += a.last == last;
		k += b.last == last;
		at.bits = last + 1;
	}
}

static int range_order(const void *x, const void *y)
{
	const struct smarthost_range *a = x, *b = y;

	if (a->first.family != b->first.family)
		return a->first.family < b->first.family ? -1 : 1;
	if (a->first.bits != b->first.bits)
		return a->first.bits < b->first.bits ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

/* Ranges of `a` that `b` does not have just so. */
static size_t smarthosts_beyond(const struct ruleset *a, const struct ruleset *b)
{
	size_t n = 0;

	for (size_t i = 0; i < a->smarthosts_count; i++)
		n += b->smarthosts_count == 0 ||
		     !bsearch(&a->smarthosts[i], b->smarthosts, b->smarthosts_count,
			      sizeof(*b->smarthosts), range_order);
	return n;
}

struct ruleset_diff ruleset_compare(const struct ruleset *a, const struct ruleset *b,
				    ruleset_diff_fn fn, void *arg)
{
	struct ruleset_diff diff = { .same = memcmp(a->hash, b->hash, sizeof(a->hash)) == 0 };
	struct walk w = { a, b, &diff, fn, arg };

	if (diff.same)
		return diff;
	diff.smarthosts_added = smarthosts_beyond(b, a);
	diff.smarthosts_removed = smarthosts_beyond(a, b);
	if (compare_family(&w, FAMILY_V4) == 0)
		compare_family(&w, FAMILY_V6);
	return diff;
}
