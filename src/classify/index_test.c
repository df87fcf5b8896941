/* SPDX-License-Identifier: BSD-2-Clause */
#include "classify/index.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"
#include "classify/keyset.h"

#define D0 20000

static uint64_t mix(uint64_t v)
{
	v = (v + 1) * 0x9e3779b97f4a7c15ULL;
	return v ^ (v >> 29);
}

static void note(struct index *x, uint64_t user, int64_t day, unsigned bucket, uint64_t key)
{
	assert_true(index_note(x, mix(user), D0 + day, bucket, mix(key)) >= 0);
}

/* One user's story and whether it counts as migrated at the end of the window. */
static void one_user_is_migrated_or_not(void **state)
{
	static const struct {
		const char *why;
		int quiet;
		struct {
			int day;
			unsigned channel;
		} sent[6]; /* ends with day -1 */
		bool migrated, worst;
	} rows[] = {
		/* clang-format off */
		{ "always on 587",                 14, { { 0, CHANNEL_587 }, { 29, CHANNEL_587 }, { -1, 0 } }, true, true },
		{ "always on 25",                  14, { { 0, CHANNEL_LEGACY25 }, { 29, CHANNEL_LEGACY25 }, { -1, 0 } }, false, false },
		{ "moved, and 14 quiet days",      14, { { 15, CHANNEL_LEGACY25 }, { 16, CHANNEL_465 }, { -1, 0 } }, true, true },
		{ "moved, 13 quiet days",          14, { { 16, CHANNEL_LEGACY25 }, { 17, CHANNEL_465 }, { -1, 0 } }, false, false },
		{ "one message takes it back",     14, { { 0, CHANNEL_587 }, { 20, CHANNEL_LEGACY25 }, { 21, CHANNEL_587 }, { -1, 0 } }, false, false },
		{ "left 25, and sent nothing new", 14, { { 0, CHANNEL_LEGACY25 }, { -1, 0 } }, false, false },
		{ "new way only before 25",        14, { { 0, CHANNEL_587 }, { 1, CHANNEL_LEGACY25 }, { -1, 0 } }, false, false },
		{ "both on one day: 25 counts",    14, { { 0, CHANNEL_587 }, { 0, CHANNEL_LEGACY25 }, { -1, 0 } }, false, false },
		{ "phone on 465, office on 25",    14, { { 28, CHANNEL_465 }, { 28, CHANNEL_LEGACY25 }, { 29, CHANNEL_465 }, { -1, 0 } }, false, false },
		{ "webmail only",                  14, { { 3, CHANNEL_WEBMAIL }, { -1, 0 } }, true, true },
		{ "another way that is not 25",    14, { { 3, CHANNEL_OTHER }, { -1, 0 } }, true, true },
		{ "nobody knows how",              14, { { 3, CHANNEL_UNCLASSIFIED }, { -1, 0 } }, false, false },
		{ "587 and something unknown",     14, { { 3, CHANNEL_587 }, { 29, CHANNEL_UNCLASSIFIED }, { -1, 0 } }, true, false },
		{ "unknown long ago",              14, { { 3, CHANNEL_UNCLASSIFIED }, { 4, CHANNEL_587 }, { -1, 0 } }, true, true },
		{ "no quiet days wanted: all bar",  0, { { 0, CHANNEL_LEGACY25 }, { 16, CHANNEL_465 }, { -1, 0 } }, false, false },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		own(index) struct index *x = NULL;
		struct index_result r;
		struct index_window w = { D0, D0 + 29, rows[i].quiet };

		assert_int_equal(index_new(&x), 0);
		for (int k = 0; k < 6 && rows[i].sent[k].day >= 0; k++)
			note(x, 1, rows[i].sent[k].day, rows[i].sent[k].channel, (uint64_t)k);
		index_query(x, w, &r);
		if (r.migrated != rows[i].migrated || r.migrated_worst != rows[i].worst)
			print_message("%s\n", rows[i].why);
		assert_int_equal(r.active, 1);
		assert_int_equal(r.migrated, rows[i].migrated);
		assert_int_equal(r.migrated_worst, rows[i].worst);
		assert_int_equal(index_user(x, w, mix(1)).migrated, rows[i].migrated);
	}
}

static void a_message_counts_once(void **state)
{
	own(index) struct index *x = NULL;
	struct index_result r;
	(void)state;

	assert_int_equal(index_new(&x), 0);
	for (int copy = 0; copy < 3; copy++)
		for (uint64_t m = 0; m < 1000; m++)
			note(x, m % 10, 0, CHANNEL_587, m);
	assert_int_equal(index_note(x, mix(1), D0, CHANNEL_465, 0), 1); /* zero is a key too */
	assert_int_equal(index_note(x, mix(1), D0, CHANNEL_465, 0), 0);
	index_query(x, (struct index_window){ D0, D0, 14 }, &r);
	assert_int_equal(r.messages[CHANNEL_587], 1000);
	assert_int_equal(r.messages[CHANNEL_465], 1);
	assert_int_equal(r.by_channel[CHANNEL_587], 10);
	assert_int_equal(r.active, 10);
}

static void a_plain_tag_is_25_only_once_the_source_has_tags(void **state)
{
	own(index) struct index *x = NULL;
	struct index_result r;
	unsigned bare, never;
	(void)state;

	assert_int_equal(index_new(&x), 0);
	assert_int_equal(index_source(x, 77, &bare), 0);
	assert_int_equal(index_source(x, 78, &never), 0);
	assert_int_equal(index_source_tagged(x, 77, D0 + 5), 0);
	assert_int_equal(index_source_tagged(x, 77, D0 + 6), 0);
	note(x, 1, 4, bare, 1);
	note(x, 2, 5, bare, 2);
	note(x, 3, 6, bare, 3);
	note(x, 4, 6, never, 4);
	index_query(x, (struct index_window){ D0, D0 + 9, 14 }, &r);
	assert_int_equal(r.messages[CHANNEL_LEGACY25], 2);
	assert_int_equal(r.messages[CHANNEL_UNCLASSIFIED], 2);
	assert_int_equal(r.untagged_messages, 4);
	assert_int_equal(r.by_channel[CHANNEL_LEGACY25], 2);
	assert_int_equal(r.active, 4);
	assert_int_equal(r.known, 2);
}

static void the_base_counts_those_who_never_send(void **state)
{
	own(index) struct index *x = NULL;
	struct index_result r;
	(void)state;

	assert_int_equal(index_new(&x), 0);
	for (uint64_t u = 0; u < 100; u++)
		assert_int_equal(index_base_add(x, mix(u)), 0);
	assert_int_equal(index_base_add(x, mix(5)), 0); /* listed twice */
	note(x, 1, 0, CHANNEL_587, 1);
	note(x, 2, 0, CHANNEL_WEBMAIL, 2);
	note(x, 3, 0, CHANNEL_LEGACY25, 3);
	note(x, 500, 0, CHANNEL_465, 4);
	index_query(x, (struct index_window){ D0, D0, 14 }, &r);
	assert_true(r.base_given);
	assert_int_equal(r.base, 100);
	assert_int_equal(r.base_active, 3);
	assert_int_equal(r.base_migrated, 2);
	assert_int_equal(r.base_webmail_only, 1);
	assert_int_equal(r.outside_base, 1);
	assert_int_equal(r.active, 4);
}

/* The plain way to say the same, for comparing. */
enum { USERS = 20000, DAYS = 40 };
static uint8_t plain[USERS][DAYS];

static void plain_query(struct index_window w, struct index_result *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (int u = 0; u < USERS; u++) {
		int used = 0, last25 = -1, last_new = -1, last_worst = -1;
		for (int d = (int)(w.from - D0); d <= w.to - D0; d++) {
			int m = plain[u][d];
			used |= m;
			if (m & 1)
				last25 = d;
			if (m & (1 | 1 << CHANNEL_UNCLASSIFIED))
				last_worst = d;
			if (m & 0x1e)
				last_new = d;
		}
		ret->active += used != 0;
		ret->known += (used & 0x1f) != 0;
		for (int c = 0; c < CHANNEL_COUNT_; c++)
			ret->by_channel[c] += (used >> c) & 1;
		int bar = (int)(w.to - D0 - w.quiet_days);
		ret->migrated += last_new > last25 && (last25 < 0 || last25 <= bar);
		ret->migrated_worst +=
		    last_new > last_worst && (last_worst < 0 || last_worst <= bar);
	}
}

static void exact_against_the_plain_way_and_in_two_halves(void **state)
{
	own(index) struct index *whole = NULL;
	own(index) struct index *even = NULL;
	own(index) struct index *odd = NULL;
	(void)state;

	assert_int_equal(index_new(&whole), 0);
	assert_int_equal(index_new(&even), 0);
	assert_int_equal(index_new(&odd), 0);
	srand(25);
	for (uint64_t k = 0; k < 150000; k++) {
		unsigned u = (unsigned)rand() % USERS, d = (unsigned)rand() % DAYS;
		unsigned c = (unsigned)rand() % 100;
		c = c < 5 ? CHANNEL_UNCLASSIFIED : c < 15 ? CHANNEL_LEGACY25 : c % 4 + 1;
		plain[u][d] |= (uint8_t)(1 << c);
		note(whole, u, d, c, k);
		note(k & 1 ? odd : even, u, d, c, k);
		if (k % 3 == 0)
			note(k & 1 ? even : odd, u, d, c, k); /* both saw it */
	}
	assert_int_equal(index_merge(even, odd), 0);

	for (int from = 0; from < DAYS; from += 13) {
		struct index_window w = { D0 + from, D0 + DAYS - 1 - from / 3, 14 };
		struct index_result a, b, c;

		index_query(whole, w, &a);
		index_query(even, w, &b);
		plain_query(w, &c);
		assert_memory_equal(&a, &b, sizeof(a));
		memcpy(c.messages, a.messages, sizeof(c.messages));
		assert_memory_equal(&a, &c, sizeof(a));
	}
}

static void limits_are_errors_not_crashes(void **state)
{
	own(index) struct index *x = NULL;
	unsigned bucket;
	int r = 0;
	(void)state;

	assert_int_equal(index_new(&x), 0);
	for (int i = 0; i < INDEX_DAYS_MAX; i++)
		note(x, 1, i * 3 % INDEX_DAYS_MAX, CHANNEL_587, 1);
	r = index_note(x, mix(1), INT64_MIN / 86400, CHANNEL_587, 1);
	for (int i = 0; r >= 0 && i < 3; i++)
		r = index_note(x, mix(1), D0 + INDEX_DAYS_MAX + i, CHANNEL_587, 1);
	assert_int_equal(r, -ENOSPC);
	for (uint64_t i = 0; i < INDEX_SOURCES_MAX; i++)
		assert_int_equal(index_source(x, i, &bucket), 0);
	assert_int_equal(index_source(x, 12345, &bucket), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_user_is_migrated_or_not),
		cmocka_unit_test(a_message_counts_once),
		cmocka_unit_test(a_plain_tag_is_25_only_once_the_source_has_tags),
		cmocka_unit_test(the_base_counts_those_who_never_send),
		cmocka_unit_test(exact_against_the_plain_way_and_in_two_halves),
		cmocka_unit_test(limits_are_errors_not_crashes),
	};

	return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
