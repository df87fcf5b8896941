/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/ruleset.h"

#include <stdlib.h>
#include <string.h>

const char *cause_name(enum cause c)
{
	static const char *const names[CAUSE_COUNT_] = { "none", "segment", "exception",
							 "restriction" };

	return c < CAUSE_COUNT_ ? names[c] : "?";
}

const char *class_name(const struct class *c, char ret[static CLASS_NAME_MAX])
{
	if (c->cause == CAUSE_NONE)
		snprintf(ret, CLASS_NAME_MAX, "-");
	else
		snprintf(ret, CLASS_NAME_MAX, "%s/%s/%s/%s/%s", c->segment, cause_name(c->cause),
			 mode_name(c->mode), mode_name(c->inbound), c->strict ? "strict" : "syn");
	return ret;
}

void ruleset_free(struct ruleset *rs)
{
	if (!rs)
		return;
	free(rs->classes);
	free(rs->v4);
	free(rs->v6);
	free(rs->smarthosts);
	free(rs);
}

/* The last interval that begins at or before the address; intervals begin at 0, so there is one. */
static size_t interval4_find(const struct ruleset *rs, uint32_t bits)
{
	size_t low = 0, high = rs->v4_count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (rs->v4[mid].first <= bits)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static size_t interval6_find(const struct ruleset *rs, addr_bits bits)
{
	size_t low = 0, high = rs->v6_count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (rs->v6[mid].first <= bits)
			low = mid;
		else
			high = mid;
	}
	return low;
}

uint16_t ruleset_class(const struct ruleset *rs, struct addr a)
{
	if (a.family == FAMILY_V4)
		return rs->v4[interval4_find(rs, (uint32_t)a.bits)].class;
	return rs->v6[interval6_find(rs, a.bits)].class;
}

/* Below, within (0) or above the range, as for bsearch(). */
static int smarthost_order(const void *key, const void *range)
{
	const struct addr *a = key;
	const struct smarthost_range *r = range;

	if (a->family != r->first.family)
		return a->family < r->first.family ? -1 : 1;
	return a->bits < r->first.bits ? -1 : a->bits > r->last;
}

bool ruleset_is_smarthost(const struct ruleset *rs, struct addr a)
{
	return rs->smarthosts_count > 0 &&
	       bsearch(&a, rs->smarthosts, rs->smarthosts_count, sizeof(*rs->smarthosts),
		       smarthost_order) != NULL;
}

const struct class *ruleset_class_at(const struct ruleset *rs, uint16_t class, struct wall now)
{
	const struct class *c = &rs->classes[class];

	if (c->cause == CAUSE_RESTRICTION && c->until.s != 0 && now.s >= c->until.s)
		c = &rs->classes[c->under];
	return c;
}

size_t ruleset_ranges(const struct ruleset *rs, enum family f)
{
	return f == FAMILY_V4 ? rs->v4_count : rs->v6_count;
}

struct ruleset_range ruleset_range_at(const struct ruleset *rs, enum family f, size_t i)
{
	bool final = i + 1 == ruleset_ranges(rs, f);

	if (f == FAMILY_V4)
		return (struct ruleset_range){
			.first = { .bits = rs->v4[i].first, .family = f },
			.last = final ? family_last(f) : rs->v4[i + 1].first - 1,
			.class = rs->v4[i].class,
		};
	return (struct ruleset_range){
		.first = { .bits = rs->v6[i].first, .family = f },
		.last = final ? family_last(f) : rs->v6[i + 1].first - 1,
		.class = rs->v6[i].class,
	};
}

static bool treats_alike(const struct class *a, const struct class *b)
{
	return a->mode == b->mode && a->inbound == b->inbound && a->strict == b->strict;
}

/* Restrictions end, everything else stays: 0 s stands for "no end". */
static struct wall class_end(const struct class *c)
{
	return c->cause == CAUSE_RESTRICTION ? c->until : (struct wall){ 0 };
}

bool class_treats_alike(const struct ruleset *a, uint16_t class_a, const struct ruleset *b,
			uint16_t class_b)
{
	const struct class *x = &a->classes[class_a], *y = &b->classes[class_b];

	if (!treats_alike(x, y) || class_end(x).s != class_end(y).s)
		return false;
	return class_end(x).s == 0 || treats_alike(&a->classes[x->under], &b->classes[y->under]);
}

static bool same_fields(const struct class *a, const struct class *b)
{
	return strcmp(a->segment, b->segment) == 0 && a->cause == b->cause && treats_alike(a, b) &&
	       a->until.s == b->until.s;
}

bool class_equal(const struct ruleset *a, uint16_t class_a, const struct ruleset *b,
		 uint16_t class_b)
{
	const struct class *x = &a->classes[class_a], *y = &b->classes[class_b];

	return same_fields(x, y) && same_fields(&a->classes[x->under], &b->classes[y->under]);
}
