/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/pair.h"

#include <string.h>

#include "base/cmocka.h"

#define HOME   ((struct addr){ .bits = 0x0a000001, .family = FAMILY_V4 })
#define SERVER ((struct addr){ .bits = 0xc6336401, .family = FAMILY_V4 })

struct heard {
	struct contact got[64];
	size_t count;
};

static void hear(void *arg, const struct contact *c)
{
	struct heard *h = arg;

	assert_true(h->count < 64);
	h->got[h->count++] = *c;
}

static const struct prefix internal = { { .bits = 0x0a000000, .family = FAMILY_V4 }, 8 };

enum { SYN = 1, ACK = 2, RST = 4, DATA = 8 };

static struct packet packet(struct addr src, uint16_t sport, struct addr dst, uint16_t dport,
			    unsigned what)
{
	return (struct packet){ .kind = PACKET_TCP,
				.src = src,
				.dst = dst,
				.sport = sport,
				.dport = dport,
				.port_known = true,
				.syn = what & SYN,
				.ack = what & ACK,
				.rst = what & RST,
				.payload = what & DATA ? 10 : 0 };
}

static void conversations_become_contacts(void **state)
{
	static const struct {
		const char *why;
		struct {
			bool back;
			unsigned what;
			int64_t ms;
		} packets[5];
		uint16_t port;
		int count;
		enum contact_outcome outcome;
		int64_t flushed_ms;
	} rows[] = {
		/* clang-format off */
		{ "answered", { { 0, SYN, 1 }, { 1, SYN | ACK, 2 }, { 0, ACK, 3 }, { 1, ACK | DATA, 4 } }, 25, 1, CONTACT_ESTABLISHED, 10 },
		{ "reset", { { 0, SYN, 1 }, { 1, RST | ACK, 2 } }, 25, 1, CONTACT_FAILED, 10 },
		{ "reset after the answer is an end, not a failure", { { 0, SYN, 1 }, { 1, SYN | ACK, 2 }, { 1, RST, 3 } }, 25, 1, CONTACT_ESTABLISHED, 10 },
		{ "nobody answers", { { 0, SYN, 1 }, { 0, SYN, 1000 }, { 0, SYN, 3000 } }, 25, 1, CONTACT_FAILED, 70000 },
		{ "the capture ends too soon to say", { { 0, SYN, 1 } }, 25, 1, CONTACT_UNKNOWN, 1000 },
		{ "the beginning was missed", { { 0, ACK | DATA, 1 }, { 1, ACK | DATA, 2 } }, 587, 1, CONTACT_ESTABLISHED, 10 },
		{ "only the answer was seen", { { 1, ACK | DATA, 2 } }, 993, 1, CONTACT_ESTABLISHED, 10 },
		{ "a port that does not matter", { { 0, SYN, 1 }, { 1, SYN | ACK, 2 } }, 443, 0, CONTACT_UNKNOWN, 10 },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		own(pair) struct pair *p = NULL;
		struct heard h = { 0 };

		assert_int_equal(pair_new(&internal, 1, 100, hear, &h, &p), 0);
		for (size_t k = 0; k < 5 && rows[i].packets[k].what; k++) {
			bool back = rows[i].packets[k].back;
			struct packet q = packet(back ? SERVER : HOME, back ? rows[i].port : 40000,
						 back ? HOME : SERVER, back ? 40000 : rows[i].port,
						 rows[i].packets[k].what);

			pair_packet(p, &q, rows[i].packets[k].ms);
		}
		pair_flush(p, rows[i].flushed_ms);
		if ((int)h.count != rows[i].count)
			fail_msg("%s: %zu contacts", rows[i].why, h.count);
		if (!h.count)
			continue;
		if (h.got[0].outcome != rows[i].outcome)
			fail_msg("%s: outcome %d", rows[i].why, h.got[0].outcome);
		assert_true(h.got[0].line.bits == HOME.bits && h.got[0].other.bits == SERVER.bits);
		assert_false(h.got[0].inbound);
	}
}

static void calls_from_outside_are_inbound_and_among_lines_none(void **state)
{
	own(pair) struct pair *p = NULL;
	struct heard h = { 0 };
	struct addr neighbour = { .bits = 0x0a000002, .family = FAMILY_V4 };
	(void)state;

	assert_int_equal(pair_new(&internal, 1, 100, hear, &h, &p), 0);
	struct packet in = packet(SERVER, 5000, HOME, 25, SYN);
	struct packet out = packet(HOME, 25, SERVER, 5000, SYN | ACK);
	struct packet near = packet(HOME, 5000, neighbour, 25, SYN);
	pair_packet(p, &in, 1);
	pair_packet(p, &out, 2);
	pair_packet(p, &near, 3);
	pair_flush(p, 4);
	assert_int_equal(h.count, 1);
	assert_true(h.got[0].inbound);
	assert_int_equal(h.got[0].outcome, CONTACT_ESTABLISHED);
}

static void a_full_table_says_unknown_and_counts(void **state)
{
	own(pair) struct pair *p = NULL;
	struct heard h = { 0 };
	(void)state;

	assert_int_equal(pair_new(&internal, 1, 1, hear, &h, &p), 0);
	for (uint16_t i = 0; i < 120; i++) {
		struct packet q = packet(HOME, (uint16_t)(1000 + i), SERVER, 25, SYN);

		h.count = 0;
		pair_packet(p, &q, 1);
	}
	assert_true(pair_overflow(p) >= 120 - 64);
}

static void one_direction_of_a_flow_tells_what_it_can(void **state)
{
	static const struct {
		uint8_t flags;
		uint64_t packets;
		uint32_t sampling;
		uint64_t reverse;
		uint8_t reverse_flags;
		enum contact_outcome want;
	} rows[] = {
		{ 0x02, 3, 1, 0, 0, CONTACT_FAILED },     /* SYNs alone */
		{ 0x02, 1, 1000, 0, 0, CONTACT_UNKNOWN }, /* one of a thousand was looked at */
		{ 0x1b, 20, 1, 0, 0, CONTACT_ESTABLISHED },
		{ 0x18, 1, 1000, 0, 0, CONTACT_ESTABLISHED }, /* data was acknowledged */
		{ 0x06, 2, 1, 0, 0, CONTACT_FAILED },
		{ 0x00, 9, 0, 0, 0, CONTACT_ESTABLISHED }, /* flags not exported */
		{ 0x00, 2, 0, 0, 0, CONTACT_FAILED },
		{ 0x00, 0, 0, 0, 0, CONTACT_UNKNOWN },
		{ 0x02, 1, 1, 1, 0x14, CONTACT_FAILED }, /* biflow: a reset came back */
		{ 0x1a, 5, 1, 5, 0x1a, CONTACT_ESTABLISHED },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		own(pair) struct pair *p = NULL;
		struct heard h = { 0 };
		struct flow_record r = { .src = HOME,
					 .dst = SERVER,
					 .has_addresses = true,
					 .sport = 40000,
					 .dport = 25,
					 .protocol = 6,
					 .start_ms = 5 };

		r.tcp_flags = rows[i].flags;
		r.packets = rows[i].packets;
		r.sampling = rows[i].sampling;
		r.reverse_packets = rows[i].reverse;
		r.reverse_tcp_flags = rows[i].reverse_flags;
		assert_int_equal(pair_new(&internal, 1, 100, hear, &h, &p), 0);
		pair_flow(p, &r);
		assert_int_equal(h.count, 1);
		if (h.got[0].outcome != rows[i].want)
			fail_msg("row %zu: outcome %d", i, h.got[0].outcome);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversations_become_contacts),
		cmocka_unit_test(calls_from_outside_are_inbound_and_among_lines_none),
		cmocka_unit_test(a_full_table_says_unknown_and_counts),
		cmocka_unit_test(one_direction_of_a_flow_tells_what_it_can),
	};

	return cmocka_run_group_tests_name("pair", tests, NULL, NULL);
}
