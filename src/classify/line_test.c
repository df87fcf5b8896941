/* SPDX-License-Identifier: BSD-2-Clause */
#include "classify/line.h"

#include <stdlib.h>

#include "base/cmocka.h"

#define KEY  0x1234567u
#define NOON ((int64_t)20000 * 86400) /* a half-day boundary */

static void call(struct line *l, int64_t at_s, uint32_t server, uint16_t port,
		 enum contact_outcome outcome)
{
	struct contact c = {
		.other = { .bits = server, .family = FAMILY_V4 },
		.port = port,
		.outcome = outcome,
	};

	line_note(l, &c, KEY, 0, (struct wall){ at_s });
}

static struct line_figures at(const struct line *l, int64_t s)
{
	return line_figures(l, (struct wall){ s });
}

static void sketches_count_within_their_error(void **state)
{
	(void)state;
	for (unsigned n = 0; n <= 256; n = n < 8 ? n + 1 : n * 2) {
		double worst = 0;

		for (unsigned trial = 0; trial < 50; trial++) {
			struct line l;

			line_init(&l);
			for (unsigned i = 0; i < n; i++)
				call(&l, NOON, trial * 1000003 + i * 7919, 25, CONTACT_UNKNOWN);
			double got = at(&l, NOON).servers_day;
			worst += (got - n) / (n ? n : 1);
		}
		/* the mean error is small; one line's may reach a tenth */
		assert_true(worst / 50 < 0.06 && worst / 50 > -0.06);
	}
}

static void a_window_is_never_longer_than_it_says(void **state)
{
	struct line l;
	(void)state;

	line_init(&l);
	call(&l, NOON, 1, 25, CONTACT_FAILED);
	assert_int_equal(at(&l, NOON + 43199).servers_day, 1);
	assert_int_equal(at(&l, NOON + 86399).servers_day, 1);
	assert_int_equal(at(&l, NOON + 86400).servers_day, 0);
	assert_int_equal(at(&l, NOON + 86400).attempts, 0);
	assert_int_equal(at(&l, NOON + 86400).servers_week, 1);
	assert_int_equal(at(&l, NOON + 7 * 86400).servers_week, 0);
	/* after a long silence nothing of the half before is left */
	call(&l, NOON + 3 * 86400, 2, 25, CONTACT_FAILED);
	assert_int_equal(at(&l, NOON + 3 * 86400).servers_day, 1);
	/* looking changes nothing */
	assert_int_equal(at(&l, NOON + 3 * 86400).servers_day, 1);
}

static void seven_straight_failures_convict(void **state)
{
	struct line l;
	(void)state;

	line_init(&l);
	for (uint32_t i = 0; i < 6; i++)
		call(&l, NOON, i, 25, CONTACT_FAILED);
	assert_true(at(&l, NOON).suspicion < 9.2f);
	call(&l, NOON, 0, 25, CONTACT_FAILED); /* the same server again is no news */
	assert_true(at(&l, NOON).suspicion < 9.2f);
	call(&l, NOON, 77, 25, CONTACT_UNKNOWN); /* nor is what nobody saw */
	assert_true(at(&l, NOON).suspicion < 9.2f);
	call(&l, NOON, 6, 25, CONTACT_FAILED);
	assert_true(at(&l, NOON).suspicion >= 9.2f);
}

static void successes_acquit_and_do_not_pile_up(void **state)
{
	struct line l;
	(void)state;

	line_init(&l);
	for (uint32_t i = 0; i < 40; i++)
		call(&l, NOON, i * 31, 25, CONTACT_ESTABLISHED);
	assert_true(at(&l, NOON).suspicion > -4.7f);
	/* a machine infected later is convicted as fast as any other, to within an acquittal */
	for (uint32_t i = 0; i < 12; i++)
		call(&l, NOON, 1000003 + i * 7919, 25, CONTACT_FAILED);
	assert_true(at(&l, NOON).suspicion >= 9.2f);
}

static void the_provider_is_where_mail_is_fetched(void **state)
{
	struct line l;
	(void)state;

	line_init(&l);
	call(&l, NOON, 5, 25, CONTACT_ESTABLISHED);
	call(&l, NOON, 6, 993, CONTACT_ESTABLISHED);
	assert_false(at(&l, NOON).fetches_there);
	call(&l, NOON, 5, 110, CONTACT_ESTABLISHED);
	assert_true(at(&l, NOON).fetches_there);
	assert_int_equal(at(&l, NOON).submissions, 0);
	call(&l, NOON, 5, 465, CONTACT_ESTABLISHED);
	call(&l, NOON, 5, 587, CONTACT_ESTABLISHED);
	assert_int_equal(at(&l, NOON).submissions, 2);
}

static void regular_gaps_show(void **state)
{
	struct line l, m;
	(void)state;

	line_init(&l);
	line_init(&m);
	for (int i = 0; i < 12; i++) {
		call(&l, NOON + i * 3600, 5, 25, CONTACT_ESTABLISHED);
		call(&m, NOON + i * i * 300, 5, 25, CONTACT_ESTABLISHED);
		if (i == 3)
			assert_true(at(&l, NOON + 11000).gap_variation < 0); /* too few */
	}
	assert_true(at(&l, NOON + 43000).gap_variation >= 0);
	assert_true(at(&l, NOON + 43000).gap_variation < 0.05f);
	assert_true(at(&m, NOON + 43000).gap_variation > 0.3f);
	assert_int_equal(at(&l, NOON + 43000).hours, 12);
	assert_int_equal(at(&l, NOON + 43000).days, 1);
}

static void bursts_are_counted_by_the_quarter(void **state)
{
	struct line l;
	(void)state;

	line_init(&l);
	for (int i = 0; i < 20; i++)
		call(&l, NOON + (i < 12 ? 0 : 900), 5, 25, CONTACT_ESTABLISHED);
	assert_int_equal(at(&l, NOON + 900).connections_quarter, 12);
	for (int i = 0; i < 300; i++)
		call(&l, NOON + 3600, 5, 25, CONTACT_ESTABLISHED);
	assert_int_equal(at(&l, NOON + 3600).connections_quarter,
			 255); /* saturates, does not wrap */
	assert_int_equal(at(&l, NOON + 3600).attempts, 320);
}

static void inbound_calls_make_a_server_not_a_client(void **state)
{
	struct line l;
	(void)state;

	line_init(&l);
	for (uint32_t i = 0; i < 6; i++) {
		struct contact c = { .other = { .bits = i * 7919, .family = FAMILY_V4 },
				     .port = 25,
				     .inbound = true,
				     .outcome = i < 5 ? CONTACT_ESTABLISHED : CONTACT_FAILED };

		line_note(&l, &c, KEY, 0, (struct wall){ NOON });
	}
	assert_true(at(&l, NOON).inbound_peers >= 4 && at(&l, NOON).inbound_peers <= 6);
	assert_int_equal(at(&l, NOON).attempts, 0);
}

static void exchangers_are_counted_within_the_hour(void **state)
{
	struct line l;
	(void)state;

	line_init(&l);
	for (uint64_t i = 0; i < 30; i++)
		line_note_exchanger(&l, i * 0x9e3779b97f4a7c15u >> 7, (struct wall){ NOON });
	assert_true(at(&l, NOON).exchangers >= 20);
	assert_int_equal(at(&l, NOON + 3600).exchangers, 0);
	for (uint32_t i = 0; i < 5; i++)
		call(&l, NOON + 3600, i * 7919, 25, CONTACT_ESTABLISHED);
	assert_int_equal(at(&l, NOON + 3600).servers_hour, 5);
	assert_int_equal(at(&l, NOON + 7200).servers_hour, 0);
}

static void time_running_backwards_counts_as_now(void **state)
{
	struct line l;
	(void)state;

	line_init(&l);
	call(&l, NOON + 86400, 1, 25, CONTACT_ESTABLISHED);
	call(&l, NOON - 86400, 2, 25, CONTACT_ESTABLISHED);
	assert_int_equal(at(&l, NOON + 86400).servers_day, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sketches_count_within_their_error),
		cmocka_unit_test(a_window_is_never_longer_than_it_says),
		cmocka_unit_test(seven_straight_failures_convict),
		cmocka_unit_test(successes_acquit_and_do_not_pile_up),
		cmocka_unit_test(the_provider_is_where_mail_is_fetched),
		cmocka_unit_test(regular_gaps_show),
		cmocka_unit_test(bursts_are_counted_by_the_quarter),
		cmocka_unit_test(inbound_calls_make_a_server_not_a_client),
		cmocka_unit_test(exchangers_are_counted_within_the_hour),
		cmocka_unit_test(time_running_backwards_counts_as_now),
	};

	return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
