/* SPDX-License-Identifier: BSD-2-Clause */
#include "decide/verdict.h"

#include <string.h>

#include "base/cmocka.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/*
 * The map of the test: the last byte of 10.0.0.x is the class, 10.0.1.0 is a
 * smarthost, and the class is all there is to an address.
 */
enum {
	NONE,
	OFF,
	MONITOR,
	REJECT,
	DROP,
	REJECT_STRICT,
	DROP_STRICT,
	MONITOR_STRICT,
	IN_MONITOR,
	IN_REJECT,
	IN_DROP,
	IN_REJECT_STRICT,
	OUT_MONITOR_IN_REJECT,
	TIMED, /* drop until 1000, then REJECT */
	CLASSES
};

static struct class classes[CLASSES] = {
	/* clang-format off */
	[NONE]                  = { .cause = CAUSE_NONE },
	[OFF]                   = { .cause = CAUSE_SEGMENT },
	[MONITOR]               = { .cause = CAUSE_SEGMENT, .mode = MODE_MONITOR },
	[REJECT]                = { .cause = CAUSE_SEGMENT, .mode = MODE_REJECT },
	[DROP]                  = { .cause = CAUSE_SEGMENT, .mode = MODE_DROP },
	[REJECT_STRICT]         = { .cause = CAUSE_SEGMENT, .mode = MODE_REJECT, .strict = true },
	[DROP_STRICT]           = { .cause = CAUSE_SEGMENT, .mode = MODE_DROP, .strict = true },
	[MONITOR_STRICT]        = { .cause = CAUSE_SEGMENT, .mode = MODE_MONITOR, .strict = true },
	[IN_MONITOR]            = { .cause = CAUSE_SEGMENT, .inbound = MODE_MONITOR },
	[IN_REJECT]             = { .cause = CAUSE_SEGMENT, .inbound = MODE_REJECT },
	[IN_DROP]               = { .cause = CAUSE_SEGMENT, .inbound = MODE_DROP },
	[IN_REJECT_STRICT]      = { .cause = CAUSE_SEGMENT, .inbound = MODE_REJECT, .strict = true },
	[OUT_MONITOR_IN_REJECT] = { .cause = CAUSE_SEGMENT, .mode = MODE_MONITOR, .inbound = MODE_REJECT },
	[TIMED]                 = { .cause = CAUSE_RESTRICTION, .mode = MODE_DROP, .until = { 1000 }, .under = REJECT },
	/* clang-format on */
};

#define NET 0x0a000000u

static struct interval4 v4[CLASSES + 2];
static struct interval6 v6[] = { { 0, 0 } };
static struct smarthost_range smarthosts[] = {
	{ { NET + 256, FAMILY_V4 }, NET + 256 },
};
static struct ruleset rules = {
	.classes = classes,
	.classes_count = CLASSES,
	.v4 = v4,
	.v4_count = CLASSES + 2,
	.v6 = v6,
	.v6_count = 1,
	.smarthosts = smarthosts,
	.smarthosts_count = 1,
};

static int set_up(void **state)
{
	(void)state;
	v4[0] = (struct interval4){ 0, NONE };
	for (uint32_t c = 0; c < CLASSES; c++)
		v4[c + 1] = (struct interval4){ NET + c, (uint16_t)c };
	v4[CLASSES + 1] = (struct interval4){ NET + CLASSES, NONE };
	return 0;
}

#define SMARTHOST 256
#define SYN       (1 << 0)
#define ACK       (1 << 1)
#define RST       (1 << 2)

/* One packet, by what matters. */
struct row {
	const char *what;
	enum packet_kind kind;
	int dport; /* -1: not known */
	unsigned flags, src, dst;
	enum side side;
	int64_t now;
	enum verdict want;
	uint16_t class;
	bool inbound;
};

static struct judgement judge(const struct row *r)
{
	struct packet p = {
		.kind = r->kind,
		.src = { NET + r->src, FAMILY_V4 },
		.dst = { NET + r->dst, FAMILY_V4 },
		.port_known = r->dport >= 0,
		.dport = (uint16_t)(r->dport < 0 ? 0 : r->dport),
		.syn = r->flags & SYN,
		.ack = r->flags & ACK,
		.rst = r->flags & RST,
	};

	return verdict_of(&rules, &p, r->side, (struct wall){ r->now });
}

#define TCP    PACKET_TCP
#define HIDDEN PACKET_HIDDEN
#define SUB    SIDE_SUBSCRIBER
#define UP     SIDE_UPLINK

static void every_row_of_the_rules(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{ "not our business",            PACKET_OTHER,    25, SYN, DROP, IN_DROP, SUB, 0, VERDICT_PASS, 0, false },
		{ "unparsed passes",             PACKET_UNPARSED, 25, SYN, DROP, IN_DROP, SUB, 0, VERDICT_PASS, 0, false },
		{ "another port",                TCP, 26,  SYN, DROP, IN_DROP, SUB, 0, VERDICT_PASS, 0, false },
		{ "submission",                  TCP, 587, SYN, DROP_STRICT, IN_DROP, SUB, 0, VERDICT_PASS, 0, false },
		{ "fragment of another port",    HIDDEN, 587, 0, DROP, IN_DROP, SUB, 0, VERDICT_PASS, 0, false },
		{ "to a smarthost",              TCP, 25, SYN, DROP, SMARTHOST, SUB, 0, VERDICT_PASS, 0, false },
		{ "hidden, to a smarthost",      HIDDEN, -1, 0, DROP, SMARTHOST, SUB, 0, VERDICT_PASS, 0, false },
		{ "no rule",                     TCP, 25, SYN, NONE, NONE, SUB, 0, VERDICT_PASS, NONE, false },
		{ "open segment",                TCP, 25, SYN, OFF, NONE, SUB, 0, VERDICT_PASS, OFF, false },
		{ "monitor",                     TCP, 25, SYN, MONITOR, NONE, SUB, 0, VERDICT_MONITOR, MONITOR, false },
		{ "reject",                      TCP, 25, SYN, REJECT, NONE, SUB, 0, VERDICT_REJECT, REJECT, false },
		{ "reject SYN and ACK",          TCP, 25, SYN | ACK, REJECT, NONE, SUB, 0, VERDICT_REJECT, REJECT, false },
		{ "drop",                        TCP, 25, SYN, DROP, NONE, SUB, 0, VERDICT_DROP, DROP, false },
		{ "running session goes on",     TCP, 25, ACK, REJECT, NONE, SUB, 0, VERDICT_PASS, REJECT, false },
		{ "strict: it does not",         TCP, 25, ACK, REJECT_STRICT, NONE, SUB, 0, VERDICT_REJECT, REJECT_STRICT, false },
		{ "strict drop",                 TCP, 25, ACK, DROP_STRICT, NONE, SUB, 0, VERDICT_DROP, DROP_STRICT, false },
		{ "strict monitor",              TCP, 25, ACK, MONITOR_STRICT, NONE, SUB, 0, VERDICT_MONITOR, MONITOR_STRICT, false },
		{ "a reset gets no reset",       TCP, 25, RST, REJECT_STRICT, NONE, SUB, 0, VERDICT_DROP, REJECT_STRICT, false },
		{ "nor does SYN with RST",       TCP, 25, SYN | RST, REJECT, NONE, SUB, 0, VERDICT_DROP, REJECT, false },
		{ "hidden port, no rule",        HIDDEN, -1, 0, NONE, NONE, SUB, 0, VERDICT_PASS, NONE, false },
		{ "hidden port, monitor",        HIDDEN, -1, 0, MONITOR, NONE, SUB, 0, VERDICT_MONITOR, MONITOR, false },
		{ "hidden port, reject",         HIDDEN, -1, 0, REJECT, NONE, SUB, 0, VERDICT_DROP, REJECT, false },
		{ "hidden port, drop",           HIDDEN, -1, 0, DROP, NONE, SUB, 0, VERDICT_DROP, DROP, false },
		{ "hidden flags, reject",        HIDDEN, 25, 0, REJECT, NONE, SUB, 0, VERDICT_DROP, REJECT, false },
		{ "hidden port, from outside",   HIDDEN, -1, 0, REJECT, IN_DROP, UP, 0, VERDICT_PASS, 0, true },
		{ "hidden port never inbound",   HIDDEN, -1, 0, OFF, IN_DROP, SUB, 0, VERDICT_PASS, OFF, false },
		{ "hidden flags, inbound",       HIDDEN, 25, 0, NONE, IN_REJECT, UP, 0, VERDICT_DROP, IN_REJECT, true },
		{ "source is not asked outside", TCP, 25, SYN, DROP, NONE, UP, 0, VERDICT_PASS, NONE, true },
		{ "inbound from outside",        TCP, 25, SYN, NONE, IN_REJECT, UP, 0, VERDICT_REJECT, IN_REJECT, true },
		{ "inbound drop",                TCP, 25, SYN, NONE, IN_DROP, UP, 0, VERDICT_DROP, IN_DROP, true },
		{ "inbound monitor",             TCP, 25, SYN, NONE, IN_MONITOR, UP, 0, VERDICT_MONITOR, IN_MONITOR, true },
		{ "inbound, running session",    TCP, 25, ACK, NONE, IN_REJECT, UP, 0, VERDICT_PASS, IN_REJECT, true },
		{ "inbound, strict",             TCP, 25, ACK, NONE, IN_REJECT_STRICT, UP, 0, VERDICT_REJECT, IN_REJECT_STRICT, true },
		{ "between subscribers",         TCP, 25, SYN, OFF, IN_REJECT, SUB, 0, VERDICT_REJECT, IN_REJECT, true },
		{ "outbound before inbound",     TCP, 25, SYN, DROP, IN_REJECT, SUB, 0, VERDICT_DROP, DROP, false },
		{ "and the other way round",     TCP, 25, SYN, REJECT, IN_DROP, SUB, 0, VERDICT_REJECT, REJECT, false },
		{ "refusal before monitor",      TCP, 25, SYN, MONITOR, IN_REJECT, SUB, 0, VERDICT_REJECT, IN_REJECT, true },
		{ "refusal before in-monitor",   TCP, 25, SYN, REJECT, IN_MONITOR, SUB, 0, VERDICT_REJECT, REJECT, false },
		{ "monitor twice is outbound",   TCP, 25, SYN, MONITOR, IN_MONITOR, SUB, 0, VERDICT_MONITOR, MONITOR, false },
		{ "only one of two is strict",   TCP, 25, ACK, DROP, IN_REJECT_STRICT, SUB, 0, VERDICT_REJECT, IN_REJECT_STRICT, true },
		{ "both of one class",           TCP, 25, SYN, OUT_MONITOR_IN_REJECT, OUT_MONITOR_IN_REJECT, SUB, 0, VERDICT_REJECT, OUT_MONITOR_IN_REJECT, true },
		{ "restricted",                  TCP, 25, SYN, TIMED, NONE, SUB, 999, VERDICT_DROP, TIMED, false },
		{ "restriction has ended",       TCP, 25, SYN, TIMED, NONE, SUB, 1000, VERDICT_REJECT, TIMED, false },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct judgement j = judge(&rows[i]);

		if (j.verdict != rows[i].want || j.class != rows[i].class ||
		    j.inbound != rows[i].inbound)
			fail_msg("%s: %s by class %u%s", rows[i].what, verdict_name(j.verdict),
				 j.class, j.inbound ? " inbound" : "");
	}
}

static void verdicts_have_names(void **state)
{
	(void)state;
	assert_string_equal(verdict_name(VERDICT_PASS), "pass");
	assert_string_equal(verdict_name(VERDICT_DROP), "drop");
	assert_string_equal(verdict_name(VERDICT_COUNT_), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_rules),
		cmocka_unit_test(verdicts_have_names),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
