/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/lease.h"

#include <stdio.h>
#include <string.h>

#include "base/cmocka.h"

#define NEVER LEASE_FOREVER

static struct lease lease(enum lease_end end, int64_t from, int64_t seen, int64_t until)
{
	struct lease l = { .ports = LEASE_PORTS_ALL,
			   .from = from,
			   .seen = seen,
			   .until = until,
			   .end = end,
			   .line = "ana" };

	assert_true(lease_valid(&l));
	return l;
}

static void each_pitfall_has_its_answer(void **state)
{
	static const struct {
		const char *why;
		enum lease_end end;
		int64_t from, seen, until, next, at;
		enum lease_certainty want;
	} rows[] = {
		/* clang-format off */
		{ "inside what was reported",             LEASE_REPORTED, 1000, 2000, 2000, NEVER, 1500, LEASE_SURE },
		{ "long before it began",                 LEASE_REPORTED, 1000, 2000, 2000, NEVER,  980, LEASE_OUT },
		{ "long after it ended",                  LEASE_REPORTED, 1000, 2000, 2000, NEVER, 2020, LEASE_OUT },
		{ "before the start, by less than skew",  LEASE_REPORTED, 1000, 2000, 2000, NEVER,  995, LEASE_NEAR },
		{ "behind the start, by less than skew",  LEASE_REPORTED, 1000, 2000, 2000, NEVER, 1005, LEASE_NEAR },
		{ "before the end, by less than skew",    LEASE_REPORTED, 1000, 2000, 2000, NEVER, 1995, LEASE_NEAR },
		{ "behind the end, by less than skew",    LEASE_REPORTED, 1000, 2000, 2000, NEVER, 2005, LEASE_NEAR },
		{ "the skew itself is just inside",       LEASE_REPORTED, 1000, 2000, 2000, NEVER, 1010, LEASE_SURE },
		{ "a reported end is not cut by the next", LEASE_REPORTED, 1000, 2000, 2000, 1200, 1500, LEASE_SURE },
		{ "lost Stop: heard of it later",         LEASE_UNKNOWN, 1000, 2000, NEVER, NEVER, 1900, LEASE_SURE },
		{ "lost Stop: within the interim time",   LEASE_UNKNOWN, 1000, 2000, NEVER, NEVER, 2500, LEASE_PRESUMED },
		{ "lost Stop: silent for too long",       LEASE_UNKNOWN, 1000, 2000, NEVER, NEVER, 3500, LEASE_OUT },
		{ "lost Stop: the next one has begun",    LEASE_UNKNOWN, 1000, 2000, NEVER, 2200, 2500, LEASE_OUT },
		{ "lost Stop: the next one is to begin",  LEASE_UNKNOWN, 1000, 2000, NEVER, 2200, 2100, LEASE_PRESUMED },
		{ "an interim report after the next began: a conflict, not cut",
							  LEASE_UNKNOWN, 1000, 2000, NEVER, 1200, 1500, LEASE_SURE },
		{ "released, nobody knows when: presumed", LEASE_UNKNOWN, 1000, 1000, 1500, NEVER, 1300, LEASE_PRESUMED },
		{ "released: not beyond its promise",     LEASE_UNKNOWN, 1000, 1000, 1500, NEVER, 1600, LEASE_OUT },
		{ "lent and not yet due",                 LEASE_PROMISED, 1000, 1000, 2000, NEVER, 1900, LEASE_SURE },
		{ "lent, and lent again",                 LEASE_PROMISED, 1000, 1000, 2000, 1500, 1900, LEASE_OUT },
		{ "a standing address",                   LEASE_STANDING, 1000, 1000, NEVER, NEVER, 1 << 30, LEASE_SURE },
		{ "a standing address given to another",  LEASE_STANDING, 1000, 1000, NEVER, 5000, 6000, LEASE_OUT },
		/* clang-format on */
	};
	static const struct lease_terms terms = { .skew_s = 10, .interim_s = 1000 };
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lease l = lease(rows[i].end, rows[i].from, rows[i].seen, rows[i].until);
		enum lease_certainty c =
		    lease_judge(&l, rows[i].next, (struct wall){ rows[i].at }, &terms);

		if (c != rows[i].want)
			fail_msg("%s: %s", rows[i].why, lease_certainty_name(c));
	}
}

static void reports_of_one_session_add_up_in_any_order(void **state)
{
	struct lease reports[] = {
		lease(LEASE_UNKNOWN, 1000, 1000, NEVER), /* Start */
		lease(LEASE_UNKNOWN, 1001, 1600, NEVER), /* interim, its start a second off */
		lease(LEASE_REPORTED, 1000, 2000, 2000), /* Stop */
		lease(LEASE_UNKNOWN, 1000, 2200, NEVER), /* an interim report behind the Stop */
	};
	static const int orders[][4] = {
		{ 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 2, 0, 3, 1 }, { 1, 3, 0, 2 }
	};
	(void)state;

	for (size_t o = 0; o < sizeof(orders) / sizeof(*orders); o++) {
		struct lease l = reports[orders[o][0]];

		for (int i = 1; i < 4; i++)
			lease_merge(&l, &reports[orders[o][i]]);
		assert_int_equal(l.from, 1000);
		assert_int_equal(l.until, 2000);
		assert_int_equal(l.end, LEASE_REPORTED);
		assert_false(lease_merge(&l, &reports[2])); /* idempotent */
		assert_true(lease_valid(&l));
	}

	struct lease open = reports[0];
	assert_true(lease_merge(&open, &reports[1]));
	assert_int_equal(open.seen, 1600);
	assert_int_equal(open.end, LEASE_UNKNOWN);
}

static void a_withdrawn_promise_is_only_presumed(void **state)
{
	struct lease l = lease(LEASE_PROMISED, 1000, 1000, 2000);
	struct lease released = lease(LEASE_UNKNOWN, 1000, 1000, NEVER);
	(void)state;

	assert_true(lease_merge(&l, &released));
	assert_int_equal(l.end, LEASE_UNKNOWN);
	assert_int_equal(l.until, 2000);
}

static void two_lines_are_ambiguous_and_one_line_twice_is_not(void **state)
{
	static struct lease_answer a;
	struct lease l = lease(LEASE_REPORTED, 1000, 2000, 2000);
	(void)state;

	lease_answer_add(&a, &l, LEASE_OUT);
	assert_int_equal(a.verdict, LEASE_NOBODY);
	lease_answer_add(&a, &l, LEASE_NEAR);
	lease_answer_add(&a, &l, LEASE_SURE);
	assert_int_equal(a.verdict, LEASE_FOUND);
	assert_int_equal(a.candidate[0].certainty, LEASE_SURE);
	for (int i = 0; i < LEASE_CANDIDATES_MAX + 5; i++) {
		snprintf(l.line, sizeof(l.line), "line%d", i);
		lease_answer_add(&a, &l, LEASE_NEAR);
	}
	assert_int_equal(a.verdict, LEASE_AMBIGUOUS);
	assert_int_equal(a.count, LEASE_CANDIDATES_MAX);
	assert_int_equal(a.further, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pitfall_has_its_answer),
		cmocka_unit_test(reports_of_one_session_add_up_in_any_order),
		cmocka_unit_test(a_withdrawn_promise_is_only_presumed),
		cmocka_unit_test(two_lines_are_ambiguous_and_one_line_twice_is_not),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
