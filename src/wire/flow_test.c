/* SPDX-License-Identifier: BSD-2-Clause */
/* Each test is a mistake that a collector in the field has made, or a way a datagram can lie. */
#include "wire/flow.h"

#include <string.h>

#include "base/cmocka.h"

#define RECORDS_MAX 64

/* A datagram under construction, and what came out of the decoder. */
struct bench {
	struct flow_decoder *d;
	struct flow_record got[RECORDS_MAX];
	size_t got_count;
	uint8_t bytes[4096];
	size_t len, set_at;
	uint32_t sequence, domain;
	bool ipfix;
};

static const struct addr router = { .bits = 0xc0000201, .family = FAMILY_V4 };

static void keep(void *arg, const struct flow_record *r)
{
	struct bench *b = arg;

	assert_true(b->got_count < RECORDS_MAX);
	b->got[b->got_count++] = *r;
}

static void begin_with(struct bench *b, const struct flow_options *o, bool ipfix)
{
	memset(b, 0, sizeof(*b));
	b->ipfix = ipfix;
	b->domain = 1;
	assert_int_equal(flow_decoder_new(o, keep, b, &b->d), 0);
}

static void put(struct bench *b, unsigned bytes, uint64_t n)
{
	while (bytes-- > 0)
		b->bytes[b->len++] = (uint8_t)(n >> (bytes * 8));
}

static void datagram(struct bench *b)
{
	b->len = 0;
	put(b, 2, b->ipfix ? 10 : 9);
	put(b, 2, 0); /* v9: count; IPFIX: length, set in send() */
	if (!b->ipfix)
		put(b, 4, 100000); /* uptime */
	put(b, 4, 1700000000);
	put(b, 4, b->sequence);
	put(b, 4, b->domain);
}

static void set_begin(struct bench *b, uint16_t id)
{
	b->set_at = b->len;
	put(b, 2, id);
	put(b, 2, 0);
}

static void set_end(struct bench *b)
{
	size_t len = b->len - b->set_at;

	b->bytes[b->set_at + 2] = (uint8_t)(len >> 8);
	b->bytes[b->set_at + 3] = (uint8_t)len;
}

static void send(struct bench *b)
{
	if (b->ipfix) {
		b->bytes[2] = (uint8_t)(b->len >> 8);
		b->bytes[3] = (uint8_t)b->len;
	}
	flow_decode(b->d, router, b->bytes, b->len);
}

/* Source, destination, destination port, packets: enough for most stories. */
static void plain_template(struct bench *b, uint16_t id)
{
	static const uint16_t fields[][2] = { { 8, 4 }, { 12, 4 }, { 11, 2 }, { 2, 4 } };

	set_begin(b, b->ipfix ? 2 : 0);
	put(b, 2, id);
	put(b, 2, 4);
	for (size_t i = 0; i < 4; i++) {
		put(b, 2, fields[i][0]);
		put(b, 2, fields[i][1]);
	}
	set_end(b);
}

static void plain_data(struct bench *b, uint16_t id, uint16_t dport)
{
	set_begin(b, id);
	put(b, 4, 0x0a000001);
	put(b, 4, 0xc6336401);
	put(b, 2, dport);
	put(b, 4, 7);
	set_end(b);
}

/* Options: one scope field, then the given pairs of (element, length). */
static void options_template(struct bench *b, uint16_t id, const uint16_t (*pairs)[2], size_t n)
{
	set_begin(b, b->ipfix ? 3 : 1);
	put(b, 2, id);
	put(b, 2, b->ipfix ? n + 1 : 4);
	put(b, 2, b->ipfix ? 1 : n * 4);
	put(b, 2, b->ipfix ? 149 : 1); /* observation domain; System */
	put(b, 2, 4);
	for (size_t i = 0; i < n; i++) {
		put(b, 2, pairs[i][0]);
		put(b, 2, pairs[i][1]);
	}
	set_end(b);
}

static const struct flow_exporter *only(const struct bench *b)
{
	assert_int_equal(flow_exporters(b->d), 1);
	return flow_exporter_at(b->d, 0);
}

static void a_template_and_its_data_in_one_datagram(void **state)
{
	struct bench b;
	(void)state;

	for (int ipfix = 0; ipfix < 2; ipfix++) {
		begin_with(&b, &flow_options_default, ipfix);
		datagram(&b);
		plain_template(&b, 300);
		plain_data(&b, 300, 25);
		send(&b);
		assert_int_equal(b.got_count, 1);
		assert_true(b.got[0].has_addresses && b.got[0].dst.bits == 0xc6336401);
		assert_int_equal(b.got[0].dport, 25);
		assert_int_equal(b.got[0].packets, 7);
		assert_int_equal(b.got[0].sampling, 0); /* never said is not 1:1 */
		assert_int_equal(only(&b)->templates, 1);
		flow_decoder_free(b.d);
	}
}

static void the_same_id_in_two_domains_is_two_templates(void **state)
{
	struct bench b;
	(void)state;

	begin_with(&b, &flow_options_default, false);
	datagram(&b);
	plain_template(&b, 256);
	send(&b);
	b.domain = 2;
	datagram(&b);
	plain_data(&b, 256, 25);
	send(&b);
	assert_int_equal(b.got_count, 0);
	assert_int_equal(flow_exporters(b.d), 2);
	assert_int_equal(flow_exporter_at(b.d, 1)->unknown_template, 1);
	flow_decoder_free(b.d);
}

static void every_documented_way_of_saying_the_rate(void **state)
{
	static const struct {
		uint16_t pairs[2][2];
		size_t n;
		uint32_t values[2];
		uint32_t rate;
	} rows[] = {
		/* clang-format off */
		{ { { 34, 4 } },             1, { 1000 },     1000 },
		{ { { 50, 4 } },             1, { 512 },      512 },
		{ { { 305, 4 }, { 306, 4 } }, 2, { 1, 99 },    100 },
		{ { { 305, 4 }, { 306, 4 } }, 2, { 10, 9990 }, 1000 },
		{ { { 309, 4 }, { 310, 4 } }, 2, { 2, 4096 },  2048 },
		{ { { 305, 4 }, { 306, 4 } }, 2, { 0, 5 },     0 },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int ipfix = 0; ipfix < 2; ipfix++) {
			struct bench b;

			begin_with(&b, &flow_options_default, ipfix);
			datagram(&b);
			plain_template(&b, 300);
			options_template(&b, 301, rows[i].pairs, rows[i].n);
			set_begin(&b, 301);
			put(&b, 4, 1);
			for (size_t v = 0; v < rows[i].n; v++)
				put(&b, 4, rows[i].values[v]);
			set_end(&b);
			plain_data(&b, 300, 25);
			send(&b);
			assert_int_equal(b.got_count, 1);
			assert_int_equal(b.got[0].sampling, rows[i].rate);
			assert_int_equal(only(&b)->sampling, rows[i].rate);
			assert_int_equal(only(&b)->records, 1); /* options are not flow records */
			flow_decoder_free(b.d);
		}
	}
}

static void two_samplers_in_one_box_are_told_apart(void **state)
{
	static const uint16_t options[][2] = { { 48, 1 }, { 50, 4 } };
	struct bench b;
	(void)state;

	begin_with(&b, &flow_options_default, false);
	datagram(&b);
	options_template(&b, 301, options, 2);
	for (unsigned id = 1; id <= 2; id++) {
		set_begin(&b, 301);
		put(&b, 4, 1);
		put(&b, 1, id);
		put(&b, 4, id * 100);
		put(&b, 3, 0); /* padding */
		set_end(&b);
	}
	set_begin(&b, 0);
	put(&b, 2, 302);
	put(&b, 2, 2);
	put(&b, 2, 11);
	put(&b, 2, 2);
	put(&b, 2, 48);
	put(&b, 2, 1);
	set_end(&b);
	for (unsigned id = 1; id <= 2; id++) {
		set_begin(&b, 302);
		put(&b, 2, 25);
		put(&b, 1, id);
		put(&b, 1, 0);
		set_end(&b);
	}
	send(&b);
	assert_int_equal(b.got_count, 2);
	assert_int_equal(b.got[0].sampling, 100);
	assert_int_equal(b.got[1].sampling, 200);
	flow_decoder_free(b.d);
}

static void a_rate_in_the_record_beats_the_exporters(void **state)
{
	struct flow_options o = flow_options_default;
	struct bench b;
	(void)state;

	o.sampling = 10;
	begin_with(&b, &o, false);
	datagram(&b);
	set_begin(&b, 0);
	put(&b, 2, 300);
	put(&b, 2, 2);
	put(&b, 2, 11);
	put(&b, 2, 2);
	put(&b, 2, 34);
	put(&b, 2, 2);
	set_end(&b);
	set_begin(&b, 300);
	put(&b, 4, 25u << 16 | 2000);
	put(&b, 4, 25u << 16 | 0);
	set_end(&b);
	send(&b);
	assert_int_equal(b.got[0].sampling, 2000);
	assert_int_equal(b.got[1].sampling, 10);
	flow_decoder_free(b.d);
}

static void a_template_may_change_its_length_and_be_withdrawn(void **state)
{
	struct bench b;
	(void)state;

	begin_with(&b, &flow_options_default, true);
	datagram(&b);
	plain_template(&b, 300);
	set_begin(&b, 2); /* the same id again, now with the port alone */
	put(&b, 2, 300);
	put(&b, 2, 1);
	put(&b, 2, 11);
	put(&b, 2, 2);
	set_end(&b);
	set_begin(&b, 300);
	put(&b, 2, 25);
	put(&b, 2, 587);
	set_end(&b);
	set_begin(&b, 2);
	put(&b, 2, 300);
	put(&b, 2, 0);
	set_end(&b);
	plain_data(&b, 300, 25);
	send(&b);
	assert_int_equal(b.got_count, 2);
	assert_int_equal(b.got[1].dport, 587);
	assert_int_equal(only(&b)->templates, 0);
	assert_int_equal(only(&b)->unknown_template, 1);
	flow_decoder_free(b.d);
}

static void withdrawing_all_leaves_options_templates(void **state)
{
	static const uint16_t options[][2] = { { 34, 4 } };
	struct bench b;
	(void)state;

	begin_with(&b, &flow_options_default, true);
	datagram(&b);
	plain_template(&b, 300);
	plain_template(&b, 301);
	options_template(&b, 302, options, 1);
	set_begin(&b, 2);
	put(&b, 2, 2);
	put(&b, 2, 0);
	set_end(&b);
	send(&b);
	assert_int_equal(only(&b)->templates, 1);
	flow_decoder_free(b.d);
}

static void variable_lengths_and_foreign_fields_are_stepped_over(void **state)
{
	struct bench b;
	(void)state;

	begin_with(&b, &flow_options_default, true);
	datagram(&b);
	set_begin(&b, 2);
	put(&b, 2, 300);
	put(&b, 2, 3);
	put(&b, 4, 82u << 16 | 65535);        /* interfaceName, variable */
	put(&b, 4, (0x8000u | 11) << 16 | 4); /* element 11 of an enterprise: not a port */
	put(&b, 4, 9999);
	put(&b, 4, 11u << 16 | 2);
	set_end(&b);
	set_begin(&b, 300);
	put(&b, 1, 2);
	put(&b, 2, 0x6c6f);
	put(&b, 4, 1);
	put(&b, 2, 25);
	put(&b, 1, 255); /* the long form of the length */
	put(&b, 2, 300);
	for (int i = 0; i < 300; i++)
		put(&b, 1, 'x');
	put(&b, 4, 1);
	put(&b, 2, 587);
	set_end(&b);
	send(&b);
	assert_int_equal(b.got_count, 2);
	assert_false(b.got[0].has_addresses);
	assert_int_equal(b.got[0].dport, 25);
	assert_int_equal(b.got[1].dport, 587);
	flow_decoder_free(b.d);
}

static void a_length_past_the_end_stops_the_set(void **state)
{
	struct bench b;
	(void)state;

	begin_with(&b, &flow_options_default, true);
	datagram(&b);
	set_begin(&b, 2);
	put(&b, 2, 300);
	put(&b, 2, 1);
	put(&b, 4, 82u << 16 | 65535);
	set_end(&b);
	set_begin(&b, 300);
	put(&b, 1, 200);
	put(&b, 2, 0);
	set_end(&b);
	send(&b);
	assert_int_equal(b.got_count, 0);
	assert_int_equal(only(&b)->malformed, 1);
	flow_decoder_free(b.d);
}

static void reverse_fields_are_kept_apart(void **state)
{
	struct bench b;
	(void)state;

	begin_with(&b, &flow_options_default, true);
	datagram(&b);
	set_begin(&b, 2);
	put(&b, 2, 300);
	put(&b, 2, 3);
	put(&b, 4, 2u << 16 | 2);
	put(&b, 4, (0x8000u | 2) << 16 | 2);
	put(&b, 4, 29305);
	put(&b, 4, 11u << 16 | 2);
	set_end(&b);
	set_begin(&b, 300);
	put(&b, 2, 5);
	put(&b, 2, 3);
	put(&b, 2, 25);
	set_end(&b);
	send(&b);
	assert_int_equal(b.got[0].packets, 5);
	assert_int_equal(b.got[0].reverse_packets, 3);
	flow_decoder_free(b.d);
}

static void nat_events_speak_two_dialects(void **state)
{
	static const struct {
		enum flow_dialect dialect;
		uint8_t event;
		enum flow_nat want;
	} rows[] = {
		{ FLOW_DIALECT_RFC8158, 16, FLOW_NAT_BLOCK_ALLOCATE },
		{ FLOW_DIALECT_RFC8158, 4, FLOW_NAT_SESSION_CREATE },
		{ FLOW_DIALECT_RFC8158, 14, FLOW_NAT_BINDING_CREATE },
		{ FLOW_DIALECT_JUNIPER, 14, FLOW_NAT_BLOCK_ALLOCATE },
		{ FLOW_DIALECT_JUNIPER, 16, FLOW_NAT_OTHER },
		{ FLOW_DIALECT_RFC8158, 200, FLOW_NAT_OTHER },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct flow_options o = flow_options_default;
		struct bench b;

		o.dialect = rows[i].dialect;
		begin_with(&b, &o, true);
		datagram(&b);
		set_begin(&b, 2);
		put(&b, 2, 300);
		put(&b, 2, 4);
		put(&b, 4, 225u << 16 | 4);
		put(&b, 4, 361u << 16 | 2);
		put(&b, 4, 362u << 16 | 2);
		put(&b, 4, 230u << 16 | 1);
		set_end(&b);
		set_begin(&b, 300);
		put(&b, 4, 0xcb007105);
		put(&b, 2, 1024);
		put(&b, 2, 2047);
		put(&b, 1, rows[i].event);
		set_end(&b);
		send(&b);
		assert_int_equal(b.got[0].nat, rows[i].want);
		assert_int_equal(b.got[0].block_last, 2047);
		assert_true(b.got[0].has_nat && b.got[0].nat_src.bits == 0xcb007105);
		flow_decoder_free(b.d);
	}
}

static void ipfix_counts_options_records_in_its_sequence(void **state)
{
	static const uint16_t options[][2] = { { 34, 4 } };
	struct bench b;
	(void)state;

	begin_with(&b, &flow_options_default, true);
	datagram(&b);
	plain_template(&b, 300);
	options_template(&b, 301, options, 1);
	set_begin(&b, 301);
	put(&b, 8, 100);
	set_end(&b);
	plain_data(&b, 300, 25);
	send(&b);
	b.sequence = 2; /* one option and one flow */
	datagram(&b);
	plain_data(&b, 300, 25);
	send(&b);
	assert_int_equal(only(&b)->lost, 0);
	b.sequence = 8; /* five never came */
	datagram(&b);
	plain_data(&b, 300, 25);
	send(&b);
	assert_int_equal(only(&b)->lost, 5);
	flow_decoder_free(b.d);
}

static void v9_counts_datagrams_and_forgives_disorder(void **state)
{
	static const uint32_t order[] = { 1, 2, 4, 3, 5, 0xfffffff0, 0xfffffff1 };
	struct bench b;
	(void)state;

	begin_with(&b, &flow_options_default, false);
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		b.sequence = order[i];
		datagram(&b);
		send(&b);
		if (i == 2)
			assert_int_equal(only(&b)->lost, 1);
		if (i == 3)
			assert_int_equal(only(&b)->lost, 0);
	}
	assert_int_equal(only(&b)->datagrams, 7);
	flow_decoder_free(b.d);
}

static void caps_hold_and_are_counted(void **state)
{
	struct flow_options o = { .limits = { 2, 3, 5 } };
	struct bench b;
	(void)state;

	begin_with(&b, &o, false);
	for (uint16_t id = 256; id < 262; id++) {
		datagram(&b);
		plain_template(&b, id);
		send(&b);
	}
	assert_int_equal(only(&b)->templates, 3);
	assert_int_equal(only(&b)->capped, 3);
	for (b.domain = 2; b.domain < 6; b.domain++) {
		datagram(&b);
		send(&b);
	}
	assert_int_equal(flow_exporters(b.d), 2);
	assert_int_equal(flow_refused(b.d), 3);
	flow_decoder_free(b.d);
}

static void an_empty_record_does_not_go_on_forever(void **state)
{
	struct bench b;
	(void)state;

	begin_with(&b, &flow_options_default, false);
	datagram(&b);
	set_begin(&b, 0);
	put(&b, 2, 300);
	put(&b, 2, 1);
	put(&b, 2, 11);
	put(&b, 2, 0);
	set_end(&b);
	set_begin(&b, 300);
	put(&b, 4, 0);
	set_end(&b);
	send(&b);
	assert_int_equal(b.got_count, 0);
	assert_int_equal(only(&b)->malformed, 1);
	assert_int_equal(only(&b)->unknown_template, 1);
	flow_decoder_free(b.d);
}

static void other_ports_are_counted_but_not_decoded(void **state)
{
	struct flow_options o = flow_options_default;
	struct bench b;
	(void)state;

	o.ports[0] = 25;
	o.ports_count = 1;
	begin_with(&b, &o, false);
	datagram(&b);
	plain_template(&b, 300);
	plain_data(&b, 300, 443);
	plain_data(&b, 300, 25);
	send(&b);
	assert_int_equal(b.got_count, 1);
	assert_int_equal(only(&b)->records, 2);
	flow_decoder_free(b.d);
}

static void many_exporters_and_templates_are_all_found_again(void **state)
{
	struct bench b;
	(void)state;

	begin_with(&b, &flow_options_default, true);
	for (int round = 0; round < 2; round++) {
		for (b.domain = 0; b.domain < 3000; b.domain++) {
			uint16_t id = (uint16_t)(256 + b.domain % 7);

			b.got_count = 0;
			datagram(&b);
			if (round == 0)
				plain_template(&b, id);
			plain_data(&b, id, 25);
			send(&b);
			assert_int_equal(b.got_count, 1);
			assert_int_equal(flow_exporter_at(b.d, b.got[0].exporter)->domain,
					 b.domain);
		}
	}
	assert_int_equal(flow_exporters(b.d), 3000);
	flow_decoder_free(b.d);
}

static void v5_believes_its_own_length_only(void **state)
{
	static const struct {
		uint16_t count;
		size_t len;
		uint64_t records, malformed;
	} rows[] = {
		{ 2, 24 + 96, 2, 0 }, { 2, 24 + 95, 0, 1 }, { 2, 1728, 2, 0 },
		{ 0, 24 + 48, 0, 1 }, { 31, 2000, 0, 1 },   { 1, 10, 0, 1 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench b;

		begin_with(&b, &flow_options_default, false);
		put(&b, 2, 5);
		put(&b, 2, rows[i].count);
		b.bytes[22] = 0x40; /* mode 1, rate 100 */
		b.bytes[23] = 100;
		flow_decode(b.d, router, b.bytes, rows[i].len);
		assert_int_equal(only(&b)->records, rows[i].records);
		assert_int_equal(only(&b)->malformed, rows[i].malformed);
		if (rows[i].records)
			assert_int_equal(b.got[0].sampling, 100);
		flow_decoder_free(b.d);
	}
}

static void garbage_is_counted_as_garbage(void **state)
{
	static const uint8_t junk[][8] = { { 0 }, { 0, 1 }, { 0xff, 0xff }, { 0, 0, 0, 4 } };
	struct bench b;
	(void)state;

	begin_with(&b, &flow_options_default, false);
	for (size_t i = 0; i < sizeof(junk) / sizeof(*junk); i++)
		flow_decode(b.d, router, junk[i], sizeof(junk[i]));
	flow_decode(b.d, router, junk[0], 0);
	assert_int_equal(only(&b)->protocol, FLOW_UNKNOWN);
	assert_int_equal(only(&b)->malformed, 5);
	flow_decoder_free(b.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_template_and_its_data_in_one_datagram),
		cmocka_unit_test(the_same_id_in_two_domains_is_two_templates),
		cmocka_unit_test(every_documented_way_of_saying_the_rate),
		cmocka_unit_test(two_samplers_in_one_box_are_told_apart),
		cmocka_unit_test(a_rate_in_the_record_beats_the_exporters),
		cmocka_unit_test(a_template_may_change_its_length_and_be_withdrawn),
		cmocka_unit_test(withdrawing_all_leaves_options_templates),
		cmocka_unit_test(variable_lengths_and_foreign_fields_are_stepped_over),
		cmocka_unit_test(a_length_past_the_end_stops_the_set),
		cmocka_unit_test(reverse_fields_are_kept_apart),
		cmocka_unit_test(nat_events_speak_two_dialects),
		cmocka_unit_test(ipfix_counts_options_records_in_its_sequence),
		cmocka_unit_test(v9_counts_datagrams_and_forgives_disorder),
		cmocka_unit_test(caps_hold_and_are_counted),
		cmocka_unit_test(an_empty_record_does_not_go_on_forever),
		cmocka_unit_test(other_ports_are_counted_but_not_decoded),
		cmocka_unit_test(many_exporters_and_templates_are_all_found_again),
		cmocka_unit_test(v5_believes_its_own_length_only),
		cmocka_unit_test(garbage_is_counted_as_garbage),
	};

	return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
