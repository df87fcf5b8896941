/* SPDX-License-Identifier: BSD-2-Clause */
#include "decide/explain.h"

#include <string.h>

#include "base/cmocka.h"

static const struct wall now = { 1800000000 };

static const char text[] =
    "operator: {name: x}\n"
    "segments:\n"
    "  - name: homes\n" /* 3 */
    "    kind: residential\n"
    "    place: Beira\n"
    "    prefixes:\n"
    "      - 192.0.2.0/24\n" /* 7 */
    "      - 2001:db8::/32\n"
    "  - {name: quiet, kind: residential, mode: drop, inbound: yes,\n"
    "     prefixes: [198.51.100.0/25]}\n" /* 10 */
    "  - {name: trial, kind: residential, mode: monitor,\n"
    "     prefixes: [198.51.100.128/25]}\n" /* 12 */
    "  - {name: later, kind: residential, mode: off, prefixes: [203.0.113.0/25]}\n"
    "  - {name: shops, kind: business, prefixes: [192.0.2.64/26]}\n"
    "smarthosts: [{name: relay, prefixes: [203.0.113.200]}]\n";

static const struct exception exceptions[] = {
	{ .id = 4, .until = { 1799999999 }, .reason = "over" },
	{ .id = 5, .until = { 1800086400 }, .reason = "own mail server" },
};
static const struct restriction restrictions[] = {
	{ .id = 9, .until = { 1800003600 }, .mode = MODE_DROP, .reason = "bot, case 31" },
};

struct scene {
	struct plan *plan;
	struct exception exceptions[2];
	struct restriction restrictions[1];
	struct compile_input in;
	struct ruleset *rs;
};

static int set_up(void **state)
{
	static struct scene s;
	struct why why = { 0 };

	assert_int_equal(plan_parse(text, strlen(text), "plan.yaml", &s.plan, NULL, &why), 0);
	memcpy(s.exceptions, exceptions, sizeof(exceptions));
	memcpy(s.restrictions, restrictions, sizeof(restrictions));
	prefix_parse("192.0.2.9", &s.exceptions[0].prefix);
	prefix_parse("192.0.2.9", &s.exceptions[1].prefix);
	prefix_parse("192.0.2.70", &s.restrictions[0].prefix);
	s.in = (struct compile_input){ s.plan, s.exceptions, 2, s.restrictions, 1 };
	assert_int_equal(compile(&s.in, now, &s.rs, &why), 0);
	*state = &s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	plan_free(s->plan);
	ruleset_free(s->rs);
	return 0;
}

static struct question asked(const char *address, unsigned port, const char *to)
{
	struct question q = { .port = (uint16_t)port, .to_given = to != NULL };

	assert_true(addr_parse(address, &q.address));
	if (to)
		assert_true(addr_parse(to, &q.to));
	return q;
}

/* clang-format off */
static const struct {
	const char *address;
	unsigned port;
	const char *to;
	enum verdict verdict;
	unsigned line;
	const char *sentence;
} rows[] = {
	{ "192.0.2.7", 25, NULL, VERDICT_REJECT, 7,
	  "192.0.2.7 is refused port 25: segment 'homes' (residential, dynamic, Beira) is closed in mode reject: "
	  "a TCP reset answers each attempt at once. Smarthosts stay open to it." },
	{ "2001:db8::7", 25, "2001:db9::25", VERDICT_REJECT, 8,
	  "2001:db8::7 is refused port 25 of 2001:db9::25: segment 'homes' (residential, dynamic, Beira) is closed "
	  "in mode reject: a TCP reset answers each attempt at once." },
	{ "192.0.2.7", 587, NULL, VERDICT_PASS, 0,
	  "192.0.2.7 may use port 587: that is the submission port, and Porteiro never touches it, whatever the "
	  "plan says." },
	{ "192.0.2.7", 465, "203.0.113.200", VERDICT_PASS, 0,
	  "192.0.2.7 may use port 465: that is the submission port, and Porteiro never touches it, whatever the "
	  "plan says." },
	{ "192.0.2.7", 2525, NULL, VERDICT_PASS, 0,
	  "192.0.2.7 may use port 2525: Porteiro can refuse nothing but TCP port 25." },
	{ "192.0.2.7", 25, "203.0.113.200", VERDICT_PASS, 15,
	  "192.0.2.7 may use port 25 of 203.0.113.200: that is the smarthost 'relay', which stays open to everyone." },
	{ "198.51.100.1", 25, "8.8.8.8", VERDICT_DROP, 10,
	  "198.51.100.1 is refused port 25 of 8.8.8.8: segment 'quiet' (residential, dynamic) is closed in mode "
	  "drop: attempts get no answer." },
	{ "198.51.100.200", 25, NULL, VERDICT_MONITOR, 12,
	  "198.51.100.200 may use port 25: segment 'trial' (residential, dynamic) is closed in mode monitor, which "
	  "only counts what it would refuse. Smarthosts stay open to it." },
	{ "203.0.113.1", 25, NULL, VERDICT_PASS, 13,
	  "203.0.113.1 may use port 25: segment 'later' (residential, dynamic) is closed, but its mode is off, so "
	  "nothing is refused yet." },
	{ "192.0.2.65", 25, NULL, VERDICT_PASS, 14,
	  "192.0.2.65 may use port 25: segment 'shops' (business, fixed) is open." },
	{ "8.8.8.8", 25, NULL, VERDICT_PASS, 0,
	  "8.8.8.8 may use port 25: no segment holds it, and what no segment holds is left alone." },
	{ "8.8.8.8", 25, "198.51.100.2", VERDICT_DROP, 10,
	  "8.8.8.8 is refused port 25 of 198.51.100.2: segment 'quiet' (residential, dynamic) is closed "
	  "inbound in mode drop: attempts get no answer." },
	{ "192.0.2.9", 25, NULL, VERDICT_PASS, 7,
	  "192.0.2.9 may use port 25: an exception lets it, although segment 'homes' (residential, dynamic, Beira) "
	  "is closed. Exception 5 holds until 2027-01-16T08:00:00Z: own mail server." },
	{ "192.0.2.70", 25, NULL, VERDICT_DROP, 14,
	  "192.0.2.70 is refused port 25: the line is restricted in mode drop: attempts get no answer, until "
	  "2027-01-15T09:00:00Z. Restriction 9: bot, case 31. Smarthosts stay open to it." },
};
/* clang-format on */

static void every_cause_has_its_sentence(void **state)
{
	const struct scene *s = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct question q = asked(rows[i].address, rows[i].port, rows[i].to);
		struct explanation e = explain(&s->in, s->rs, &q, now);

		assert_string_equal(e.sentence, rows[i].sentence);
		assert_int_equal(e.verdict, rows[i].verdict);
		assert_int_equal(e.line, rows[i].line);
	}
}

static struct addr random_addr(unsigned *seed)
{
	static const char *const near[] = { "192.0.2.0",      "192.0.2.64",  "198.51.100.0",
					    "198.51.100.128", "203.0.113.0", "8.8.8.0" };
	struct addr a;

	*seed = *seed * 1664525 + 1013904223;
	assert_true(addr_parse(near[(*seed >> 8) % 6], &a));
	a.bits += (*seed >> 16) % 256;
	return a;
}

/* The sentence may be wrong in taste, not in fact: the verdict is the reference's. */
static void the_verdict_is_that_of_the_reference(void **state)
{
	const struct scene *s = *state;
	unsigned seed = 25, refused = 0;

	for (int i = 0; i < 20000; i++) {
		struct question q = { .port = i % 8 ? SMTP_PORT : 587, .to_given = true };

		q.address = random_addr(&seed);
		q.to = random_addr(&seed);
		struct packet p = { .kind = PACKET_TCP,
				    .src = q.address,
				    .dst = q.to,
				    .port_known = true,
				    .dport = q.port,
				    .syn = true };
		struct judgement j = verdict_of(s->rs, &p, SIDE_SUBSCRIBER, now);
		struct explanation e = explain(&s->in, s->rs, &q, now);

		assert_int_equal(e.verdict, j.verdict);
		refused += e.verdict > VERDICT_MONITOR;
		assert_true((strstr(e.sentence, " is refused port 25") != NULL) ==
			    (e.verdict > VERDICT_MONITOR));
	}
	assert_in_range(refused, 1000, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cause_has_its_sentence),
		cmocka_unit_test(the_verdict_is_that_of_the_reference),
	};

	return cmocka_run_group_tests_name("explain", tests, set_up, tear_down);
}
