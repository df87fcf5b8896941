/* SPDX-License-Identifier: BSD-2-Clause */
#include "enforce/nft_drift.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Only the first difference is put into words. */
__attribute__((format(printf, 2, 3))) static void say(struct nft_drift *d, const char *format, ...)
{
	va_list args;

	if (d->first[0])
		return;
	va_start(args, format);
	vsnprintf(d->first, sizeof(d->first), format, args);
	va_end(args);
}

void nft_drift_init(struct nft_drift *d, const struct nft_seen *seen, const struct nft_names *names)
{
	*d = (struct nft_drift){ .seen = seen, .names = names };
	if (!seen->table) {
		say(d, "nft table " NFT_TABLE " is not there");
		d->objects++;
	} else if (seen->dormant) {
		say(d, "nft table " NFT_TABLE " is switched off (dormant)");
		d->objects++;
	}
}

void nft_drift_done(struct nft_drift *d)
{
	for (int f = 0; f < FAMILY_COUNT_; f++)
		nft_elements_done(&d->ranges[f]);
}

static const char *kind_name(enum nft_kind k)
{
	static const char *const names[] = { "set", "map", "chain" };

	return names[k];
}

static size_t count_rules(const char *fill)
{
	size_t n = 0;

	for (; *fill; fill++)
		n += *fill == '\n';
	return n;
}

void nft_drift_piece(struct nft_drift *d, const struct nft_piece *p)
{
	const struct nft_object *o = nft_seen_object(d->seen, p->name);
	size_t rules = count_rules(p->fill);

	d->objects++;
	if (!o)
		say(d, "%s %s is not there", kind_name(p->kind), p->name);
	else if (o->rules != rules)
		say(d, "chain %s has %zu rules where %zu belong", p->name, o->rules, rules);
	else
		say(d, "%s %s is not as it was written", kind_name(p->kind), p->name);
}

void nft_drift_surplus(struct nft_drift *d, const struct nft_names *wanted)
{
	for (size_t i = 0; i < d->seen->objects; i++) {
		const struct nft_object *o = &d->seen->object[i];

		/* Pieces that were changed are counted where they are looked for; a chain of a
		 * class that is no more waits for the next load. */
		if (strcmp(o->name, NFT_NOTES) == 0 || nft_names_find(wanted, o->name) >= 0 ||
		    nft_seen_knows(d->seen, o->name))
			continue;
		d->objects++;
		say(d, "%s %s was put there by somebody else", kind_name(o->kind), o->name);
	}
}

static void leads_to(const struct nft_drift *d, struct nft_map m, const struct nft_element *e,
		     char ret[static NFT_NAME_MAX + 16])
{
	char chain[NFT_NAME_MAX];

	if (!e)
		snprintf(ret, NFT_NAME_MAX + 16, "nowhere");
	else if (e->to == NFT_TO_ALIEN)
		snprintf(ret, NFT_NAME_MAX + 16, "a place of somebody else's");
	else if (e->to == NFT_TO_NONE)
		snprintf(ret, NFT_NAME_MAX + 16, NFT_NONE);
	else
		snprintf(ret, NFT_NAME_MAX + 16, "%s",
			 nft_chain_name(m, nft_names_at(d->names, e->to), chain));
}

static void say_range(struct nft_drift *d, struct nft_map m, addr_bits first, addr_bits last,
		      const struct nft_element *have, const struct nft_element *want)
{
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX], map[NFT_NAME_MAX];
	char is[NFT_NAME_MAX + 16], should[NFT_NAME_MAX + 16];

	if (d->first[0])
		return;
	leads_to(d, m, have, is);
	leads_to(d, m, want, should);
	say(d, "%s%s%s in %s leads %s, should %s",
	    addr_text((struct addr){ .bits = first, .family = m.family }, a),
	    first == last ? "" : " to ",
	    first == last ? "" : addr_text((struct addr){ .bits = last, .family = m.family }, b),
	    nft_map_name(m, map), is, should);
}

static bool leads_alike(const struct nft_element *a, const struct nft_element *b, int64_t slack_s)
{
	if (!a || !b)
		return !a && !b;
	return a->to == b->to && llabs((long long)(a->until.s - b->until.s)) <= slack_s;
}

/* Ends so soon that it may or may not be there still. */
static bool is_ending(const struct nft_element *e, struct wall now, int64_t slack_s)
{
	return e && e->until.s != 0 && e->until.s <= now.s + slack_s;
}

static const struct nft_element *holding(const struct nft_elements *l, size_t i, addr_bits at)
{
	return i < l->count && l->at[i].first <= at ? &l->at[i] : NULL;
}

/* The last address of the stretch from `at` on in which the list says one thing. */
static addr_bits stretch_end(const struct nft_elements *l, size_t i, addr_bits at, addr_bits last)
{
	if (i == l->count)
		return last;
	return l->at[i].first <= at ? l->at[i].last : l->at[i].first - 1;
}

/* Walk both lists side by side, stretch by stretch. */
int nft_drift_map(struct nft_drift *d, struct nft_map m, const struct nft_elements *want,
		  struct wall now, int64_t slack_s)
{
	size_t index = (size_t)m.ask * 8 + m.strict * 4u + m.timed * 2u + (m.family == FAMILY_V6);
	const struct nft_elements *have = &d->seen->map[index];
	addr_bits at = 0, end = family_last(m.family), to;
	size_t h = 0, w = 0;

	for (;; at = to + 1) {
		while (h < have->count && have->at[h].last < at)
			h++;
		while (w < want->count && want->at[w].last < at)
			w++;
		const struct nft_element *x = holding(have, h, at), *y = holding(want, w, at);
		addr_bits to_h = stretch_end(have, h, at, end);
		addr_bits to_w = stretch_end(want, w, at, end);

		to = to_h < to_w ? to_h : to_w;
		if (!leads_alike(x, y, slack_s) && !is_ending(x, now, slack_s) &&
		    !is_ending(y, now, slack_s)) {
			struct nft_element range = { .first = at, .last = to };

			say_range(d, m, at, to, x, y);
			if (nft_elements_add(&d->ranges[m.family], &range) < 0)
				return -ENOMEM;
		}
		if (to == end)
			return 0;
	}
}

int nft_drift_smarthosts(struct nft_drift *d, enum family f, const struct nft_elements *want)
{
	struct nft_elements surplus = { 0 }, missing = { 0 };
	int r = nft_elements_diff(&d->seen->smarthosts[f], want, 0, &surplus, &missing);
	const struct nft_element *e = missing.count   ? &missing.at[0]
				      : surplus.count ? &surplus.at[0]
						      : NULL;

	if (r == 0 && e) {
		char text[ADDR_TEXT_MAX];

		d->objects += surplus.count + missing.count;
		say(d, "smarthost %s is %s",
		    addr_text((struct addr){ .bits = e->first, .family = f }, text),
		    missing.count ? "not there" : "there and does not belong");
	}
	nft_elements_done(&surplus);
	nft_elements_done(&missing);
	return r;
}

static int range_order(const void *x, const void *y)
{
	const struct nft_element *a = x, *b = y;

	return a->first < b->first ? -1 : a->first > b->first;
}

/* Ranges that overlap or touch are one. */
static void sum_family(struct nft_elements *l, struct filter_drift *ret)
{
	if (l->count > 0)
		qsort(l->at, l->count, sizeof(*l->at), range_order);
	for (size_t i = 0; i < l->count;) {
		struct nft_element whole = l->at[i];

		for (i++; i < l->count && (whole.last + 1 == 0 || l->at[i].first <= whole.last + 1);
		     i++)
			if (l->at[i].last > whole.last)
				whole.last = l->at[i].last;
		ret->ranges++;
		ret->addresses += (double)(whole.last - whole.first) + 1;
	}
}

int nft_drift_sum(struct nft_drift *d, struct filter_drift *ret)
{
	*ret = (struct filter_drift){ .objects = d->objects };
	for (int f = 0; f < FAMILY_COUNT_; f++)
		sum_family(&d->ranges[f], ret);
	snprintf(ret->first, sizeof(ret->first), "%s", d->first);
	return 0;
}
