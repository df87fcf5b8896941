/* SPDX-License-Identifier: BSD-2-Clause */
#include "enforce/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforce/table_build.h"

#define WALK_TABLE              const struct table
#define WALK_LINE(table, index) table_line(table, index)
#define walk_inline             static inline

const struct filter_line *table_line(const struct table *t, uint32_t index)
{
	return index < t->room ? &t->line[index] : NULL;
}

/* -Wconversion has nothing to say about code shared with BPF that it would not break there. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bpf/walk_abi.h"
#pragma GCC diagnostic pop

#define SPARE_ROWS 1024
#define NODE_MAX   96 /* marked cells from which 32 full lines are the better bargain */
#define SET_MAX    32

static addr_bits first_of(const struct source *s, size_t i)
{
	return s->v4 ? (addr_bits)s->v4[i].first << TABLE_V4_SHIFT : s->v6[i].first;
}

static uint16_t class_of(const struct source *s, size_t i)
{
	return s->v4 ? s->v4[i].class : s->v6[i].class;
}

static addr_bits part_end(struct part p)
{
	return p.start | bits_below(p.depth);
}

/* Where interval i of the part begins and ends within the part. */
static addr_bits clip_first(const struct source *s, struct part p, size_t i)
{
	return i == p.i ? p.start : first_of(s, i);
}

static addr_bits clip_last(const struct source *s, struct part p, size_t i)
{
	return i + 1 == p.j ? part_end(p) : first_of(s, i + 1) - 1;
}

static unsigned common_bits(addr_bits a, addr_bits b)
{
	addr_bits x = a ^ b;
	__u64 hi = (__u64)(x >> 64), lo = (__u64)x;

	return hi ? (unsigned)__builtin_clzll(hi) : lo ? 64 + (unsigned)__builtin_clzll(lo) : 128;
}

/* Take `n` lines in a row; they are zero. */
static int take_lines(struct table *t, uint32_t n, uint32_t *ret)
{
	if (n > t->room - t->used) {
		uint32_t room = t->room;

		if (!t->grows)
			return -ENOSPC;
		while (n > room - t->used)
			room *= 2;
		if (room > FILTER_LINES_MAX)
			return -E2BIG;
		struct filter_line *more = realloc(t->line, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		t->line = more;
		t->room = room;
	}
	memset(&t->line[t->used], 0, n * sizeof(*t->line));
	*ret = t->used;
	t->used += n;
	if (!t->grows) /* a table in use: said before the lines are, so that none is taken twice */
		table_head(t)->used = t->used;
	return 0;
}

static int take_half(struct table *t, uint32_t *ret)
{
	uint32_t line;
	int r;

	if (t->half) {
		*ret = t->half;
		t->half = 0;
		return 0;
	}
	r = take_lines(t, 1, &line);
	if (r < 0)
		return r;
	*ret = line * 2;
	t->half = line * 2 + 1;
	return 0;
}

static __u64 *half_words(struct table *t, uint32_t half)
{
	return &t->line[half / 2].word[half % 2 * 4];
}

int table_build_path(struct table *t, uint32_t around, addr_bits start, unsigned depth,
		     unsigned len, unsigned onward, __u64 child, __u64 *ret)
{
	addr_bits mask = ~bits_below(len - depth);
	addr_bits bits = (depth ? start << depth : start) & mask;
	uint32_t first;
	int r;

	r = take_lines(t, 1, &first);
	if (r < 0)
		return r;
	__u64 *w = t->line[first].word;
	w[0] = (__u64)(bits >> 64);
	w[1] = (__u64)bits;
	w[2] = (__u64)(mask >> 64);
	w[3] = (__u64)mask;
	w[4] = child;
	w[5] = onward;
	*ret = FILTER_AB(FILTER_PATH, around, 0) | (__u64)first << FILTER_REST;
	return 0;
}

/* A single prefix of `len` bits of class b, all around it a. */
static int make_lone(struct table *t, uint16_t a, uint16_t b, addr_bits at, unsigned depth,
		     unsigned len, __u64 *ret)
{
	if (len - depth > 16)
		return table_build_path(t, a, at, depth, len, 0, leaf_of(b), ret);
	__u64 bits = (__u64)((depth ? at << depth : at) >> 112);
	*ret = FILTER_AB(FILTER_NEAR, a, b) | bits << FILTER_REST |
	       (__u64)(16 - (len - depth)) << FILTER_NEAR_SKIP_BIT;
	return 0;
}

/* Majority among the cells' leaves (Boyer-Moore; any leaf will do when there is none). */
static __u64 common_leaf(const struct cells *c)
{
	__u64 best = leaf_of(0);
	int lead = 0;

	for (int i = 0; i < TABLE_CELLS; i++) {
		if (FILTER_KIND(c->entry[i]) != FILTER_LEAF)
			continue;
		if (lead == 0)
			best = c->entry[i];
		lead += c->entry[i] == best ? 1 : -1;
	}
	return best;
}

static int make_full(struct table *t, const struct cells *c, __u64 *ret)
{
	uint32_t first;
	int r = take_lines(t, TABLE_CELLS / 8, &first);

	if (r < 0)
		return r;
	memcpy(&t->line[first], c->entry, sizeof(c->entry));
	*ret = FILTER_AB(FILTER_FULL, 0, 0) | (__u64)first << FILTER_REST;
	return 0;
}

static int make_node(struct table *t, const struct cells *c, __u64 base, unsigned marked,
		     __u64 *ret)
{
	uint32_t first, at = FILTER_NODE_CHILDREN;
	int r = take_lines(t, (FILTER_NODE_CHILDREN + marked + 7) / 8, &first);

	if (r < 0)
		return r;
	__u64 *w = t->line[first].word;
	for (unsigned i = 0; i < TABLE_CELLS; i++) {
		if (i % 64 == 0 && i)
			w[4] |= (__u64)(at - FILTER_NODE_CHILDREN) << (16 * (i / 64 - 1));
		if (c->entry[i] == base)
			continue;
		w[i / 64] |= 1ULL << i % 64;
		w[at++] = c->entry[i];
	}
	*ret = FILTER_AB(FILTER_NODE, FILTER_A(base), 0) | (__u64)first << FILTER_REST;
	return 0;
}

/* Two classes only: a few cells stand in the entry, more in half a line. */
static int make_two(struct table *t, const struct cells *c, __u64 base, __u64 other,
		    unsigned marked, __u64 *ret)
{
	__u64 e =
	    FILTER_AB(marked <= 3 ? FILTER_POINTS : FILTER_BITS, FILTER_A(base), FILTER_A(other));
	__u64 points[3] = { 0 };
	unsigned n = 0;
	uint32_t half;
	int r;

	if (marked <= 3) {
		for (unsigned i = 0; i < TABLE_CELLS; i++)
			if (c->entry[i] == other)
				points[n++] = i;
		for (unsigned i = 0; i < 3; i++)
			e |= points[i < n ? i : 0] << (FILTER_REST + 8 * i);
		*ret = e;
		return 0;
	}
	r = take_half(t, &half);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < TABLE_CELLS; i++)
		if (c->entry[i] == other)
			half_words(t, half)[i / 64] |= 1ULL << i % 64;
	*ret = e | (__u64)half << FILTER_REST;
	return 0;
}

int table_build_cells(struct table *t, const struct cells *c, __u64 *ret)
{
	__u64 base = common_leaf(c), other = base;
	bool two = true;
	unsigned marked = 0;

	for (int i = 0; i < TABLE_CELLS; i++) {
		if (c->entry[i] == base)
			continue;
		marked++;
		if (other == base)
			other = c->entry[i];
		two = two && c->entry[i] == other && FILTER_KIND(other) == FILTER_LEAF;
	}
	if (marked == 0) {
		*ret = base;
		return 0;
	}
	if (two)
		return make_two(t, c, base, other, marked, ret);
	if (marked <= NODE_MAX)
		return make_node(t, c, base, marked, ret);
	return make_full(t, c, ret);
}

/* Do all intervals of the part begin at a multiple of 2^(128-bits)? */
static bool aligned(const struct source *s, struct part p, unsigned bits)
{
	for (size_t i = p.i + 1; i < p.j; i++)
		if (first_of(s, i) & bits_below(bits))
			return false;
	return true;
}

/* Up to 32 values of the next 16 bits are `b`, the rest `a`: true if so, *n and values filled. */
static bool is_set(const struct source *s, struct part p, uint16_t a, uint16_t b,
		   uint16_t value[SET_MAX], unsigned *n)
{
	const unsigned unit = 112 - p.depth; /* one value spans 2^unit addresses */

	*n = 0;
	for (size_t i = p.i; i < p.j; i++) {
		if (class_of(s, i) == a)
			continue;
		if (class_of(s, i) != b)
			return false;
		addr_bits from = clip_first(s, p, i) >> unit, to = clip_last(s, p, i) >> unit;
		if (to - from >= SET_MAX - *n)
			return false;
		for (addr_bits v = from; v <= to; v++)
			value[(*n)++] = (uint16_t)v;
	}
	return *n > 0;
}

static int make_set(struct table *t, uint16_t a, uint16_t b, const uint16_t *value, unsigned n,
		    __u64 *ret)
{
	const unsigned room = n > SET_MAX / 2 ? SET_MAX : SET_MAX / 2;
	uint16_t lanes[SET_MAX];
	uint32_t half, line;
	int r;

	if (n > SET_MAX / 2) {
		r = take_lines(t, 1, &line);
		half = line * 2;
	} else {
		r = take_half(t, &half);
	}
	if (r < 0)
		return r;
	for (unsigned i = 0; i < room; i++)
		lanes[i] = value[i < n ? i : 0];
	memcpy(half_words(t, half), lanes, room * sizeof(*lanes));
	*ret = FILTER_AB(FILTER_SET, a, b) | (__u64)half << FILTER_REST |
	       (n > SET_MAX / 2 ? FILTER_SET_WIDE : 0);
	return 0;
}

/*
 * The stretch outside of which the part has one class: intervals i up to j, addresses
 * `first` to `last`, both included.
 */
struct stretch {
	uint16_t around;
	size_t i, j;
	addr_bits first, last;
};

static void stretch_of(const struct source *s, struct part p, struct stretch *ret)
{
	uint16_t head = class_of(s, p.i), tail = class_of(s, p.j - 1);

	if (head == tail) {
		*ret = (struct stretch){ head, p.i + 1, p.j - 1, first_of(s, p.i + 1),
					 first_of(s, p.j - 1) - 1 };
		return;
	}
	/* One side only: the longer end is what lies around. */
	if (first_of(s, p.i + 1) - p.start > part_end(p) - first_of(s, p.j - 1))
		*ret = (struct stretch){ head, p.i + 1, p.j, first_of(s, p.i + 1), part_end(p) };
	else
		*ret = (struct stretch){ tail, p.i, p.j - 1, p.start, first_of(s, p.j - 1) - 1 };
}

static int build_cells(struct table *t, const struct source *s, struct part p, __u64 *ret)
{
	const unsigned shift = 120 - p.depth;
	struct cells c;
	size_t i = p.i;

	for (unsigned cell = 0; cell < TABLE_CELLS; cell++) {
		struct part under = { p.start | (addr_bits)cell << shift, p.depth + 8, i, i + 1 };
		addr_bits end = part_end(under);

		while (under.j < p.j && first_of(s, under.j) <= end)
			under.j++;
		int r = table_build_part(t, s, under, &c.entry[cell]);
		if (r < 0)
			return r;
		/* The next cell begins in the last interval of this one, or in the one after it. */
		i = under.j - 1;
		if (i + 1 < p.j && first_of(s, i + 1) == end + 1)
			i++;
	}
	return table_build_cells(t, &c, ret);
}

/* All that differs lies under one longer prefix: go there in one step. */
static int build_path(struct table *t, const struct source *s, struct part p,
		      const struct stretch *x, unsigned onward, __u64 *ret)
{
	const unsigned depth = p.depth + 8 * onward;
	struct part inner = { x->first & ~bits_below(depth), depth, x->i, x->j };
	__u64 child;
	int r;

	if (first_of(s, x->i) > inner.start)
		inner.i--;
	if (x->j < p.j && x->last < part_end(inner))
		inner.j++;
	r = table_build_part(t, s, inner, &child);
	if (r < 0)
		return r;
	return table_build_path(t, x->around, inner.start, p.depth, depth, onward, child, ret);
}

/*
 * A SIEVE marks where something other than the commonest class may be. It is worth its room
 * where few places are marked: who is looked up mostly is not excepted.
 */
#define SIEVE_BITS 16

struct sieve {
	uint64_t map[(1 << SIEVE_BITS) / 64];
	uint16_t around; /* the class where nothing is marked */
	bool exact;      /* marked places are of one class, `other`, throughout */
	uint16_t other;
};

static uint16_t longest_class(const struct source *s, struct part p)
{
	addr_bits best = 0;
	uint16_t class = 0;

	for (size_t i = p.i; i < p.j; i++) {
		addr_bits length = clip_last(s, p, i) - clip_first(s, p, i);

		if (length >= best) {
			best = length;
			class = class_of(s, i);
		}
	}
	return class;
}

static void sieve_mark(struct sieve *v, const struct source *s, struct part p)
{
	const unsigned unit = 128 - SIEVE_BITS - p.depth;
	bool any = false;

	memset(v, 0, sizeof(*v));
	v->around = longest_class(s, p);
	v->exact = aligned(s, p, p.depth + SIEVE_BITS);
	for (size_t i = p.i; i < p.j; i++) {
		if (class_of(s, i) == v->around)
			continue;
		v->exact = v->exact && (!any || v->other == class_of(s, i));
		v->other = class_of(s, i);
		any = true;
		unsigned from = (uint16_t)(clip_first(s, p, i) >> unit);
		unsigned to = (uint16_t)(clip_last(s, p, i) >> unit);
		for (unsigned at = from; at <= to; at++)
			v->map[at / 64] |= 1ULL << at % 64;
	}
}

/* One bit for each four of before; returns how many are set. */
static unsigned sieve_fold(uint64_t *map, unsigned bits)
{
	unsigned marked = 0;

	for (unsigned word = 0; word < 1U << bits >> 6; word++) {
		uint64_t folded = 0;

		for (unsigned at = 0; at < 64; at++)
			if (map[word * 4 + at / 16] >> at % 16 * 4 & 15)
				folded |= 1ULL << at;
		map[word] = folded;
		marked += (unsigned)__builtin_popcountll(folded);
	}
	return marked;
}

static unsigned sieve_count(const struct sieve *v)
{
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(v->map) / sizeof(*v->map); i++)
		n += (unsigned)__builtin_popcountll(v->map[i]);
	return n;
}

static int make_sieve(struct table *t, const struct sieve *v, unsigned bits, __u64 child,
		      __u64 *ret)
{
	uint32_t first;
	int r = take_lines(t, 1 + (1U << bits) / 512, &first);

	if (r < 0)
		return r;
	t->line[first].word[0] = child;
	memcpy(&t->line[first + 1], v->map, (1U << bits) / 8);
	*ret = FILTER_AB(FILTER_SIEVE, v->around, SIEVE_BITS - bits) | (__u64)first << FILTER_REST;
	return 0;
}

/* 1 and *ret: a sieve over build_cells(); 0: not worth it. */
static int build_sieve(struct table *t, const struct source *s, struct part p, __u64 *ret)
{
	own_mem struct sieve *v = malloc(2 * sizeof(*v));
	unsigned bits = SIEVE_BITS, marked;
	__u64 child;
	int r;

	if (!v)
		return -ENOMEM;
	sieve_mark(&v[0], s, p);
	marked = sieve_count(&v[0]);
	if (marked > (1U << SIEVE_BITS) / 4)
		return 0;
	/* As coarse as leaves one place in eight, for the sake of the cache. */
	for (v[1] = v[0]; bits > 12; bits -= 2, v[0] = v[1]) {
		marked = sieve_fold(v[1].map, bits - 2);
		if (marked > (1U << (bits - 2)) / 8)
			break;
	}
	r = 0;
	if (bits == SIEVE_BITS && v[0].exact)
		child = leaf_of(v[0].other);
	else
		r = build_cells(t, s, p, &child);
	if (r == 0)
		r = make_sieve(t, &v[0], bits, child, ret);
	return r < 0 ? r : 1;
}

int table_build_part(struct table *t, const struct source *s, struct part p, __u64 *ret)
{
	const size_t n = p.j - p.i;
	struct stretch x;
	uint16_t value[SET_MAX];
	unsigned values;

	if (n == 1) {
		*ret = leaf_of(class_of(s, p.i));
		return 0;
	}
	stretch_of(s, p, &x);
	unsigned len = common_bits(x.first, x.last);
	bool whole = !(x.first & bits_below(len)) && (x.last & bits_below(len)) == bits_below(len);
	if (x.j - x.i == 1 && whole && len > p.depth)
		return make_lone(t, x.around, class_of(s, x.i), x.first, p.depth, len, ret);
	if (n <= TABLE_CELLS && aligned(s, p, p.depth + 8))
		return build_cells(t, s, p, ret);
	if (n <= 2 * SET_MAX + 1 && p.depth <= 112 && aligned(s, p, p.depth + 16)) {
		uint16_t a = class_of(s, p.i), b = class_of(s, p.i + 1);

		if (is_set(s, p, a, b, value, &values))
			return make_set(t, a, b, value, values, ret);
		if (is_set(s, p, b, a, value, &values))
			return make_set(t, b, a, value, values, ret);
	}
	if (len >= p.depth + 16)
		return build_path(t, s, p, &x, (len - p.depth) / 8, ret);
	if (n > 2 * SET_MAX + 1 && p.depth + SIEVE_BITS <= (s->v4 ? 32 : 128)) {
		int r = build_sieve(t, s, p, ret);

		if (r != 0)
			return r < 0 ? r : 0;
	}
	return build_cells(t, s, p, ret);
}

/* Fill the 65536 root entries of a family. */
static int build_root(struct table *t, const struct source *s, size_t n, uint32_t root)
{
	size_t i = 0;

	for (uint32_t cell = 0; cell < 65536; cell++) {
		struct part p = { (addr_bits)cell << 112, 16, i, i + 1 };
		addr_bits end = part_end(p);
		__u64 e;

		while (p.j < n && first_of(s, p.j) <= end)
			p.j++;
		int r = table_build_part(t, s, p, &e);
		if (r < 0)
			return r;
		t->line[root + cell / 8].word[cell % 8] = e;
		i = p.j - 1;
		if (i + 1 < n && first_of(s, i + 1) == end + 1)
			i++;
	}
	return 0;
}

/* Smarthosts of one family as intervals of class 0 and 1, held as IPv6 ones, left-aligned. */
static int build_smarthosts(struct table *t, const struct ruleset *rs, enum family f, __u64 *ret)
{
	own_mem struct interval6 *iv = calloc(2 * rs->smarthosts_count + 1, sizeof(*iv));
	const unsigned shift = f == FAMILY_V4 ? TABLE_V4_SHIFT : 0;
	size_t n = 1;

	if (!iv)
		return -ENOMEM;
	for (size_t i = 0; i < rs->smarthosts_count; i++) {
		const struct smarthost_range *r = &rs->smarthosts[i];

		if (r->first.family != f)
			continue;
		addr_bits first = r->first.bits << shift;
		if (iv[n - 1].first != first)
			iv[n++] = (struct interval6){ first, 1 };
		else if (n == 1)
			iv[0].class = 1;
		else
			n--; /* goes on where the one before ends */
		if (r->last != family_last(f))
			iv[n++] = (struct interval6){ (r->last + 1) << shift, 0 };
	}
	struct source s = { NULL, iv };
	struct part all = { 0, 0, 0, n };
	return table_build_part(t, &s, all, ret);
}

struct filter_class table_row_of(const struct class *c, uint32_t counter, uint16_t under,
				 struct table_clock now)
{
	struct filter_class row = {
		.counter = counter,
		.under = under,
		.mode = (uint8_t)c->mode,
		.inbound = (uint8_t)c->inbound,
		.strict = c->strict,
	};

	if (c->cause == CAUSE_RESTRICTION && c->until.s) {
		int64_t left = c->until.s - now.wall.s;
		int64_t ns = left > 0 ? now.boot.ns + left * 1000000000LL : 1;

		row.until_s = c->until.s;
		row.until_ns = (__u64)(ns > 0 ? ns : 1);
	}
	return row;
}

static struct filter_class *rows(const struct table *t)
{
	return (struct filter_class *)&t->line[FILTER_ROWS];
}

static uint32_t row_flags(const struct filter_class *row)
{
	return (row->inbound != MODE_OFF ? FILTER_HEAD_INBOUND : 0) |
	       (row->strict ? FILTER_HEAD_STRICT : 0);
}

static void build_head(struct table *t, const struct ruleset *rs, const uint32_t *counter,
		       struct table_clock now)
{
	struct filter_head *h = table_head(t);

	memcpy(h->hash, rs->hash, sizeof(h->hash));
	h->class_count = (uint32_t)rs->classes_count;
	h->class_room = (uint32_t)(rs->classes_count + SPARE_ROWS) & ~1U;
	if (h->class_room > 65536)
		h->class_room = 65536;
	h->flags = rs->smarthosts_count ? FILTER_HEAD_SMARTHOSTS : 0;
	for (size_t i = 0; i < rs->classes_count; i++) {
		const struct class *c = &rs->classes[i];

		rows(t)[i] = table_row_of(c, counter[i], c->under, now);
		h->flags |= row_flags(&rows(t)[i]);
	}
}

static int build_all(struct table *t, const struct ruleset *rs, const uint32_t *counter,
		     struct table_clock now)
{
	const uint32_t room = (uint32_t)(rs->classes_count + SPARE_ROWS);
	struct source v4 = { rs->v4, NULL }, v6 = { NULL, rs->v6 };
	__u64 smarthosts[2];
	uint32_t at;
	int r;

	r = take_lines(t, FILTER_ROWS + room / 2, &at);
	if (r < 0)
		return r;
	build_head(t, rs, counter, now);
	r = build_root(t, &v4, rs->v4_count, FILTER_V4_ROOT);
	if (r == 0)
		r = build_root(t, &v6, rs->v6_count, FILTER_V6_ROOT);
	for (int f = 0; r == 0 && f < FAMILY_COUNT_; f++)
		r = build_smarthosts(t, rs, (enum family)f, &smarthosts[f]);
	if (r < 0)
		return r;
	memcpy(table_head(t)->smarthosts, smarthosts, sizeof(smarthosts));
	table_head(t)->used = t->used;
	table_head(t)->magic = FILTER_MAGIC;
	return 0;
}

int table_build(const struct ruleset *rs, const uint32_t *counter, struct table_clock now,
		struct table **ret)
{
	own(table) struct table *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->grows = true;
	t->room = FILTER_PAGE_LINES;
	t->line = malloc(t->room * sizeof(*t->line));
	if (!t->line)
		return -ENOMEM;
	r = build_all(t, rs, counter, now);
	if (r < 0)
		return r;
	*ret = take(t);
	return 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	if (t->grows)
		free(t->line);
	free(t);
}

int table_over(struct filter_line *line, uint32_t room, struct table *ret)
{
	struct table t = { .line = line, .room = room };

	if (room < FILTER_PAGE_LINES)
		return -EPROTO;
	const struct filter_head *h = table_head(&t);
	if (h->magic != FILTER_MAGIC || h->used > room || h->class_count > h->class_room ||
	    h->class_room > 65536 || h->used < FILTER_ROWS + h->class_room / 2)
		return -EPROTO;
	t.used = h->used;
	*ret = t;
	return 0;
}

static struct walk_key key_of(struct addr a)
{
	addr_bits left = a.family == FAMILY_V4 ? a.bits << TABLE_V4_SHIFT : a.bits;

	return (struct walk_key){ (__u64)(left >> 64), (__u64)left };
}

static uint32_t walk(const struct table *t, __u64 e, struct walk_key k)
{
	uint32_t class = 0;

	for (int i = 0; i <= FILTER_WALK_STEPS; i++)
		if (!walk_step(t, &e, &k, &class))
			return class;
	return 0;
}

uint32_t table_class(const struct table *t, struct addr a)
{
	struct walk_key k = key_of(a);
	uint32_t root = a.family == FAMILY_V4 ? FILTER_V4_ROOT : FILTER_V6_ROOT;
	__u64 e = t->line[root + (k.hi >> 51)].word[k.hi >> 48 & 7];

	k.hi = k.hi << 16 | k.lo >> 48;
	k.lo <<= 16;
	return walk(t, e, k);
}

bool table_is_smarthost(const struct table *t, struct addr a)
{
	return walk(t, table_head(t)->smarthosts[a.family], key_of(a)) == 1;
}

const struct filter_class *table_row(const struct table *t, uint32_t class)
{
	return class < table_head(t)->class_count ? &rows(t)[class] : NULL;
}

static bool same_row(const struct filter_class *a, const struct filter_class *b)
{
	return a->until_s == b->until_s && a->counter == b->counter && a->mode == b->mode &&
	       a->inbound == b->inbound && a->strict == b->strict &&
	       (!a->until_s || a->under == b->under);
}

int table_intern(struct table *t, struct filter_class want, uint32_t *ret)
{
	struct filter_head *h = table_head(t);

	for (uint32_t i = 0; i < h->class_count; i++) {
		if (same_row(&rows(t)[i], &want)) {
			*ret = i;
			return 0;
		}
	}
	if (h->class_count == h->class_room)
		return -ENOSPC;
	rows(t)[h->class_count] = want;
	h->flags |= row_flags(&want);
	*ret = h->class_count;
	__atomic_store_n(&h->class_count, h->class_count + 1, __ATOMIC_RELEASE);
	return 0;
}
