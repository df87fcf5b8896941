/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a table back as ranges, and changing one prefix of a table in use.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforce/table.h"
#include "enforce/table_build.h"

/* Ranges come in ascending order; equal neighbours are joined before they are passed on. */
struct joiner {
	table_range_fn fn;
	void *arg;
	enum family family;
	bool any;
	addr_bits first, last; /* left-aligned */
	uint32_t class;
};

static int join_flush(struct joiner *j)
{
	const unsigned shift = j->family == FAMILY_V4 ? TABLE_V4_SHIFT : 0;

	if (!j->any)
		return 0;
	j->any = false;
	return j->fn(j->arg, (struct addr){ j->first >> shift, j->family }, j->last >> shift,
		     j->class);
}

static int join(struct joiner *j, addr_bits first, addr_bits last, uint32_t class)
{
	int r;

	if (j->any && j->class == class) {
		j->last = last;
		return 0;
	}
	r = join_flush(j);
	if (r != 0)
		return r;
	j->any = true;
	j->first = first;
	j->last = last;
	j->class = class;
	return 0;
}

/* One prefix of class b in a part of class a. */
static int read_lone(struct joiner *j, __u64 e, addr_bits start, unsigned depth, addr_bits at,
		     unsigned len)
{
	addr_bits end = start | bits_below(depth), last = at | bits_below(len);
	int r = 0;

	if (at > start)
		r = join(j, start, at - 1, FILTER_A(e));
	if (r == 0)
		r = join(j, at, last, FILTER_B(e));
	if (r == 0 && last < end)
		r = join(j, last + 1, end, FILTER_A(e));
	return r;
}

static bool cell_is_other(const struct table *t, __u64 e, unsigned cell)
{
	const struct filter_line *l;

	if (FILTER_KIND(e) == FILTER_POINTS)
		return cell == FILTER_POINT(e, 0) || cell == FILTER_POINT(e, 1) ||
		       cell == FILTER_POINT(e, 2);
	l = table_line(t, FILTER_HALF(e) >> 1);
	return l && l->word[(FILTER_HALF(e) & 1) * 4 + cell / 64] >> cell % 64 & 1;
}

/* POINTS and BITS as 256 leaves. */
static void two_to_cells(const struct table *t, __u64 e, struct cells *ret)
{
	for (unsigned i = 0; i < TABLE_CELLS; i++)
		ret->entry[i] = leaf_of(cell_is_other(t, e, i) ? FILTER_B(e) : FILTER_A(e));
}

static void full_to_cells(const struct table *t, __u64 e, struct cells *ret)
{
	for (unsigned i = 0; i < TABLE_CELLS; i++) {
		const struct filter_line *l = table_line(t, FILTER_FIRST(e) + i / 8);

		ret->entry[i] = l ? l->word[i % 8] : 0;
	}
}

static void node_to_cells(const struct table *t, __u64 e, struct cells *ret)
{
	const struct filter_line *l = table_line(t, FILTER_FIRST(e)), *child;
	unsigned at = FILTER_NODE_CHILDREN;

	for (unsigned i = 0; i < TABLE_CELLS; i++) {
		ret->entry[i] = leaf_of(FILTER_A(e));
		if (!l || !(l->word[i / 64] >> i % 64 & 1))
			continue;
		child = table_line(t, FILTER_FIRST(e) + at / 8);
		ret->entry[i] = child ? child->word[at % 8] : 0;
		at++;
	}
}

static int compare_values(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static int read_set(const struct table *t, struct joiner *j, __u64 e, addr_bits start,
		    unsigned depth)
{
	const unsigned n = e & FILTER_SET_WIDE ? 32 : 16, unit = 112 - depth;
	const struct filter_line *l = table_line(t, FILTER_HALF(e) >> 1);
	const addr_bits end = start | bits_below(depth);
	addr_bits next = start; /* where the last value ended; 0 again after the last address */
	uint16_t value[32];
	int r = 0;

	if (!l || depth > 112)
		return -EPROTO;
	memcpy(value, &l->word[n == 32 ? 0 : (FILTER_HALF(e) & 1) * 4], n * sizeof(*value));
	qsort(value, n, sizeof(*value), compare_values);
	for (unsigned i = 0; r == 0 && i < n; i++) {
		addr_bits first = start | (addr_bits)value[i] << unit;

		if (i > 0 && value[i] == value[i - 1])
			continue;
		if (first > next)
			r = join(j, next, first - 1, FILTER_A(e));
		if (r == 0)
			r = join(j, first, first | bits_below(depth + 16), FILTER_B(e));
		next = (first | bits_below(depth + 16)) + 1;
	}
	if (r == 0 && next - 1 != end)
		r = join(j, next, end, FILTER_A(e));
	return r;
}

static int read_entry(const struct table *t, struct joiner *j, __u64 e, addr_bits start,
		      unsigned depth);

static int read_cells(const struct table *t, struct joiner *j, const struct cells *c,
		      addr_bits start, unsigned depth)
{
	if (depth > 120)
		return -EPROTO;
	for (unsigned i = 0; i < TABLE_CELLS; i++) {
		int r =
		    read_entry(t, j, c->entry[i], start | (addr_bits)i << (120 - depth), depth + 8);
		if (r != 0)
			return r;
	}
	return 0;
}

/* What a PATH says, made absolute. */
struct path {
	addr_bits at;
	unsigned len;   /* bits compared, from the first of the address */
	unsigned depth; /* of the child */
	__u64 child;
};

static int path_of(const struct table *t, __u64 e, addr_bits start, unsigned depth,
		   struct path *ret)
{
	const struct filter_line *l = table_line(t, FILTER_FIRST(e));

	if (!l)
		return -EPROTO;
	addr_bits bits = (addr_bits)l->word[0] << 64 | l->word[1];
	unsigned ones =
	    (unsigned)(__builtin_popcountll(l->word[2]) + __builtin_popcountll(l->word[3]));
	*ret = (struct path){ start | bits >> depth, depth + ones, depth + 8 * (unsigned)l->word[5],
			      l->word[4] };
	if (l->word[5] > 15 || ret->depth > 120 || ret->len > 128 || ones == 0 ||
	    (l->word[5] == 0 && FILTER_KIND(ret->child) != FILTER_LEAF))
		return -EPROTO;
	return 0;
}

static int read_path(const struct table *t, struct joiner *j, __u64 e, addr_bits start,
		     unsigned depth)
{
	struct path p;
	int r = path_of(t, e, start, depth, &p);

	if (r < 0)
		return r;
	if (FILTER_KIND(p.child) == FILTER_LEAF)
		return read_lone(j, FILTER_AB(0, FILTER_A(e), FILTER_A(p.child)), start, depth,
				 p.at, p.len);
	addr_bits end = start | bits_below(depth), last = p.at | bits_below(p.len);
	if (p.at > start)
		r = join(j, start, p.at - 1, FILTER_A(e));
	if (r == 0)
		r = read_entry(t, j, p.child, p.at, p.depth);
	if (r == 0 && last < end)
		r = join(j, last + 1, end, FILTER_A(e));
	return r;
}

/* A SIEVE: what the entry below says where a place is marked, A elsewhere. */
struct sifting {
	const struct table *t;
	struct joiner *to;
	__u64 entry;
	unsigned unit; /* a place spans 2^unit addresses */
};

static bool sieve_marks(const struct table *t, __u64 e, unsigned cell)
{
	const struct filter_line *l = table_line(t, FILTER_FIRST(e) + 1 + cell / 512);

	return l && l->word[cell / 64 % 8] >> cell % 64 & 1;
}

static unsigned sieve_bits(__u64 e)
{
	return 16 - (FILTER_B(e) & 15);
}

static int sift(void *arg, struct addr first, addr_bits last, uint32_t class)
{
	const struct sifting *g = arg;
	const addr_bits place = ((addr_bits)1 << g->unit) - 1;
	addr_bits from = first.bits, to;
	int r = 0;

	if (class == FILTER_A(g->entry))
		return join(g->to, from, last, class);
	for (; r == 0; from = to + 1) {
		unsigned cell = (unsigned)(from >> g->unit) & ((1U << sieve_bits(g->entry)) - 1);

		to = (from | place) < last ? from | place : last;
		r = join(g->to, from, to,
			 sieve_marks(g->t, g->entry, cell) ? class : FILTER_A(g->entry));
		if (to == last)
			break;
	}
	return r;
}

static int read_sieve(const struct table *t, struct joiner *j, __u64 e, addr_bits start,
		      unsigned depth)
{
	const struct filter_line *l = table_line(t, FILTER_FIRST(e));
	struct sifting g = { t, j, e, 128 - depth - sieve_bits(e) };
	struct joiner inner = { .fn = sift, .arg = &g, .family = FAMILY_V6 };
	int r;

	if (!l || depth + sieve_bits(e) > 128 || FILTER_KIND(l->word[0]) == FILTER_SIEVE)
		return -EPROTO;
	r = read_entry(t, &inner, l->word[0], start, depth);
	return r != 0 ? r : join_flush(&inner);
}

static int read_entry(const struct table *t, struct joiner *j, __u64 e, addr_bits start,
		      unsigned depth)
{
	const unsigned len = depth + 16 - FILTER_NEAR_SKIP(e);
	struct cells c;

	switch (FILTER_KIND(e)) {
	case FILTER_LEAF:
		return join(j, start, start | bits_below(depth), FILTER_A(e));
	case FILTER_NEAR:
		if (len > 128)
			return -EPROTO;
		return read_lone(j, e, start, depth,
				 start | ((addr_bits)FILTER_NEAR_BITS(e) << 112) >> depth, len);
	case FILTER_SET:
		return read_set(t, j, e, start, depth);
	case FILTER_PATH:
		return read_path(t, j, e, start, depth);
	case FILTER_SIEVE:
		return read_sieve(t, j, e, start, depth);
	case FILTER_FULL:
		full_to_cells(t, e, &c);
		break;
	case FILTER_NODE:
		node_to_cells(t, e, &c);
		break;
	case FILTER_POINTS:
	case FILTER_BITS:
		two_to_cells(t, e, &c);
		break;
	default:
		return -EPROTO;
	}
	return read_cells(t, j, &c, start, depth);
}

int table_ranges(const struct table *t, enum family f, table_range_fn fn, void *arg)
{
	const uint32_t root = f == FAMILY_V4 ? FILTER_V4_ROOT : FILTER_V6_ROOT;
	struct joiner j = { .fn = fn, .arg = arg, .family = f };

	for (uint32_t i = 0; i < 65536; i++) {
		int r =
		    read_entry(t, &j, t->line[root + i / 8].word[i % 8], (addr_bits)i << 112, 16);
		if (r != 0)
			return r;
	}
	return join_flush(&j);
}

int table_smarthosts(const struct table *t, enum family f, table_range_fn fn, void *arg)
{
	struct joiner j = { .fn = fn, .arg = arg, .family = f };
	int r = read_entry(t, &j, table_head(t)->smarthosts[f], 0, 0);

	return r != 0 ? r : join_flush(&j);
}

/* The change that put() makes: all addresses of a prefix, left-aligned, get one class. */
struct change {
	addr_bits first, last;
	unsigned len;
	uint16_t class;
};

struct intervals {
	struct interval6 *at;
	size_t n, room;
};

static int intervals_push(struct intervals *v, addr_bits first, uint32_t class)
{
	if (v->n && v->at[v->n - 1].class == class)
		return 0;
	if (v->n == v->room) {
		size_t room = v->room ? v->room * 2 : 64;
		struct interval6 *more = realloc(v->at, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		v->at = more;
		v->room = room;
	}
	v->at[v->n++] = (struct interval6){ first, (uint16_t) class };
	return 0;
}

static int push_range(void *arg, struct addr first, addr_bits last, uint32_t class)
{
	(void)last;
	return intervals_push(arg, first.bits, class);
}

/* `v` with the change laid over it. */
static int overlay(const struct intervals *v, addr_bits end, const struct change *c,
		   struct intervals *ret)
{
	uint32_t after = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->n && v->at[i].first < c->first; i++)
		r = intervals_push(ret, v->at[i].first, v->at[i].class);
	if (r == 0)
		r = intervals_push(ret, c->first, c->class);
	for (size_t i = 0; r == 0 && i < v->n; i++) {
		if (c->last < end && v->at[i].first <= c->last + 1)
			after = v->at[i].class;
	}
	if (r == 0 && c->last < end)
		r = intervals_push(ret, c->last + 1, after);
	for (size_t i = 0; r == 0 && i < v->n; i++)
		if (c->last < end && v->at[i].first > c->last + 1)
			r = intervals_push(ret, v->at[i].first, v->at[i].class);
	return r;
}

/* An entry without children of its own: read it, lay the change over it, build it anew. */
static int put_small(struct table *t, __u64 e, addr_bits start, unsigned depth,
		     const struct change *c, __u64 *ret)
{
	struct intervals before = { 0 }, after = { 0 };
	struct joiner j = { .fn = push_range, .arg = &before, .family = FAMILY_V6 };
	struct source s = { NULL, NULL };
	int r;

	r = read_entry(t, &j, e, start, depth);
	if (r == 0)
		r = join_flush(&j);
	if (r == 0)
		r = overlay(&before, start | bits_below(depth), c, &after);
	s.v6 = after.at;
	if (r == 0)
		r = table_build_part(t, &s, (struct part){ start, depth, 0, after.n }, ret);
	free(before.at);
	free(after.at);
	return r;
}

static int put_entry(struct table *t, __u64 e, addr_bits start, unsigned depth,
		     const struct change *c, __u64 *ret);

/* Calls put_entry() for the cells that the change touches; they differ afterwards in `cells`. */
static int put_cells(struct table *t, struct cells *cells, addr_bits start, unsigned depth,
		     const struct change *c)
{
	const unsigned shift = 120 - depth;
	unsigned from = c->first > start ? (unsigned)((c->first - start) >> shift) : 0;
	unsigned to = c->last < (start | bits_below(depth)) ? (unsigned)((c->last - start) >> shift)
							    : TABLE_CELLS - 1;

	for (unsigned i = from; i <= to; i++) {
		int r = put_entry(t, cells->entry[i], start | (addr_bits)i << shift, depth + 8, c,
				  &cells->entry[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static void store(__u64 *at, __u64 e)
{
	__atomic_store_n(at, e, __ATOMIC_RELEASE);
}

/* The one kind that is changed where it stands. */
static int put_full(struct table *t, __u64 e, addr_bits start, unsigned depth,
		    const struct change *c)
{
	struct cells before, after;
	int r;

	if (!table_line(t, FILTER_FIRST(e)) || !table_line(t, FILTER_FIRST(e) + 31))
		return -EPROTO;
	full_to_cells(t, e, &before);
	after = before;
	r = put_cells(t, &after, start, depth, c);
	for (unsigned i = 0; r == 0 && i < TABLE_CELLS; i++)
		if (after.entry[i] != before.entry[i])
			store((__u64 *)&t->line[FILTER_FIRST(e) + i / 8].word[i % 8],
			      after.entry[i]);
	return r;
}

/* Also changed where it stands: the places are marked first, then the entry below is switched. */
static int put_sieve(struct table *t, __u64 e, addr_bits start, unsigned depth,
		     const struct change *c)
{
	const unsigned bits = sieve_bits(e), unit = 128 - depth - bits;
	const unsigned cells = 1U << bits, mask = cells - 1;
	__u64 child;
	int r;

	if (!table_line(t, FILTER_FIRST(e)) || !table_line(t, FILTER_FIRST(e) + cells / 512))
		return -EPROTO;
	__u64 *below = &t->line[FILTER_FIRST(e)].word[0];
	__u64 *map = t->line[FILTER_FIRST(e) + 1].word;
	if (c->class != FILTER_A(e))
		for (unsigned i = (unsigned)(c->first >> unit) & mask;
		     i <= ((unsigned)(c->last >> unit) & mask); i++)
			store(&map[i / 64], map[i / 64] | 1ULL << i % 64);
	r = put_entry(t, *below, start, depth, c, &child);
	if (r == 0 && child != *below)
		store(below, child);
	return r;
}

static int put_node(struct table *t, __u64 e, addr_bits start, unsigned depth,
		    const struct change *c, __u64 *ret)
{
	struct cells before, after;
	int r;

	node_to_cells(t, e, &before);
	after = before;
	r = put_cells(t, &after, start, depth, c);
	if (r < 0)
		return r;
	*ret = e;
	if (memcmp(&before, &after, sizeof(after)) == 0)
		return 0;
	return table_build_cells(t, &after, ret);
}

/* Below the PATH only its child changes; beside it, the first step of it becomes cells. */
static int put_path(struct table *t, __u64 e, addr_bits start, unsigned depth,
		    const struct change *c, __u64 *ret)
{
	struct path p;
	__u64 child;
	int r = path_of(t, e, start, depth, &p);

	if (r < 0)
		return r;
	if (FILTER_KIND(p.child) == FILTER_LEAF)
		return put_small(t, e, start, depth, c, ret);
	if (c->first >= p.at && c->last <= (p.at | bits_below(p.depth))) {
		r = put_entry(t, p.child, p.at, p.depth, c, &child);
		*ret = e;
		if (r < 0 || child == p.child)
			return r;
		return table_build_path(t, FILTER_A(e), p.at, depth, p.len, (p.depth - depth) / 8,
					child, ret);
	}

	struct cells cells;
	unsigned at = (unsigned)((p.at << depth) >> 120);
	for (unsigned i = 0; i < TABLE_CELLS; i++)
		cells.entry[i] = leaf_of(FILTER_A(e));
	cells.entry[at] = p.child;
	if (p.depth > depth + 8)
		r = table_build_path(t, FILTER_A(e), p.at, depth + 8, p.len,
				     (p.depth - depth) / 8 - 1, p.child, &cells.entry[at]);
	if (r == 0)
		r = put_cells(t, &cells, start, depth, c);
	return r < 0 ? r : table_build_cells(t, &cells, ret);
}

static int put_entry(struct table *t, __u64 e, addr_bits start, unsigned depth,
		     const struct change *c, __u64 *ret)
{
	if (c->len <= depth) {
		*ret = leaf_of(c->class);
		return 0;
	}
	switch (FILTER_KIND(e)) {
	case FILTER_FULL:
		*ret = e;
		return put_full(t, e, start, depth, c);
	case FILTER_SIEVE:
		*ret = e;
		return put_sieve(t, e, start, depth, c);
	case FILTER_NODE:
		return put_node(t, e, start, depth, c, ret);
	case FILTER_PATH:
		return put_path(t, e, start, depth, c, ret);
	default:
		return put_small(t, e, start, depth, c, ret);
	}
}

int table_put(struct table *t, struct prefix prefix, uint32_t class)
{
	const bool v4 = prefix.addr.family == FAMILY_V4;
	const uint32_t root = v4 ? FILTER_V4_ROOT : FILTER_V6_ROOT;
	struct change c = { .first = prefix.addr.bits << (v4 ? TABLE_V4_SHIFT : 0),
			    .len = prefix.len,
			    .class = (uint16_t) class };

	c.last = c.first | bits_below(c.len);
	for (uint32_t i = (uint32_t)(c.first >> 112); i <= (uint32_t)(c.last >> 112); i++) {
		__u64 *at = (__u64 *)&t->line[root + i / 8].word[i % 8], e;
		int r = put_entry(t, *at, (addr_bits)i << 112, 16, &c, &e);

		if (r < 0)
			return r;
		if (e != *at)
			store(at, e);
	}
	return 0;
}
