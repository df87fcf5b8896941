/* SPDX-License-Identifier: BSD-2-Clause */
#include "enforce/nft_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_SLOTS 262144 /* a power of two, well above what a ruleset and a table can name */

struct nft_names {
	char (*name)[NFT_NAME_MAX];
	size_t count, room;
	uint32_t slot[NAMES_SLOTS]; /* number + 1; 0: free */
};

struct nft_map nft_map_at(size_t i)
{
	return (struct nft_map){
		.ask = (enum nft_ask)(i / 8),
		.strict = i & 4,
		.timed = i & 2,
		.family = i & 1 ? FAMILY_V6 : FAMILY_V4,
	};
}

const char *nft_ask_name(enum nft_ask a)
{
	static const char *const names[NFT_ASK_COUNT_] = { "from", "refuse", "watch" };

	return names[a];
}

const char *nft_map_name(struct nft_map m, char ret[static NFT_NAME_MAX])
{
	snprintf(ret, NFT_NAME_MAX, "%s/%s/%s%c", nft_ask_name(m.ask), m.strict ? "strict" : "syn",
		 m.timed ? "timed" : "base", m.family == FAMILY_V4 ? '4' : '6');
	return ret;
}

const char *nft_chain_name(struct nft_map m, const char *class, char ret[static NFT_NAME_MAX])
{
	snprintf(ret, NFT_NAME_MAX, "%s/%s/%s", nft_ask_name(m.ask), m.strict ? "strict" : "syn",
		 class);
	return ret;
}

int nft_names_new(struct nft_names **ret)
{
	struct nft_names *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	*ret = n;
	return 0;
}

void nft_names_free(struct nft_names *n)
{
	if (!n)
		return;
	free(n->name);
	free(n);
}

static size_t name_hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a: names are our own, not a stranger's choice */

	while (*s)
		h = (h ^ (uint8_t)*s++) * 0x100000001b3u;
	return (size_t)(h ^ h >> 29);
}

/* The slot of the name, or the free one where it belongs. */
static size_t slot_of(const struct nft_names *n, const char *name)
{
	size_t i = name_hash(name) % NAMES_SLOTS;

	while (n->slot[i] && strcmp(n->name[n->slot[i] - 1], name) != 0)
		i = (i + 1) % NAMES_SLOTS;
	return i;
}

int nft_names_find(const struct nft_names *n, const char *name)
{
	uint32_t at = n->slot[slot_of(n, name)];

	return at ? (int)at - 1 : -ENOENT;
}

int nft_names_add(struct nft_names *n, const char *name)
{
	size_t slot = slot_of(n, name);

	if (n->slot[slot])
		return (int)n->slot[slot] - 1;
	if (n->count == NAMES_SLOTS / 2)
		return -ENOMEM;
	if (n->count == n->room) {
		size_t room = n->room ? n->room * 2 : 64;
		void *more = realloc(n->name, room * sizeof(*n->name));

		if (!more)
			return -ENOMEM;
		n->name = more;
		n->room = room;
	}
	snprintf(n->name[n->count], NFT_NAME_MAX, "%s", name);
	n->slot[slot] = (uint32_t)++n->count;
	return (int)(n->count - 1);
}

size_t nft_names_count(const struct nft_names *n)
{
	return n->count;
}

const char *nft_names_at(const struct nft_names *n, size_t i)
{
	return n->name[i];
}

int nft_view_init(struct nft_view *v, const struct ruleset *rs, struct nft_names *names,
		  struct wall now)
{
	own_mem uint32_t *number = calloc(rs->classes_count, sizeof(*number));

	if (!number)
		return -ENOMEM;
	for (size_t c = 0; c < rs->classes_count; c++) {
		char name[CLASS_NAME_MAX];
		int r = nft_names_add(names, class_name(&rs->classes[c], name));

		if (r < 0)
			return r;
		number[c] = (uint32_t)r;
	}
	*v = (struct nft_view){ .rs = rs, .names = names, .now = now };
	v->number = take(number);
	return 0;
}

void nft_view_done(struct nft_view *v)
{
	free(v->number);
	v->number = NULL;
}

int nft_view_over(struct nft_view *v, struct prefix at, const struct class *over)
{
	char name[CLASS_NAME_MAX];
	int r = nft_names_add(v->names, class_name(over, name));

	if (r < 0)
		return r;
	v->over = over;
	v->over_number = (uint32_t)r;
	v->at = at;
	return 0;
}

/* A class with the number of its name; class index UINT32_MAX is the view's `over`. */
#define OVER UINT32_MAX

static const struct class *class_at(const struct nft_view *v, uint32_t class)
{
	return class == OVER ? v->over : &v->rs->classes[class];
}

static uint32_t number_at(const struct nft_view *v, uint32_t class)
{
	return class == OVER ? v->over_number : v->number[class];
}

/* A restriction without end, or one that has ended, is no longer a matter of time. */
static bool is_timed(const struct class *c)
{
	return c->cause == CAUSE_RESTRICTION && c->until.s != 0;
}

static bool answers(const struct class *c, struct nft_map m)
{
	if (m.strict && !c->strict)
		return false;
	switch (m.ask) {
	case NFT_FROM:
		return m.strict ? c->mode != MODE_OFF : c->cause != CAUSE_NONE;
	case NFT_REFUSE:
		return c->inbound == MODE_REJECT || c->inbound == MODE_DROP;
	case NFT_WATCH:
		return c->inbound == MODE_MONITOR;
	case NFT_ASK_COUNT_:
		break;
	}
	return false;
}

/* Fills `to` and `until`; false if the map says nothing of this class. */
static bool target(const struct nft_view *v, struct nft_map m, uint32_t class,
		   struct nft_element *e)
{
	const struct class *c = class_at(v, class);

	e->until = (struct wall){ 0 };
	if (!m.timed) {
		if (is_timed(c)) {
			class = c->under;
			c = class_at(v, class);
		}
		e->to = number_at(v, class);
		return answers(c, m);
	}
	if (!is_timed(c) || c->until.s <= v->now.s)
		return false;
	e->until = c->until;
	e->to = answers(c, m) ? number_at(v, class) : NFT_TO_NONE;
	return e->to != NFT_TO_NONE || answers(&v->rs->classes[c->under], m);
}

/* Joins neighbours that lead to the same place and hands them on. */
struct joiner {
	nft_element_fn fn;
	void *arg;
	struct nft_element held;
	bool holding;
	/* With a window: what neither holds nor touches these addresses is left out. */
	bool windowed;
	addr_bits low, high;
};

static bool leads_alike(const struct nft_element *a, const struct nft_element *b)
{
	return a->to == b->to && a->until.s == b->until.s;
}

static int joiner_flush(struct joiner *j)
{
	bool outside = j->windowed && (j->held.last < j->low || j->held.first > j->high);

	if (!j->holding)
		return 0;
	j->holding = false;
	return outside ? 0 : j->fn(j->arg, &j->held);
}

static int joiner_take(struct joiner *j, const struct nft_element *e)
{
	int r;

	if (j->holding && leads_alike(&j->held, e) && j->held.last + 1 == e->first) {
		j->held.last = e->last;
		return 0;
	}
	r = joiner_flush(j);
	j->held = *e;
	j->holding = true;
	return r;
}

static int piece(const struct nft_view *v, struct nft_map m, struct joiner *j, addr_bits first,
		 addr_bits last, uint32_t class)
{
	struct nft_element e = { .first = first, .last = last };

	return target(v, m, class, &e) ? joiner_take(j, &e) : joiner_flush(j);
}

/* One range of the ruleset, cut where the view's prefix lies over it. */
static int range_pieces(const struct nft_view *v, struct nft_map m, struct joiner *j, size_t i)
{
	struct ruleset_range range = ruleset_range_at(v->rs, m.family, i);
	addr_bits first = range.first.bits, last = range.last;
	addr_bits from = v->at.addr.bits, to;
	int r;

	if (!v->over || v->at.addr.family != m.family || from > last ||
	    (to = prefix_last(v->at)) < first)
		return piece(v, m, j, first, last, range.class);
	if (from > first) {
		r = piece(v, m, j, first, from - 1, range.class);
		if (r != 0)
			return r;
	}
	r = piece(v, m, j, from > first ? from : first, to < last ? to : last, OVER);
	return r != 0 || to >= last ? r : piece(v, m, j, to + 1, last, range.class);
}

int nft_map_walk(const struct nft_view *v, struct nft_map m, nft_element_fn fn, void *arg)
{
	struct joiner j = { .fn = fn, .arg = arg };

	for (size_t i = 0; i < ruleset_ranges(v->rs, m.family); i++) {
		int r = range_pieces(v, m, &j, i);

		if (r != 0)
			return r;
	}
	return joiner_flush(&j);
}

/* The range that holds the address. */
static size_t range_of(const struct ruleset *rs, enum family f, addr_bits a)
{
	size_t low = 0, high = ruleset_ranges(rs, f);

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (ruleset_range_at(rs, f, mid).first.bits <= a)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Does the element of the ruleset's range i go on in range i + 1? */
static bool goes_on(const struct nft_view *v, struct nft_map m, size_t i)
{
	struct nft_element a = { 0 }, b = { 0 };

	return target(v, m, ruleset_range_at(v->rs, m.family, i).class, &a) &&
	       target(v, m, ruleset_range_at(v->rs, m.family, i + 1).class, &b) &&
	       leads_alike(&a, &b);
}

int nft_map_walk_near(const struct nft_view *v, struct nft_map m, struct prefix p,
		      nft_element_fn fn, void *arg)
{
	addr_bits last = family_last(m.family), low = p.addr.bits, high = prefix_last(p);
	struct joiner j = { .fn = fn, .arg = arg, .windowed = true };

	if (p.addr.family != m.family)
		return 0;
	j.low = low > 0 ? low - 1 : 0;
	j.high = high < last ? high + 1 : last;
	size_t from = range_of(v->rs, m.family, j.low), to = range_of(v->rs, m.family, j.high);
	while (from > 0 && goes_on(v, m, from - 1))
		from--;
	while (to + 1 < ruleset_ranges(v->rs, m.family) && goes_on(v, m, to))
		to++;
	for (size_t i = from; i <= to; i++) {
		int r = range_pieces(v, m, &j, i);

		if (r != 0)
			return r;
	}
	return joiner_flush(&j);
}

int nft_elements_add(struct nft_elements *l, const struct nft_element *e)
{
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 16;
		struct nft_element *more = realloc(l->at, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->at = more;
		l->room = room;
	}
	l->at[l->count++] = *e;
	return 0;
}

void nft_elements_done(struct nft_elements *l)
{
	free(l->at);
	*l = (struct nft_elements){ 0 };
}

static bool same_element(const struct nft_element *a, const struct nft_element *b, int64_t slack_s)
{
	return a->last == b->last && a->to == b->to && a->until.s - b->until.s <= slack_s &&
	       b->until.s - a->until.s <= slack_s;
}

int nft_elements_diff(const struct nft_elements *have, const struct nft_elements *want,
		      int64_t slack_s, struct nft_elements *surplus, struct nft_elements *missing)
{
	size_t h = 0, w = 0;
	int r = 0;

	while (r == 0 && (h < have->count || w < want->count)) {
		const struct nft_element *a = h < have->count ? &have->at[h] : NULL;
		const struct nft_element *b = w < want->count ? &want->at[w] : NULL;

		if (a && b && a->first == b->first && same_element(a, b, slack_s)) {
			h++, w++;
		} else if (a && (!b || a->first <= b->first)) {
			r = nft_elements_add(surplus, a);
			h++;
		} else {
			r = nft_elements_add(missing, b);
			w++;
		}
	}
	return r;
}
