/* SPDX-License-Identifier: BSD-2-Clause */
#include "decide/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), PREFIX_OK);
	return p;
}

static struct addr addr_of(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

/* home: closed and strict 10/8 and 2001:db8::/32, in it shop: open 10.1/16; hall: monitor 10.1.2/24
 */
static struct plan_prefix home[] = { { .line = 3 }, { .line = 4 } };
static struct plan_prefix shop[] = { { .line = 7 } };
static struct plan_prefix hall[] = { { .line = 9 } };
static struct plan_prefix relay[] = { { .line = 11 }, { .line = 12 }, { .line = 13 } };
static struct segment segments[] = {
	{ .name = (char[]){ "home" },
	  .treatment = TREATMENT_CLOSED,
	  .mode = MODE_REJECT,
	  .strict = true,
	  .inbound = MODE_DROP,
	  .prefixes = home,
	  .prefixes_count = 2 },
	{ .name = (char[]){ "shop" }, .strict = true, .prefixes = shop, .prefixes_count = 1 },
	{ .name = (char[]){ "hall" },
	  .treatment = TREATMENT_CLOSED,
	  .mode = MODE_MONITOR,
	  .prefixes = hall,
	  .prefixes_count = 1 },
};
static struct smarthost smarthosts[] = {
	{ .name = (char[]){ "relay" }, .prefixes = relay, .prefixes_count = 3 },
};
static const struct plan plan = {
	.segments = segments,
	.segments_count = COUNT(segments),
	.smarthosts = smarthosts,
	.smarthosts_count = 1,
};

static int set_up(void **state)
{
	(void)state;
	home[0].prefix = prefix_of("10.0.0.0/8");
	home[1].prefix = prefix_of("2001:db8::/32");
	shop[0].prefix = prefix_of("10.1.0.0/16");
	hall[0].prefix = prefix_of("10.1.2.0/24");
	relay[0].prefix = prefix_of("192.0.2.128/25");
	relay[1].prefix = prefix_of("192.0.2.0/25");
	relay[2].prefix = prefix_of("192.0.2.7/32");
	return 0;
}

static struct ruleset *compiled(const struct compile_input *in, int64_t now)
{
	struct ruleset *rs = NULL;
	struct why why = { 0 };

	if (compile(in, (struct wall){ now }, &rs, &why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(ruleset_check(rs, &why), 0);
	return rs;
}

static const char *name_at(const struct ruleset *rs, const char *addr, int64_t now)
{
	static char name[CLASS_NAME_MAX];

	return class_name(
	    ruleset_class_at(rs, ruleset_class(rs, addr_of(addr)), (struct wall){ now }), name);
}

static void the_longest_prefix_wins(void **state)
{
	own(ruleset) struct ruleset *rs = compiled(&(struct compile_input){ .plan = &plan }, 0);
	(void)state;

	assert_string_equal(name_at(rs, "9.255.255.255", 0), "-");
	assert_string_equal(name_at(rs, "10.0.0.0", 0), "home/segment/reject/drop/strict");
	assert_string_equal(name_at(rs, "10.0.255.255", 0), "home/segment/reject/drop/strict");
	assert_string_equal(name_at(rs, "10.1.0.0", 0), "shop/segment/off/off/syn");
	assert_string_equal(name_at(rs, "10.1.2.0", 0), "hall/segment/monitor/off/syn");
	assert_string_equal(name_at(rs, "10.1.2.255", 0), "hall/segment/monitor/off/syn");
	assert_string_equal(name_at(rs, "10.1.3.0", 0), "shop/segment/off/off/syn");
	assert_string_equal(name_at(rs, "10.255.255.255", 0), "home/segment/reject/drop/strict");
	assert_string_equal(name_at(rs, "11.0.0.0", 0), "-");
	assert_string_equal(name_at(rs, "2001:db8:ffff::1", 0), "home/segment/reject/drop/strict");
	assert_string_equal(name_at(rs, "2001:db9::", 0), "-");
	assert_int_equal(rs->v4_count, 7);
	assert_int_equal(rs->v6_count, 3);
	assert_int_equal(rs->classes_count, 4);
}

static void smarthosts_that_touch_become_one(void **state)
{
	own(ruleset) struct ruleset *rs = compiled(&(struct compile_input){ .plan = &plan }, 0);
	(void)state;

	assert_int_equal(rs->smarthosts_count, 1);
	assert_true(ruleset_is_smarthost(rs, addr_of("192.0.2.0")));
	assert_true(ruleset_is_smarthost(rs, addr_of("192.0.2.255")));
	assert_false(ruleset_is_smarthost(rs, addr_of("192.0.3.0")));
	assert_false(ruleset_is_smarthost(rs, addr_of("192.0.1.255")));
	assert_false(ruleset_is_smarthost(rs, addr_of("::c000:201")));
}

/* An exception holds for shorter and for longer segments; a restriction beats it, for a time. */
static void layers_beat_each_other(void **state)
{
	const struct exception exceptions[] = {
		{ .id = 1, .prefix = prefix_of("10.1.2.0/23"), .until = { 100 } },
		{ .id = 2, .prefix = prefix_of("10.9.0.0/16"), .until = { 99 } },
		{ .id = 3, .prefix = prefix_of("172.16.0.0/12"), .until = { 100 } },
	};
	const struct restriction restrictions[] = {
		{ .id = 1,
		  .prefix = prefix_of("10.1.2.7/32"),
		  .until = { 200 },
		  .mode = MODE_DROP },
		{ .id = 2,
		  .prefix = prefix_of("10.7.0.0/24"),
		  .until = { 300 },
		  .mode = MODE_REJECT },
		{ .id = 3,
		  .prefix = prefix_of("10.7.0.9/32"),
		  .until = { 200 },
		  .mode = MODE_DROP },
		{ .id = 4,
		  .prefix = prefix_of("10.8.0.9/32"),
		  .until = { 100 },
		  .mode = MODE_DROP },
		{ .id = 5, .prefix = prefix_of("8.8.8.8/32"), .until = { 200 }, .mode = MODE_DROP },
	};
	const struct compile_input in = { &plan, exceptions, COUNT(exceptions), restrictions,
					  COUNT(restrictions) };
	own(ruleset) struct ruleset *rs = compiled(&in, 100);
	(void)state;

	assert_string_equal(name_at(rs, "10.1.2.6", 0), "hall/exception/off/off/syn");
	assert_string_equal(name_at(rs, "10.1.3.255", 0), "shop/exception/off/off/syn");
	assert_string_equal(name_at(rs, "10.9.0.0", 0), "home/segment/reject/drop/strict");
	assert_string_equal(name_at(rs, "172.31.0.1", 0), "/exception/off/off/syn");
	assert_string_equal(name_at(rs, "10.1.2.7", 199), "hall/restriction/drop/off/syn");
	assert_string_equal(name_at(rs, "10.1.2.7", 200), "hall/exception/off/off/syn");
	assert_string_equal(name_at(rs, "10.7.0.8", 299), "home/restriction/reject/drop/strict");
	assert_string_equal(name_at(rs, "10.7.0.9", 150), "home/restriction/reject/drop/strict");
	assert_string_equal(name_at(rs, "10.7.0.9", 300), "home/segment/reject/drop/strict");
	assert_string_equal(name_at(rs, "10.8.0.9", 0), "home/segment/reject/drop/strict");
	assert_string_equal(name_at(rs, "8.8.8.8", 100), "/restriction/drop/off/syn");
	assert_string_equal(name_at(rs, "8.8.8.8", 200), "-");
}

static void contradictions_name_both_lines(void **state)
{
	struct plan_prefix twice[] = { { prefix_of("10.1.2.0/24"), 5 } };
	struct segment both[] = { segments[2], segments[0] };
	struct plan bad = { .segments = both, .segments_count = 2 };
	struct ruleset *rs = NULL;
	struct why why;
	(void)state;

	both[1].prefixes = twice;
	both[1].prefixes_count = 1;
	assert_int_equal(
	    compile(&(struct compile_input){ .plan = &bad }, (struct wall){ 0 }, &rs, &why),
	    -EINVAL);
	assert_null(rs);
	assert_string_equal(why.text,
			    "line 5: segment home and line 9: segment hall both claim 10.1.2.0/24");
}

static void bad_records_are_named(void **state)
{
	const struct exception host_bits = { .id = 17,
					     .prefix = { { 1, FAMILY_V4 }, 24 },
					     .until = { 9 } };
	const struct restriction no_mode = {
		.id = 18, .prefix = prefix_of("10.0.0.1/32"), .until = { 9 }, .mode = MODE_MONITOR
	};
	struct ruleset *rs = NULL;
	struct why why;
	(void)state;

	struct compile_input in = { .plan = &plan,
				    .exceptions = &host_bits,
				    .exceptions_count = 1 };
	assert_int_equal(compile(&in, (struct wall){ 0 }, &rs, &why), -EINVAL);
	assert_non_null(strstr(why.text, "exception 17"));
	in = (struct compile_input){ .plan = &plan,
				     .restrictions = &no_mode,
				     .restrictions_count = 1 };
	assert_int_equal(compile(&in, (struct wall){ 0 }, &rs, &why), -EINVAL);
	assert_non_null(strstr(why.text, "restriction 18"));
	assert_null(rs);
}

/* Restrictions that all end at another second need a class each. */
static void there_are_only_so_many_classes(void **state)
{
	enum { FIT = RULESET_CLASSES_MAX - 4 }; /* no rule and three segments */
	struct restriction *many = test_calloc(FIT + 1, sizeof(*many));
	struct ruleset *over = NULL;
	struct why why;
	(void)state;

	for (uint32_t i = 0; i <= FIT; i++)
		many[i] = (struct restriction){ .prefix = { { 0x0a800000u + i, FAMILY_V4 }, 32 },
						.until = { 10 + (int64_t)i },
						.mode = MODE_DROP };
	struct compile_input in = { .plan = &plan,
				    .restrictions = many,
				    .restrictions_count = FIT };
	own(ruleset) struct ruleset *rs = compiled(&in, 0);
	assert_int_equal(rs->classes_count, RULESET_CLASSES_MAX);
	assert_int_equal(
	    ruleset_class_at(rs, ruleset_class(rs, many[FIT - 1].prefix.addr), (struct wall){ 0 })
		->until.s,
	    10 + FIT - 1);
	in.restrictions_count++;
	assert_int_equal(compile(&in, (struct wall){ 0 }, &over, &why), -E2BIG);
	assert_null(over);
	assert_string_equal(why.text, "more than 65534 classes of segments and restrictions");
	test_free(many);
}

/* ::/0 and the very last address: nothing wraps around. */
static void the_ends_of_a_family_are_addresses_too(void **state)
{
	struct plan_prefix ends[] = { { prefix_of("::/0"), 1 }, { prefix_of("0.0.0.0/0"), 2 } };
	struct segment all = segments[0];
	const struct plan everything = { .segments = &all, .segments_count = 1 };
	const struct exception last[] = {
		{ .id = 1,
		  .prefix = prefix_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
		  .until = { 9 } },
		{ .id = 2, .prefix = prefix_of("255.255.255.255"), .until = { 9 } },
		{ .id = 3, .prefix = prefix_of("::"), .until = { 9 } },
	};
	(void)state;

	all.prefixes = ends;
	all.prefixes_count = 2;
	const struct compile_input in = { &everything, last, COUNT(last), NULL, 0 };
	own(ruleset) struct ruleset *rs = compiled(&in, 0);
	assert_int_equal(rs->v4_count, 2);
	assert_int_equal(rs->v6_count, 3);
	assert_string_equal(name_at(rs, "::", 0), "home/exception/off/off/syn");
	assert_string_equal(name_at(rs, "::1", 0), "home/segment/reject/drop/strict");
	assert_string_equal(name_at(rs, "255.255.255.254", 0), "home/segment/reject/drop/strict");
	assert_string_equal(name_at(rs, "255.255.255.255", 0), "home/exception/off/off/syn");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_wins),
		cmocka_unit_test(smarthosts_that_touch_become_one),
		cmocka_unit_test(layers_beat_each_other),
		cmocka_unit_test(contradictions_name_both_lines),
		cmocka_unit_test(bad_records_are_named),
		cmocka_unit_test(there_are_only_so_many_classes),
		cmocka_unit_test(the_ends_of_a_family_are_addresses_too),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
