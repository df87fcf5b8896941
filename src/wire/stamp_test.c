/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/stamp.h"

#include <stdio.h>

#include "base/cmocka.h"

/* 2026-11-22T12:00:00 */
#define NOV22 ((int64_t)20779 * STAMP_DAY_S + 43200)

static void text_of(int64_t s, char ret[static 32])
{
	char date[STAMP_DATE_MAX];
	int64_t t = s % STAMP_DAY_S;

	snprintf(ret, 32, "%s %02d:%02d:%02d", stamp_day_text(s / STAMP_DAY_S, date),
		 (int)(t / 3600), (int)(t / 60 % 60), (int)(t % 60));
}

static void every_form_is_read(void **state)
{
	static const struct {
		const char *text, *want;
		size_t len; /* 0: no stamp */
	} rows[] = {
		/* clang-format off */
		{ "Nov 21 22:54:39 vm x",               "2026-11-21 22:54:39", 15 },
		{ "Nov  2 22:54:39 vm x",               "2026-11-02 22:54:39", 15 },
		{ "Sep 8 07:46:30 canyon x",            "2026-09-08 07:46:30", 14 },
		{ "Dec 31 23:59:59 vm x",               "2025-12-31 23:59:59", 15 }, /* not in the future */
		{ "Feb 29 10:00:00 vm x",               "2024-02-29 10:00:00", 15 }, /* only a leap year has it */
		{ "2026-11-21T22:54:39.764590+00:00 x", "2026-11-21 22:54:39", 32 },
		{ "2026-11-21T22:54:39-03:00 x",        "2026-11-21 22:54:39", 25 }, /* as printed */
		{ "2026-11-21T22:54:39Z",               "2026-11-21 22:54:39", 20 },
		{ "2026-11-21 22:54:39 1xUtyh-x",       "2026-11-21 22:54:39", 19 },
		{ "2026-11-21 22:54:39.123 1xUtyh",     "2026-11-21 22:54:39", 23 },
		{ "2026-11-21 22:54:39 +0000 1xU",      "2026-11-21 22:54:39", 25 },
		{ "2026-12-31T23:59:60Z",               "2026-12-31 23:59:59", 20 }, /* leap second */
		{ "Nov 31 22:54:39 vm x",               NULL, 0 },
		{ "Nov 21 24:00:00 vm x",               NULL, 0 },
		{ "Nov 21 22:60:39 vm x",               NULL, 0 },
		{ "Nov 21 22:54:61 vm x",               NULL, 0 },
		{ "Nov 21 22.54.39 vm x",               NULL, 0 },
		{ "Nox 21 22:54:39 vm x",               NULL, 0 },
		{ "2026-02-30T22:54:39Z",               NULL, 0 },
		{ "2026-11-21X22:54:39Z",               NULL, 0 },
		{ "2026-11-21",                         NULL, 0 },
		{ "Nov 21 22:5",                        NULL, 0 },
		{ "",                                   NULL, 0 },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct stamp_clock clock = { .newest = NOV22 };
		int64_t at = 0;
		char got[32];

		assert_int_equal(stamp_read(&clock, slice_of(rows[i].text), &at), rows[i].len);
		if (!rows[i].len)
			continue;
		text_of(at, got);
		assert_string_equal(got, rows[i].want);
		/* The second line of the same minute goes the short way and says the same. */
		int64_t again = 0;
		assert_int_equal(stamp_read(&clock, slice_of(rows[i].text), &again), rows[i].len);
		assert_int_equal(again, at);
	}
}

static void the_year_turns_between_lines(void **state)
{
	static const struct {
		const char *text, *want;
	} story[] = {
		{ "Dec 31 23:59:59 vm x", "2025-12-31 23:59:59" },
		{ "Jan  1 00:00:00 vm x", "2026-01-01 00:00:00" },
		{ "Dec 31 23:59:59 vm late", "2025-12-31 23:59:59" },
		{ "Jan  1 00:00:01 vm x", "2026-01-01 00:00:01" },
		{ "Nov  1 00:00:01 vm x",
		  "2025-11-01 00:00:01" }, /* ten months forth is two back */
		{ "2026-06-01T00:00:00Z", "2026-06-01 00:00:00" },
		{ "Jun  2 00:00:00 vm x",
		  "2026-06-02 00:00:00" }, /* a written year sets the rest */
	};
	struct stamp_clock clock = { .newest = NOV22 };
	(void)state;

	for (size_t i = 0; i < sizeof(story) / sizeof(*story); i++) {
		int64_t at = 0;
		char got[32];

		assert_true(stamp_read(&clock, slice_of(story[i].text), &at) > 0);
		text_of(at, got);
		assert_string_equal(got, story[i].want);
	}
}

static void the_repeated_hour_of_summer_time_stays_on_its_day(void **state)
{
	/* Brazil turned its clocks at midnight: 23:59:59, then 23:00:00 of the same date. */
	struct stamp_clock clock = { .newest = NOV22 };
	int64_t a = 0, b = 0, c = 0;
	(void)state;

	assert_true(stamp_read(&clock, slice_of("Feb 18 23:59:59 vm x"), &a) > 0);
	assert_true(stamp_read(&clock, slice_of("Feb 18 23:00:00 vm x"), &b) > 0);
	assert_true(stamp_read(&clock, slice_of("Feb 19 00:00:00 vm x"), &c) > 0);
	assert_int_equal(a / STAMP_DAY_S, b / STAMP_DAY_S);
	assert_int_equal(c / STAMP_DAY_S, a / STAMP_DAY_S + 1);
	assert_int_equal(b, a - 3599);
}

static int32_t brasilia(int64_t utc_s)
{
	(void)utc_s;
	return -3 * 3600;
}

static void a_named_zone_moves_to_the_local_one(void **state)
{
	struct stamp_clock clock = { .newest = NOV22, .offset = brasilia };
	int64_t at = 0;
	char got[32];
	(void)state;

	for (int twice = 0; twice < 2; twice++) {
		assert_true(stamp_read(&clock, slice_of("2026-11-22T01:30:00.5Z x"), &at) > 0);
		text_of(at, got);
		assert_string_equal(got, "2026-11-21 22:30:00");
	}
	assert_true(stamp_read(&clock, slice_of("2026-11-22T01:30:00-03:00 x"), &at) > 0);
	text_of(at, got);
	assert_string_equal(got, "2026-11-22 01:30:00");
	assert_true(stamp_read(&clock, slice_of("Nov 22 01:30:00 vm x"), &at) > 0);
	text_of(at, got);
	assert_string_equal(got, "2026-11-22 01:30:00"); /* no zone named: local already */
}

static void days_and_dates_go_there_and_back(void **state)
{
	(void)state;
	for (int64_t d = -800000; d < 800000; d += 13) {
		int y;
		unsigned m, day;

		stamp_date(d, &y, &m, &day);
		assert_int_equal(stamp_days(y, m, day), d);
	}
	int64_t d;
	assert_true(stamp_day_parse(SLICE("2026-11-22"), &d) && d == NOV22 / STAMP_DAY_S);
	assert_false(stamp_day_parse(SLICE("2026-02-29"), &d));
	assert_false(stamp_day_parse(SLICE("2026-1-22"), &d));
	assert_false(stamp_day_parse(SLICE("2026-11-22x"), &d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_read),
		cmocka_unit_test(the_year_turns_between_lines),
		cmocka_unit_test(the_repeated_hour_of_summer_time_stays_on_its_day),
		cmocka_unit_test(a_named_zone_moves_to_the_local_one),
		cmocka_unit_test(days_and_dates_go_there_and_back),
	};

	return cmocka_run_group_tests_name("stamp", tests, NULL, NULL);
}
