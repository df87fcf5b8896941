/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/ruleset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/cmocka.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define TEN      0x0a000000u

/* A ruleset of one segment on 10.0.0.0/8 and 2001:db8::/32, with an excepted and a restricted line.
 */
static struct ruleset *example(void)
{
	static const struct class classes[] = {
		{ .cause = CAUSE_NONE },
		{ .segment = "homes", .cause = CAUSE_SEGMENT, .mode = MODE_REJECT, .strict = true },
		{ .segment = "homes", .cause = CAUSE_EXCEPTION },
		{ .segment = "homes",
		  .cause = CAUSE_RESTRICTION,
		  .mode = MODE_DROP,
		  .until = { 1000 },
		  .under = 2 },
	};
	static const struct interval4 v4[] = {
		{ 0, 0 },       { TEN, 1 },     { TEN + 7, 2 },
		{ TEN + 8, 3 }, { TEN + 9, 1 }, { TEN + (1 << 24), 0 },
	};
	static const struct interval6 v6[] = {
		{ 0, 0 },
		{ (addr_bits)0x20010db8 << 96, 1 },
		{ (addr_bits)0x20010db9 << 96, 0 },
	};
	static const struct smarthost_range smarthosts[] = {
		{ { 5, FAMILY_V4 }, 7 },
		{ { 9, FAMILY_V4 }, 9 },
		{ { 1, FAMILY_V6 }, 3 },
	};
	struct ruleset *rs = calloc(1, sizeof(*rs));

	assert_non_null(rs);
	*rs = (struct ruleset){ .classes = malloc(sizeof(classes)),
				.classes_count = COUNT(classes),
				.v4 = malloc(sizeof(v4)),
				.v4_count = COUNT(v4),
				.v6 = malloc(sizeof(v6)),
				.v6_count = COUNT(v6),
				.smarthosts = malloc(sizeof(smarthosts)),
				.smarthosts_count = COUNT(smarthosts) };
	assert_true(rs->classes && rs->v4 && rs->v6 && rs->smarthosts);
	memcpy(rs->classes, classes, sizeof(classes));
	memcpy(rs->v4, v4, sizeof(v4));
	memcpy(rs->v6, v6, sizeof(v6));
	memcpy(rs->smarthosts, smarthosts, sizeof(smarthosts));
	return rs;
}

static struct ruleset *finished(struct ruleset *rs)
{
	struct why why = { 0 };

	assert_int_equal(ruleset_finish(rs), 0);
	if (ruleset_check(rs, &why) != 0)
		fail_msg("%s", why.text);
	return rs;
}

static const char *name_of(const struct ruleset *rs, uint16_t class)
{
	static char name[CLASS_NAME_MAX];

	return class_name(&rs->classes[class], name);
}

static void an_address_finds_its_class(void **state)
{
	static const struct {
		struct addr addr;
		const char *class;
	} rows[] = {
		/* clang-format off */
		{ { 0, FAMILY_V4 },                         "-" },
		{ { TEN - 1, FAMILY_V4 },                   "-" },
		{ { TEN, FAMILY_V4 },                       "homes/segment/reject/off/strict" },
		{ { TEN + 6, FAMILY_V4 },                   "homes/segment/reject/off/strict" },
		{ { TEN + 7, FAMILY_V4 },                   "homes/exception/off/off/syn" },
		{ { TEN + 8, FAMILY_V4 },                   "homes/restriction/drop/off/syn" },
		{ { TEN + (1 << 24) - 1, FAMILY_V4 },       "homes/segment/reject/off/strict" },
		{ { TEN + (1 << 24), FAMILY_V4 },           "-" },
		{ { UINT32_MAX, FAMILY_V4 },                "-" },
		{ { TEN, FAMILY_V6 },                       "-" },
		{ { (addr_bits)0x20010db8 << 96, FAMILY_V6 }, "homes/segment/reject/off/strict" },
		{ { ((addr_bits)0x20010db9 << 96) - 1, FAMILY_V6 }, "homes/segment/reject/off/strict" },
		{ { ~(addr_bits)0, FAMILY_V6 },             "-" },
		/* clang-format on */
	};
	own(ruleset) struct ruleset *rs = finished(example());
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(name_of(rs, ruleset_class(rs, rows[i].addr)), rows[i].class);
}

static void a_restriction_ends_by_itself(void **state)
{
	own(ruleset) struct ruleset *rs = finished(example());
	uint16_t class = ruleset_class(rs, (struct addr){ TEN + 8, FAMILY_V4 });
	(void)state;

	assert_int_equal(ruleset_class_at(rs, class, (struct wall){ 999 })->cause,
			 CAUSE_RESTRICTION);
	assert_int_equal(ruleset_class_at(rs, class, (struct wall){ 1000 })->cause,
			 CAUSE_EXCEPTION);
	class = ruleset_class(rs, (struct addr){ TEN, FAMILY_V4 });
	assert_int_equal(ruleset_class_at(rs, class, (struct wall){ 1000 })->mode, MODE_REJECT);
}

static void smarthosts_are_found_by_family(void **state)
{
	own(ruleset) struct ruleset *rs = finished(example());
	(void)state;

	for (addr_bits bits = 0; bits < 12; bits++) {
		assert_int_equal(ruleset_is_smarthost(rs, (struct addr){ bits, FAMILY_V4 }),
				 (bits >= 5 && bits <= 7) || bits == 9);
		assert_int_equal(ruleset_is_smarthost(rs, (struct addr){ bits, FAMILY_V6 }),
				 bits >= 1 && bits <= 3);
	}
}

static void ranges_cover_every_address_once(void **state)
{
	own(ruleset) struct ruleset *rs = finished(example());
	(void)state;

	for (enum family f = 0; f < FAMILY_COUNT_; f++) {
		addr_bits next = 0;

		for (size_t i = 0; i < ruleset_ranges(rs, f); i++) {
			struct ruleset_range r = ruleset_range_at(rs, f, i);

			assert_true(r.first.family == f && r.first.bits == next);
			assert_true(r.last >= r.first.bits);
			assert_int_equal(r.class, ruleset_class(rs, r.first));
			next = r.last + 1;
		}
		assert_true(next == (addr_bits)(family_last(f) + 1));
	}
}

/* Other classes in another order, doubled and unused, and neighbours alike: the same ruleset. */
static void there_is_one_form(void **state)
{
	own(ruleset) struct ruleset *a = finished(example()), *b = example();
	struct class *more = calloc(8, sizeof(*more));
	static const uint16_t to[] = { 0, 6, 3, 5 };
	(void)state;

	assert_non_null(more);
	for (size_t i = 0; i < 4; i++)
		more[to[i]] = b->classes[i];
	more[5].under = 4; /* a double of 3 */
	more[4] = more[3];
	more[1] = (struct class){ .segment = "unused", .cause = CAUSE_SEGMENT };
	more[2] = (struct class){ .segment = "unused", .cause = CAUSE_SEGMENT, .strict = true };
	more[7] = more[6];
	free(b->classes);
	b->classes = more;
	b->classes_count = 8;
	for (size_t i = 0; i < b->v4_count; i++)
		b->v4[i].class = to[b->v4[i].class];
	for (size_t i = 0; i < b->v6_count; i++)
		b->v6[i].class = to[b->v6[i].class];
	b->v6[1].class = 7;

	finished(b);
	assert_memory_equal(a->hash, b->hash, RULESET_HASH_BYTES);
	assert_int_equal(b->classes_count, a->classes_count);
	assert_true(ruleset_compare(a, b, NULL, NULL).same);
}

struct told {
	size_t calls, stop_after;
};

static int count(void *arg, struct addr first, addr_bits last, const struct class *before,
		 const struct class *after)
{
	struct told *t = arg;

	assert_true(first.bits <= last && before != after);
	return ++t->calls == t->stop_after;
}

static void a_comparison_counts_by_direction(void **state)
{
	own(ruleset) struct ruleset *a = finished(example()), *b = example();
	struct told told = { 0 };
	(void)state;

	b->v4[3].class = 2;        /* the restricted line is excepted: opened */
	b->v4[2].class = 1;        /* the excepted line is closed */
	b->v6[1].first -= 1;       /* one address more is closed */
	b->smarthosts[0].last = 6; /* counts as one gone and one come */
	b->smarthosts_count = 2;
	finished(b);

	struct ruleset_diff d = ruleset_compare(a, b, count, &told);
	assert_false(d.same);
	assert_int_equal(told.calls, 3);
	assert_int_equal(d.family[FAMILY_V4].ranges, 2);
	assert_true(d.family[FAMILY_V4].addresses == 2);
	assert_true(d.family[FAMILY_V4].closed == 1 && d.family[FAMILY_V4].opened == 1);
	assert_true(d.family[FAMILY_V6].closed == 1 && d.family[FAMILY_V6].opened == 0);
	assert_int_equal(d.smarthosts_added, 1);
	assert_int_equal(d.smarthosts_removed, 2);

	told = (struct told){ .stop_after = 1 };
	ruleset_compare(a, b, count, &told);
	assert_int_equal(told.calls, 1);
}

/* A segment that only changes its name refuses what it refused. */
static void a_new_name_is_not_a_new_treatment(void **state)
{
	own(ruleset) struct ruleset *a = finished(example()), *b = example();
	struct told told = { 0 };
	(void)state;

	for (size_t i = 1; i < b->classes_count; i++)
		strcpy(b->classes[i].segment, "houses");
	finished(b);
	struct ruleset_diff d = ruleset_compare(a, b, count, &told);
	assert_int_equal(d.family[FAMILY_V4].ranges + d.family[FAMILY_V6].ranges, 0);
	assert_int_equal(d.family[FAMILY_V4].renamed, 4);
	assert_int_equal(d.family[FAMILY_V6].renamed, 1);
	assert_int_equal(told.calls, 5);
	assert_true(class_treats_alike(a, 1, b, 1) && !class_equal(a, 1, b, 1));
}

static void another_end_is_another_treatment(void **state)
{
	own(ruleset) struct ruleset *a = finished(example()), *b = example(), *c = example();
	(void)state;

	b->classes[3].until.s++;
	c->classes[3].under = 1;
	finished(b);
	finished(c);
	assert_int_equal(ruleset_compare(a, b, NULL, NULL).family[FAMILY_V4].ranges, 1);
	assert_int_equal(ruleset_compare(a, c, NULL, NULL).family[FAMILY_V4].ranges, 1);
}

static void what_a_ruleset_may_not_be(void **state)
{
	static const char *const want[] = {
		"not a ruleset: its number of classes is 0",
		"not a ruleset: contradiction in class 1", /* no such mode */
		"not a ruleset: contradiction in class 2", /* an exception that refuses */
		"not a ruleset: contradiction in class 3", /* a restriction beneath another */
		"not a ruleset: contradiction in class 3", /* beneath nothing */
		"not a ruleset: contradiction in class 3", /* that passes */
		"not a ruleset: contradiction in class 3", /* without end */
		"not a ruleset: contradiction in class 1", /* a name with a quote */
		"not a ruleset: contradiction in class 1", /* without NUL */
		"not a ruleset: contradiction in class 1", /* a second "no rule" */
		"not a ruleset: contradiction in class 0", /* that refuses */
		"not a ruleset: no such class in IPv4 interval 2",
		"not a ruleset: no such class in IPv6 interval 1",
		"not a ruleset: not behind or not unlike its neighbour: IPv4 interval 2",
		"not a ruleset: not behind or not unlike its neighbour: IPv6 interval 2",
		"not a ruleset: not behind or not unlike its neighbour: IPv4 interval 2",
		"not a ruleset: the first address is in no interval of family 1",
		"not a ruleset: the first address is in no interval of family 0",
		"not a ruleset: wrong bounds in smarthost range 0",
		"not a ruleset: wrong bounds in smarthost range 0",
		"not a ruleset: not apart from its neighbour: smarthost range 1",
		"not a ruleset: not apart from its neighbour: smarthost range 2",
		"not a ruleset: the hash is of something else",
	};
	(void)state;

	for (size_t i = 0; i < COUNT(want); i++) {
		own(ruleset) struct ruleset *rs = finished(example());
		struct why why = { 0 };
		size_t row = 0;

		if (i == row++)
			rs->classes_count = 0;
		if (i == row++)
			rs->classes[1].mode = MODE_COUNT_;
		if (i == row++)
			rs->classes[2].mode = MODE_DROP;
		if (i == row++)
			rs->classes[3].under = 3;
		if (i == row++)
			rs->classes[3].under = 4;
		if (i == row++)
			rs->classes[3].mode = MODE_MONITOR;
		if (i == row++)
			rs->classes[3].until.s = 0;
		if (i == row++)
			strcpy(rs->classes[1].segment, "a\"b");
		if (i == row++)
			memset(rs->classes[1].segment, 'a', RULESET_NAME_MAX);
		if (i == row++)
			rs->classes[1] = rs->classes[0];
		if (i == row++)
			rs->classes[0].mode = MODE_DROP;
		if (i == row++)
			rs->v4[2].class = 4;
		if (i == row++)
			rs->v6[1].class = 4;
		if (i == row++)
			rs->v4[2].first = TEN;
		if (i == row++)
			rs->v6[2].first = 5;
		if (i == row++)
			rs->v4[2].class = rs->v4[1].class;
		if (i == row++)
			rs->v4[0].first = 1;
		if (i == row++)
			rs->v4_count = 0;
		if (i == row++)
			rs->smarthosts[0].last = 4;
		if (i == row++)
			rs->smarthosts[0].first.family = FAMILY_COUNT_;
		if (i == row++)
			rs->smarthosts[1].first.bits = 8;
		if (i == row++)
			rs->smarthosts[2].first.family = FAMILY_V4;
		if (i == row++)
			rs->hash[0] ^= 1;
		assert_int_equal(row, COUNT(want));
		assert_int_equal(ruleset_check(rs, &why), -EBADMSG);
		if (strcmp(why.text, want[i]) != 0)
			fail_msg("row %zu: %s", i, why.text);
	}
}

/* However the bytes are cut or changed, they are not believed. */
static void bytes_are_believed_whole_or_not_at_all(void **state)
{
	own(ruleset) struct ruleset *rs = finished(example()), *back = NULL;
	own_mem uint8_t *bytes = NULL;
	struct why why;
	size_t len;
	(void)state;

	assert_int_equal(ruleset_encode(rs, &bytes, &len), 0);
	for (size_t n = 0; n < len; n++) {
		assert_int_equal(ruleset_decode(bytes, n, &back, &why), -EBADMSG);
		bytes[n] ^= 0x80;
		assert_int_equal(ruleset_decode(bytes, len, &back, &why), -EBADMSG);
		bytes[n] ^= 0x80;
	}
	assert_null(back);
	assert_int_equal(ruleset_decode(bytes, len, &back, &why), 0);
	assert_true(ruleset_compare(rs, back, NULL, NULL).same);
}

/* The format is a promise between two programs that may differ in age. */
static void the_bytes_are_these(void **state)
{
	static const char want[] = "504f525452554c31"
				   "01000000010000000100000000000000";
	struct class none = { .cause = CAUSE_NONE };
	struct interval4 v4 = { 0, 0 };
	struct interval6 v6 = { 0, 0 };
	struct ruleset rs = { &none, 1, &v4, 1, &v6, 1, NULL, 0, { 0 } };
	own_mem uint8_t *bytes = NULL;
	char head[2 * 24 + 1], hash[2 * 32 + 1];
	size_t len;
	(void)state;

	assert_int_equal(ruleset_encode(&rs, &bytes, &len), 0);
	assert_int_equal(len, 24 + 48 + 6 + 18 + 32);
	assert_string_equal(sodium_bin2hex(head, sizeof(head), bytes, 24), want);
	/* printf of the 96 bytes | b2sum -l 256 */
	assert_string_equal(sodium_bin2hex(hash, sizeof(hash), bytes + len - 32, 32),
			    "531dfc17ff8b8b58dfbf780a64a6c7a007999634a6acf5db1fa73c411555e354");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_finds_its_class),
		cmocka_unit_test(a_restriction_ends_by_itself),
		cmocka_unit_test(smarthosts_are_found_by_family),
		cmocka_unit_test(ranges_cover_every_address_once),
		cmocka_unit_test(there_is_one_form),
		cmocka_unit_test(a_comparison_counts_by_direction),
		cmocka_unit_test(a_new_name_is_not_a_new_treatment),
		cmocka_unit_test(another_end_is_another_treatment),
		cmocka_unit_test(what_a_ruleset_may_not_be),
		cmocka_unit_test(bytes_are_believed_whole_or_not_at_all),
		cmocka_unit_test(the_bytes_are_these),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
