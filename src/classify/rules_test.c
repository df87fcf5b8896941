/* SPDX-License-Identifier: BSD-2-Clause */
/* Each rule has a row in which it alone tips the balance, and a row just short of it. */
#include "classify/rules.h"

#include "base/cmocka.h"

#define SERVER(peers_, days_)                                                         \
	.inbound_peers = peers_, .days = days_, .servers_day = 9, .servers_week = 40, \
	.outcomes = 100
#define CLIENT \
	.servers_day = 1, .servers_week = 1, .attempts = 3, .outcomes = 3, .gap_variation = -1

static void every_rule_decides_once(void **state)
{
	static const struct {
		const char *why;
		struct line_figures f;
		bool excepted;
		enum line_class class;
		enum line_rule rule;
	} rows[] = {
		/* clang-format off */
		{ "an exception comes first", { .servers_day = 500 }, true, LINE_EXCEPTION, RULE_EXCEPTION },
		{ "a server receives", { SERVER(5, 5), .failed = 29 }, false, LINE_MAIL_SERVER, RULE_RECEIVES_MAIL },
		{ "too few callers", { SERVER(4, 5) }, false, LINE_UNKNOWN, RULE_NONE },
		{ "too few days", { SERVER(5, 4) }, false, LINE_UNKNOWN, RULE_NONE },
		{ "fails too often", { SERVER(5, 5), .failed = 30 }, false, LINE_UNKNOWN, RULE_NONE },
		{ "convicted, and 25 servers", { .suspicion = 9.3f, .servers_day = 25, .servers_week = 25 }, false, LINE_CONFIRMED_BOT, RULE_FAILS_AND_FANS_OUT },
		{ "24 servers are only suspect", { .suspicion = 9.3f, .servers_day = 24, .servers_week = 24 }, false, LINE_SUSPECTED_BOT, RULE_MANY_SERVERS },
		{ "not quite convicted", { .suspicion = 9.1f, .servers_day = 25, .servers_week = 25 }, false, LINE_SUSPECTED_BOT, RULE_MANY_SERVERS },
		{ "100 servers need no failures", { .servers_day = 100, .servers_week = 100 }, false, LINE_CONFIRMED_BOT, RULE_FANS_OUT_WIDELY },
		{ "99 do", { .servers_day = 99, .servers_week = 99 }, false, LINE_SUSPECTED_BOT, RULE_MANY_SERVERS },
		{ "clients need no MX", { .exchangers = 20, .servers_hour = 15, .servers_day = 15, .servers_week = 15 }, false, LINE_CONFIRMED_BOT, RULE_LOOKS_UP_EXCHANGERS },
		{ "MX alone convicts nobody", { .exchangers = 60, .servers_hour = 14, .servers_day = 14, .servers_week = 14 }, false, LINE_SUSPECTED_BOT, RULE_MANY_SERVERS },
		{ "eleven servers", { .servers_day = 11, .servers_week = 11 }, false, LINE_SUSPECTED_BOT, RULE_MANY_SERVERS },
		{ "ten servers", { .servers_day = 10, .servers_week = 10, .gap_variation = -1 }, false, LINE_UNKNOWN, RULE_NONE },
		{ "sixteen calls in a quarter", { .connections_quarter = 16, .servers_week = 4, .gap_variation = -1 }, false, LINE_SUSPECTED_BOT, RULE_MANY_CONNECTIONS },
		{ "fifteen", { .connections_quarter = 15, .servers_week = 4, .gap_variation = -1 }, false, LINE_UNKNOWN, RULE_NONE },
		{ "a mailing to one's own provider", { CLIENT, .connections_quarter = 200, .fetches_there = true }, false, LINE_LEGACY_CLIENT, RULE_OWN_PROVIDER },
		{ "half way to conviction", { .suspicion = 4.7f, .servers_week = 4, .gap_variation = -1 }, false, LINE_SUSPECTED_BOT, RULE_HALF_CONVICTED },
		{ "less than half", { .suspicion = 4.5f, .servers_week = 4, .gap_variation = -1 }, false, LINE_UNKNOWN, RULE_NONE },
		{ "fetches where it sends", { CLIENT, .fetches_there = true }, false, LINE_LEGACY_CLIENT, RULE_OWN_PROVIDER },
		{ "a known provider's host", { CLIENT, .provider = 7 }, false, LINE_LEGACY_CLIENT, RULE_OWN_PROVIDER },
		{ "fetches, but it fails", { CLIENT, .fetches_there = true, .failed = 1 }, false, LINE_UNKNOWN, RULE_NONE },
		{ "like clockwork", { .servers_week = 2, .gap_variation = 0.1f }, false, LINE_DEVICE, RULE_REGULAR_DEVICE },
		{ "not like clockwork", { .servers_week = 2, .gap_variation = 0.3f }, false, LINE_UNKNOWN, RULE_NONE },
		{ "too few gaps to say", { .servers_week = 2, .gap_variation = -1 }, false, LINE_UNKNOWN, RULE_NONE },
		{ "only 587", { .submissions = 1, .gap_variation = -1 }, false, LINE_MIGRATED, RULE_MIGRATED },
		{ "both", { .submissions = 9, .servers_week = 1, .gap_variation = -1 }, false, LINE_UNKNOWN, RULE_NONE },
		{ "nothing", { .gap_variation = -1 }, false, LINE_NO_PORT25, RULE_NOTHING_SEEN },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct finding got =
		    classify_line(&rule_limits_default, &rows[i].f, rows[i].excepted);

		if (got.class != rows[i].class || got.rule != rows[i].rule)
			fail_msg("%s: %s by %s", rows[i].why, line_class_name(got.class),
				 line_rule_name(got.rule));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_decides_once),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
