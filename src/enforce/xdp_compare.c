/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's table, decoded, against the ruleset. Nothing here comes from
 * what we remember of it: the lines are the kernel's, the names are the map's.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "enforce/xdp_table.h"

/* What an address gets, whichever way it is written down. */
struct effect {
	enum mode mode, inbound;
	bool strict;
	int64_t until;
	char name[FILTER_NAME_BYTES];
};

struct comparing {
	struct xdp_filter *x;
	const struct table *t;
	const struct ruleset *rs;
	struct wall now;
	struct filter_drift *ret;
	size_t i; /* the ruleset's range that the next address lies in */
};

static struct effect effect_wanted(const struct comparing *c, uint16_t class)
{
	const struct class *k = ruleset_class_at(c->rs, class, c->now);
	struct effect e = { k->mode, k->inbound, k->strict, 0, "" };

	if (k->cause == CAUSE_RESTRICTION)
		e.until = k->until.s;
	class_name(k, e.name);
	return e;
}

static struct effect effect_found(const struct comparing *c, uint32_t row)
{
	const struct filter_class *k = table_row(c->t, row);
	struct effect e = { 0 };

	if (k && k->until_s && k->until_s <= c->now.s)
		k = table_row(c->t, k->under);
	if (!k) {
		snprintf(e.name, sizeof(e.name), "no such class");
		return e;
	}
	e = (struct effect){ (enum mode)k->mode, (enum mode)k->inbound, k->strict, k->until_s, "" };
	if (k->counter < c->x->names->n)
		memcpy(e.name, c->x->names->name[k->counter].text, sizeof(e.name));
	return e;
}

static bool same(const struct effect *a, const struct effect *b)
{
	return a->mode == b->mode && a->inbound == b->inbound && a->strict == b->strict &&
	       a->until == b->until && strcmp(a->name, b->name) == 0;
}

static void note(struct filter_drift *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void note(struct filter_drift *d, const char *format, ...)
{
	va_list args;

	if (d->first[0])
		return;
	va_start(args, format);
	vsnprintf(d->first, sizeof(d->first), format, args);
	va_end(args);
}

static void check_piece(struct comparing *c, struct addr first, addr_bits last, uint16_t class,
			uint32_t row)
{
	struct effect want = effect_wanted(c, class), found = effect_found(c, row);
	char text[ADDR_TEXT_MAX];

	if (same(&want, &found))
		return;
	c->ret->ranges++;
	c->ret->addresses += (double)(last - first.bits) + 1;
	note(c->ret, "from %s the kernel says %.70s, the ruleset %.70s", addr_text(first, text),
	     found.name, want.name);
}

/* One range of the kernel's, cut where the ruleset's ranges end. */
static int check_range(void *arg, struct addr first, addr_bits last, uint32_t row)
{
	struct comparing *c = arg;

	for (;;) {
		struct ruleset_range want = ruleset_range_at(c->rs, first.family, c->i);
		addr_bits end = want.last < last ? want.last : last;

		check_piece(c, first, end, want.class, row);
		if (want.last == end && end != family_last(first.family))
			c->i++;
		if (end == last)
			return 0;
		first.bits = end + 1;
	}
}

/* Each range of smarthosts that the kernel has must be covered; counted against below. */
struct smarthosts {
	struct comparing *c;
	double found;
};

static int check_smarthost(void *arg, struct addr first, addr_bits last, uint32_t class)
{
	struct smarthosts *s = arg;
	char text[ADDR_TEXT_MAX];

	if (class == 0)
		return 0;
	s->found += (double)(last - first.bits) + 1;
	if (!ruleset_is_smarthost(s->c->rs, first) ||
	    !ruleset_is_smarthost(s->c->rs, (struct addr){ last, first.family })) {
		s->c->ret->objects++;
		note(s->c->ret, "the kernel takes %s for a smarthost", addr_text(first, text));
	}
	return 0;
}

static void check_wanted_smarthosts(struct comparing *c)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < c->rs->smarthosts_count; i++) {
		const struct smarthost_range *r = &c->rs->smarthosts[i];
		struct addr last = { r->last, r->first.family };

		if (table_is_smarthost(c->t, r->first) && table_is_smarthost(c->t, last))
			continue;
		c->ret->objects++;
		note(c->ret, "the kernel does not know the smarthost %s",
		     addr_text(r->first, text));
	}
}

static int check_link(void *arg, const struct xdp_where *where)
{
	struct comparing *c = arg;

	if (where->alive)
		return 0;
	c->ret->objects++;
	note(c->ret, "the filter is no longer at interface %s", where->ifname);
	return 0;
}

static int compare_table(struct comparing *c)
{
	struct smarthosts s = { c, 0 };
	int r = 0;

	for (int f = 0; r == 0 && f < FAMILY_COUNT_; f++) {
		c->i = 0;
		r = table_ranges(c->t, (enum family)f, check_range, c);
		if (r == 0)
			r = table_smarthosts(c->t, (enum family)f, check_smarthost, &s);
	}
	check_wanted_smarthosts(c);
	return r;
}

int xdp_compare(struct filter *f, const struct ruleset *rs, struct wall now,
		struct filter_drift *ret, struct why *why)
{
	struct filter_drift d = { 0 };
	struct table t;
	struct comparing c = { xdp_of(f), &t, rs, now, &d, 0 };
	int r;

	if (!xdp_table_loaded(c.x)) {
		d.objects = 1;
		note(&d, "no table is in force");
		*ret = d;
		return 0;
	}
	r = xdp_table_map(c.x, &t, why);
	if (r < 0)
		return r;
	r = compare_table(&c);
	if (r < 0)
		return why_set(why, r, "the table in force can not be read");
	r = xdp_where(f, check_link, &c, why);
	if (r < 0)
		return r;
	*ret = d;
	return 0;
}
