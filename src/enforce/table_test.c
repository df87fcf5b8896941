/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables against rulesets: the walk, the reading back, and changes in place,
 * each compared with the plain interval map, at every boundary and at random.
 */
#include "enforce/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"

static uint64_t seed;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static addr_bits rnd_bits(enum family f)
{
	addr_bits b = (addr_bits)rnd() << 64 | rnd();

	return f == FAMILY_V4 ? b >> 96 : b;
}

/* Prefixes painted one over the other: the plainest map there is. */
#define PAINTS_MAX 4000

struct paint {
	struct prefix prefix;
	uint16_t class;
};

struct canvas {
	struct paint paint[2][PAINTS_MAX];
	size_t n[2];
};

static uint16_t canvas_class(const struct canvas *c, enum family f, addr_bits at)
{
	for (size_t i = c->n[f]; i-- > 0;)
		if (prefix_holds(c->paint[f][i].prefix, (struct addr){ at, f }))
			return c->paint[f][i].class;
	return 0;
}

static int compare_bits(const void *a, const void *b)
{
	addr_bits x = *(const addr_bits *)a, y = *(const addr_bits *)b;

	return x < y ? -1 : x > y;
}

/* Every address at which the class may change, sorted. */
static size_t canvas_edges(const struct canvas *c, enum family f, addr_bits *ret)
{
	size_t n = 0;

	ret[n++] = 0;
	for (size_t i = 0; i < c->n[f]; i++) {
		addr_bits last = prefix_last(c->paint[f][i].prefix);

		ret[n++] = c->paint[f][i].prefix.addr.bits;
		if (last != family_last(f))
			ret[n++] = last + 1;
	}
	qsort(ret, n, sizeof(*ret), compare_bits);
	return n;
}

static struct ruleset *canvas_ruleset(const struct canvas *c, size_t classes)
{
	struct ruleset *rs = calloc(1, sizeof(*rs));
	addr_bits *edge = calloc(2 * PAINTS_MAX + 1, sizeof(*edge));

	assert_true(rs && edge);
	rs->classes = calloc(classes, sizeof(*rs->classes));
	rs->classes_count = classes;
	for (size_t i = 1; i < classes; i++) {
		rs->classes[i].cause = CAUSE_SEGMENT;
		rs->classes[i].mode = (enum mode)(i % MODE_COUNT_);
		snprintf(rs->classes[i].segment, sizeof(rs->classes[i].segment), "s%zu", i);
	}
	for (int f = 0; f < FAMILY_COUNT_; f++) {
		size_t n = canvas_edges(c, (enum family)f, edge);

		if (f == FAMILY_V4)
			rs->v4 = calloc(n, sizeof(*rs->v4));
		else
			rs->v6 = calloc(n, sizeof(*rs->v6));
		for (size_t i = 0; i < n; i++) {
			uint16_t class = canvas_class(c, (enum family)f, edge[i]);

			if (f == FAMILY_V4) {
				if (!rs->v4_count || rs->v4[rs->v4_count - 1].class != class)
					rs->v4[rs->v4_count++] =
					    (struct interval4){ (uint32_t)edge[i], class };
			} else if (!rs->v6_count || rs->v6[rs->v6_count - 1].class != class) {
				rs->v6[rs->v6_count++] = (struct interval6){ edge[i], class };
			}
		}
	}
	free(edge);
	return rs;
}

/* A cluster is a way of being random: how long the prefixes are and under which they lie. */
struct cluster {
	const char *why;
	enum family family;
	unsigned under, min, max; /* lengths */
	unsigned paints, classes;
};

static const struct cluster clusters[] = {
	/* clang-format off */
	{ "nothing at all",                    FAMILY_V4,   0,  0,   0,    0,  1 },
	{ "one segment",                       FAMILY_V4,   0,  8,   8,    1,  2 },
	{ "everything one class",              FAMILY_V4,   0,  0,   0,    1,  2 },
	{ "everything one class, v6",          FAMILY_V6,   0,  0,   0,    1,  2 },
	{ "a few hosts in a /8",               FAMILY_V4,   8, 32,  32,  300,  2 },
	{ "hosts in a /16: a sieve",           FAMILY_V4,  16, 32,  32, 1000,  2 },
	{ "hosts in a /16, many classes",      FAMILY_V4,  16, 32,  32, 1000,  5 },
	{ "/64 in a /40: a sieve",             FAMILY_V6,  40, 64,  64,  600,  2 },
	{ "many lengths in a /40",             FAMILY_V6,  40, 44, 128,  600,  4 },
	{ "hosts in one /16: a set",           FAMILY_V4,  16, 32,  32,   20,  2 },
	{ "hosts in one /16: too many",        FAMILY_V4,  16, 32,  32,  200,  2 },
	{ "hosts in one /24: points",          FAMILY_V4,  24, 32,  32,    3,  2 },
	{ "hosts in one /24: a map",           FAMILY_V4,  24, 32,  32,  100,  2 },
	{ "hosts in one /24, many classes",    FAMILY_V4,  24, 32,  32,  200,  9 },
	{ "small prefixes in a /12",           FAMILY_V4,  12, 20,  30,  200,  3 },
	{ "anything",                          FAMILY_V4,   0,  1,  32,  300,  9 },
	{ "anything in a /8",                  FAMILY_V4,   8,  9,  32, 2000, 60 },
	{ "/64 in a /32",                      FAMILY_V6,  32, 64,  64, 1000,  2 },
	{ "/64 in a /48: a set",               FAMILY_V6,  48, 64,  64,   25,  2 },
	{ "/64 in a /56: a map",               FAMILY_V6,  56, 64,  64,   90,  2 },
	{ "a lone /128",                       FAMILY_V6,   0, 128, 128,   1,  2 },
	{ "a few /128 under one /64",          FAMILY_V6,  64, 128, 128,   9,  3 },
	{ "/128 under one /112",               FAMILY_V6, 112, 128, 128,  30,  2 },
	{ "/128 under one /120",               FAMILY_V6, 120, 128, 128, 100,  5 },
	{ "odd lengths under a /32",           FAMILY_V6,  32, 33, 128,  300,  4 },
	{ "anything under 2000::/3",           FAMILY_V6,   3,  4, 128,  500,  9 },
	{ "anything",                          FAMILY_V6,   0,  1, 128,  300, 30 },
	{ "halves",                            FAMILY_V6,   0,  1,   3,    4,  3 },
	/* clang-format on */
};

static struct prefix rnd_prefix(const struct cluster *k, struct prefix home)
{
	unsigned bits = family_bits(k->family);
	unsigned len = k->min + (unsigned)(rnd() % (k->max - k->min + 1));
	addr_bits at = rnd_bits(k->family);

	if (k->under)
		at = home.addr.bits |
		     (at & (k->under >= bits ? 0 : family_last(k->family) >> k->under));
	if (len < bits)
		at = len ? at >> (bits - len) << (bits - len) : 0;
	return (struct prefix){ { at, k->family }, (uint8_t)len };
}

static void paint(struct canvas *c, struct prefix p, uint16_t class)
{
	enum family f = p.addr.family;

	assert_true(c->n[f] < PAINTS_MAX);
	c->paint[f][c->n[f]++] = (struct paint){ p, class };
}

static struct prefix paint_cluster(struct canvas *c, const struct cluster *k)
{
	struct cluster base = { .family = k->family, .min = k->under, .max = k->under };
	struct prefix home = rnd_prefix(&base, (struct prefix){ 0 });

	if (k->classes > 2)
		paint(c, home, 1);
	for (unsigned i = 0; i < k->paints; i++)
		paint(c, rnd_prefix(k, home), (uint16_t)(rnd() % k->classes));
	if (k->paints == 1)
		c->paint[k->family][c->n[k->family] - 1].class = 1;
	return home;
}

static struct table *build(const struct ruleset *rs)
{
	struct table *t = NULL;
	uint32_t *counter = calloc(rs->classes_count, sizeof(*counter));

	assert_non_null(counter);
	assert_int_equal(table_build(rs, counter, (struct table_clock){ { 100 }, { 5 } }, &t), 0);
	free(counter);
	return t;
}

static void check_address(const struct table *t, uint32_t want, struct addr a, const char *why)
{
	uint32_t got = table_class(t, a);
	char text[ADDR_TEXT_MAX];

	if (got != want)
		fail_msg("%s: %s is class %u, not %u", why, addr_text(a, text), got, want);
}

/* At every boundary, beside it, and at random: the table says what the ruleset says. */
static void check_walk(const struct table *t, const struct ruleset *rs, const char *why)
{
	for (int f = 0; f < FAMILY_COUNT_; f++) {
		for (size_t i = 0; i < ruleset_ranges(rs, (enum family)f); i++) {
			struct ruleset_range r = ruleset_range_at(rs, (enum family)f, i);
			struct addr last = { r.last, (enum family)f };
			struct addr mid = { r.first.bits + (r.last - r.first.bits) / 2,
					    last.family };

			check_address(t, r.class, r.first, why);
			check_address(t, r.class, last, why);
			check_address(t, r.class, mid, why);
		}
		for (int i = 0; i < 200; i++) {
			struct addr a = { rnd_bits((enum family)f), (enum family)f };

			check_address(t, ruleset_class(rs, a), a, why);
		}
	}
}

struct reading {
	const struct ruleset *rs;
	const char *why;
	size_t i;
};

static int check_range(void *arg, struct addr first, addr_bits last, uint32_t class)
{
	struct reading *g = arg;
	struct ruleset_range want = ruleset_range_at(g->rs, first.family, g->i);
	char text[ADDR_TEXT_MAX];

	if (want.first.bits != first.bits || want.last != last || want.class != class)
		fail_msg("%s: range %zu reads as %s class %u, not class %u", g->why, g->i,
			 addr_text(first, text), class, want.class);
	g->i++;
	return 0;
}

static void check_ranges(const struct table *t, const struct ruleset *rs, const char *why)
{
	for (int f = 0; f < FAMILY_COUNT_; f++) {
		struct reading g = { rs, why, 0 };

		assert_int_equal(table_ranges(t, (enum family)f, check_range, &g), 0);
		assert_int_equal(g.i, ruleset_ranges(rs, (enum family)f));
	}
}

#define EACH_CLUSTER(k)                          \
	for (const struct cluster *k = clusters; \
	     k < clusters + sizeof(clusters) / sizeof(*clusters); k++)

static void a_table_says_what_the_ruleset_says(void **state)
{
	struct canvas *c = malloc(sizeof(*c));

	(void)state;
	EACH_CLUSTER(k)
	{
		for (int round = 0; round < 6; round++) {
			memset(c->n, 0, sizeof(c->n));
			paint_cluster(c, k);
			own(ruleset) struct ruleset *rs = canvas_ruleset(c, k->classes);
			own(table) struct table *t = build(rs);
			check_walk(t, rs, k->why);
			check_ranges(t, rs, k->why);
		}
	}
	free(c);
}

/* A table with spare room as the kernel holds it: fixed, and not ours to grow. */
static struct filter_line *fix(const struct table *t, uint32_t spare, struct table *ret)
{
	uint32_t room = t->used + spare < FILTER_PAGE_LINES ? FILTER_PAGE_LINES : t->used + spare;
	struct filter_line *line = calloc(room, sizeof(*line));

	assert_non_null(line);
	memcpy(line, t->line, t->used * sizeof(*line));
	((struct filter_head *)&line[FILTER_HEAD])->used = room - spare;
	assert_int_equal(table_over(line, room, ret), 0);
	return line;
}

static void a_change_in_place_equals_a_full_build(void **state)
{
	struct canvas *c = malloc(sizeof(*c));

	(void)state;
	EACH_CLUSTER(k)
	{
		memset(c->n, 0, sizeof(c->n));
		struct prefix home = paint_cluster(c, k);
		unsigned classes = k->classes + 3;
		own(ruleset) struct ruleset *rs = canvas_ruleset(c, classes);
		own(table) struct table *built = build(rs);
		struct table t;
		struct filter_line *line = fix(built, 20000, &t);

		for (int i = 0; i < 60; i++) {
			struct cluster like = *k;
			uint16_t class = (uint16_t)(rnd() % classes);

			/* Now and then a length that the cluster does not have. */
			if (i % 3 == 0)
				like.min = k->under, like.max = family_bits(k->family);
			struct prefix p = rnd_prefix(&like, home);
			paint(c, p, class);
			assert_int_equal(table_put(&t, p, class), 0);
		}
		own(ruleset) struct ruleset *after = canvas_ruleset(c, classes);
		check_walk(&t, after, k->why);
		check_ranges(&t, after, k->why);
		free(line);
	}
	free(c);
}

/* Without room for its lines, a change is refused and nothing is different. */
static void a_change_without_room_changes_nothing(void **state)
{
	struct canvas *c = calloc(1, sizeof(*c));
	const struct cluster k = { "", FAMILY_V6, 32, 64, 64, 500, 2 };
	struct prefix home = paint_cluster(c, &k);
	own(ruleset) struct ruleset *rs = canvas_ruleset(c, 3);
	own(table) struct table *built = build(rs);
	unsigned refused = 0;

	(void)state;
	for (uint32_t spare = 0; spare < 12; spare++) {
		struct table t;
		struct filter_line *line = fix(built, spare, &t);
		struct prefix p =
		    rnd_prefix(&(struct cluster){ "", FAMILY_V6, 32, 128, 128, 0, 0 }, home);
		int r = table_put(&t, p, 2);

		if (r != 0) {
			assert_int_equal(r, -ENOSPC);
			refused++;
			check_ranges(&t, rs, "refused");
		}
		free(line);
	}
	assert_true(refused > 0);
	free(c);
}

static void smarthosts_are_found(void **state)
{
	struct canvas *c = calloc(1, sizeof(*c));
	own(ruleset) struct ruleset *rs = canvas_ruleset(c, 1);
	static const char *const in[] = { "192.0.2.25",   "192.0.2.26",      "203.0.113.9",
					  "2001:db8::25", "255.255.255.255", "0.0.0.0" };
	static const char *const out[] = {
		"192.0.2.24",      "192.0.2.27", "203.0.114.0", "2001:db8::26",
		"255.255.255.254", "0.0.0.1",    "::"
	};
	static const char *const ranges[][2] = {
		{ "0.0.0.0", "0.0.0.0" },
		{ "192.0.2.25", "192.0.2.25" },
		{ "192.0.2.26", "192.0.2.26" },
		{ "203.0.113.0", "203.0.113.255" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "2001:db8::25", "2001:db8::25" },
	};
	struct addr a, last;

	(void)state;
	rs->smarthosts_count = sizeof(ranges) / sizeof(*ranges);
	rs->smarthosts = calloc(rs->smarthosts_count, sizeof(*rs->smarthosts));
	for (size_t i = 0; i < rs->smarthosts_count; i++) {
		assert_true(addr_parse(ranges[i][0], &a) && addr_parse(ranges[i][1], &last));
		rs->smarthosts[i] = (struct smarthost_range){ a, last.bits };
	}
	own(table) struct table *t = build(rs);
	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++) {
		assert_true(addr_parse(in[i], &a));
		assert_true(table_is_smarthost(t, a));
	}
	for (size_t i = 0; i < sizeof(out) / sizeof(*out); i++) {
		assert_true(addr_parse(out[i], &a));
		assert_false(table_is_smarthost(t, a));
	}
	free(c);
}

static void rows_are_interned_once(void **state)
{
	struct canvas *c = calloc(1, sizeof(*c));
	own(ruleset) struct ruleset *rs = canvas_ruleset(c, 4);
	own(table) struct table *t = build(rs);
	struct table_clock now = { { 100 }, { 5 } };
	struct class restricted = {
		.cause = CAUSE_RESTRICTION, .mode = MODE_DROP, .strict = true, .until = { 160 }
	};
	uint32_t row, again;

	(void)state;
	assert_int_equal(table_intern(t, table_row_of(&rs->classes[2], 0, 0, now), &row), 0);
	assert_int_equal(row, 2);
	assert_int_equal(table_head(t)->flags & FILTER_HEAD_STRICT, 0);
	assert_int_equal(table_intern(t, table_row_of(&restricted, 7, 2, now), &row), 0);
	assert_int_equal(row, 4);
	assert_int_equal(table_intern(t, table_row_of(&restricted, 7, 2, now), &again), 0);
	assert_int_equal(again, row);
	assert_int_equal(table_row(t, row)->until_ns, 5 + 60 * 1000000000ULL);
	assert_int_equal(table_row(t, row)->under, 2);
	assert_true(table_head(t)->flags & FILTER_HEAD_STRICT);
	assert_null(table_row(t, 5));
	free(c);
}

/* Reading survives any bytes: the table is the kernel's, and somebody may have written to it. */
static void garbage_is_read_without_harm(void **state)
{
	struct canvas *c = calloc(1, sizeof(*c));
	own(ruleset) struct ruleset *rs = canvas_ruleset(c, 2);
	own(table) struct table *t = build(rs);

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 2000; i++)
			t->line[FILTER_HEAD + 1 + rnd() % (t->used - FILTER_HEAD - 1)]
			    .word[rnd() % 8] = rnd();
		for (int i = 0; i < 64; i++)
			t->line[rnd() % 4].word[rnd() % 8] = rnd() & ~0xffe0000000000000ULL;
		struct reading g = { rs, "", 0 };
		(void)g;
		for (int i = 0; i < 500; i++) {
			struct addr a = { rnd_bits(FAMILY_V4) & 0x1fffff, FAMILY_V4 };

			assert_true(table_class(t, a) <= 65535);
		}
	}
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_says_what_the_ruleset_says),
		cmocka_unit_test(a_change_in_place_equals_a_full_build),
		cmocka_unit_test(a_change_without_room_changes_nothing),
		cmocka_unit_test(smarthosts_are_found),
		cmocka_unit_test(rows_are_interned_once),
		cmocka_unit_test(garbage_is_read_without_harm),
	};

	seed = 0x9e3779b97f4a7c15ULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
