/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The accounts of lines that the packet program keeps, through the kernel: what is
 * booked on whom, that a full set turns newcomers away, and that no count is lost
 * when an account is closed.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"
#include "bpf_need.h"
#include "decide/compile.h"
#include "enforce/xdp_accounts.h"
#include "enforce/xdp_run.h"
#include "frame.h"

#define TOLD_MAX 4096

static struct told {
	struct xdp_account got[TOLD_MAX];
	size_t count;
} told;

static int tell(void *arg, const struct xdp_account *a)
{
	struct told *t = arg;

	assert_true(t->count < TOLD_MAX);
	t->got[t->count++] = *a;
	return 0;
}

/* A filter of its own for each story: 10.2.0.0/16 and 2001:db8:2::/48 are closed. */
static struct filter *filter_with(uint32_t lines, uint32_t idle_s)
{
	struct plan_prefix prefixes[2] = { 0 };
	struct segment segment = { .name = (char *)"homes",
				   .treatment = TREATMENT_CLOSED,
				   .mode = MODE_DROP,
				   .prefixes = prefixes,
				   .prefixes_count = 2 };
	struct plan plan = { .segments = &segment, .segments_count = 1 };
	struct compile_input in = { .plan = &plan };
	const struct xdp_options o = { .tracing = true, .lines = lines, .lines_idle_s = idle_s };
	own(ruleset) struct ruleset *rs = NULL;
	struct filter *f = NULL;
	struct why why = { 0 };

	prefix_parse("10.2.0.0/16", &prefixes[0].prefix);
	prefix_parse("2001:db8:2::/48", &prefixes[1].prefix);
	assert_int_equal(bpf_need(&o, &f), 0);
	assert_int_equal(compile(&in, wall_now(), &rs, &why), 0);
	assert_int_equal(f->ops->load(f, rs, &why), 0);
	return f;
}

static void send_at(struct filter *f, const struct frame_spec *s, enum filter_side side)
{
	struct xdp_ran ran;
	struct frame frame;
	struct why why = { 0 };

	frame_make(s, &frame);
	struct xdp_run run = { .frame = frame.bytes, .len = frame.len, .side = side };
	if (xdp_run(f, &run, &ran, &why) < 0)
		fail_msg("%s", why.text);
}

static void send_syn(struct filter *f, const char *src, const char *dst, uint16_t port, bool v6)
{
	struct frame_spec s = { .src = src, .dst = dst, .dport = port, .v6 = v6, .flags = TCP_SYN };

	send_at(f, &s, FILTER_SUBSCRIBER);
}

static const struct xdp_account *account(struct filter *f, const char *line)
{
	struct prefix p;
	struct why why = { 0 };

	assert_int_equal(prefix_parse(line, &p), PREFIX_OK);
	told.count = 0;
	assert_int_equal(xdp_accounts(f, tell, &told, &why), 0);
	for (size_t i = 0; i < told.count; i++)
		if (prefix_compare(told.got[i].line, p) == 0)
			return &told.got[i];
	return NULL;
}

static unsigned servers(const struct xdp_account *a)
{
	unsigned n = 0;

	for (int i = 0; i < 4; i++)
		n += (unsigned)__builtin_popcountll(a->sketch[i]);
	return n;
}

static void each_syn_is_booked_on_its_line(void **state)
{
	own(filter) struct filter *f = filter_with(1024, 64);
	const struct xdp_account *a;
	char dst[24];
	(void)state;

	for (int i = 0; i < 9; i++) {
		snprintf(dst, sizeof(dst), "192.0.2.%d", i % 3);
		send_syn(f, "10.2.0.1", dst, 25, false);
	}
	send_syn(f, "10.2.0.1", "192.0.2.9", 465, false);
	send_syn(f, "10.2.0.1", "192.0.2.9", 587, false);
	send_syn(f, "10.2.0.1", "192.0.2.9", 587, false);
	send_syn(f, "10.3.0.1", "192.0.2.9", 25, false);
	a = account(f, "10.2.0.1/32");
	assert_non_null(a);
	assert_int_equal(a->syn25, 9);
	assert_int_equal(a->syn465, 1);
	assert_int_equal(a->syn587, 2);
	assert_int_equal(a->refused, 9);
	assert_int_equal(servers(a), 3); /* 465 and 587 are not in the sketch */
	assert_true(a->idle_s < 3);
	a = account(f, "10.3.0.1/32");
	assert_non_null(a);
	assert_int_equal(a->refused, 0);
	assert_int_equal(told.count, 2);
}

static void an_ipv6_line_is_its_64(void **state)
{
	own(filter) struct filter *f = filter_with(1024, 64);
	const struct xdp_account *a;
	(void)state;

	send_syn(f, "2001:db8:2:7::1", NULL, 25, true);
	send_syn(f, "2001:db8:2:7:ffff::2", NULL, 587, true);
	send_syn(f, "2001:db8:2:8::1", NULL, 25, true);
	a = account(f, "2001:db8:2:7::/64");
	assert_non_null(a);
	assert_int_equal(a->syn25, 1);
	assert_int_equal(a->refused, 1);
	assert_int_equal(a->syn587, 1);
	assert_int_equal(told.count, 2);
}

static void only_first_syns_of_subscribers_to_the_three_ports(void **state)
{
	static const struct {
		uint8_t flags;
		uint16_t dport;
		enum filter_side side;
	} rows[] = {
		{ TCP_SYN | TCP_ACK, 25, FILTER_SUBSCRIBER }, { TCP_ACK, 25, FILTER_SUBSCRIBER },
		{ TCP_SYN, 443, FILTER_SUBSCRIBER },          { TCP_SYN, 25, FILTER_UPLINK },
		{ TCP_RST, 587, FILTER_SUBSCRIBER },
	};
	own(filter) struct filter *f = filter_with(1024, 64);
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct frame_spec s = { .src = "10.2.0.1",
					.flags = rows[i].flags,
					.dport = rows[i].dport };

		send_at(f, &s, rows[i].side);
	}
	assert_null(account(f, "10.2.0.1/32"));
	assert_int_equal(told.count, 0);
}

static uint64_t stat_of(struct filter *f, enum filter_stat which)
{
	struct xdp_stat stats[FILTER_STAT_COUNT];
	struct why why = { 0 };

	assert_int_equal(xdp_stats(f, stats, &why), 0);
	return stats[which].n;
}

/* 2,000 lines into 256 places: who came first stays, the others are counted as turned away. */
static void a_flood_pushes_nobody_out(void **state)
{
	own(filter) struct filter *f = filter_with(256, 64);
	char src[24];
	(void)state;

	send_syn(f, "10.2.0.1", NULL, 25, false);
	for (int i = 0; i < 2000; i++) {
		snprintf(src, sizeof(src), "10.9.%d.%d", i / 250, i % 250);
		send_syn(f, src, NULL, 25, false);
	}
	assert_non_null(account(f, "10.2.0.1/32"));
	assert_true(told.count <= 256 && told.count > 200);
	assert_int_equal(stat_of(f, FILTER_STAT_LINES_EVICTED), 0);
	assert_int_equal(stat_of(f, FILTER_STAT_LINES_NEW), told.count);
	assert_int_equal(stat_of(f, FILTER_STAT_LINES_FULL), 2001 - told.count);
}

/* With no patience at all each newcomer closes an account, and every SYN is still somewhere. */
static void closed_accounts_lose_nothing(void **state)
{
	own(filter) struct filter *f = filter_with(256, 0);
	uint64_t syns = 0;
	struct why why = { 0 };
	char src[24];
	(void)state;

	for (int i = 0; i < 1500; i++) {
		snprintf(src, sizeof(src), "10.9.%d.%d", i / 250, i % 250);
		send_syn(f, src, NULL, 25, false);
	}
	told.count = 0;
	assert_int_equal(xdp_accounts(f, tell, &told, &why), 0);
	assert_int_equal(xdp_accounts_closed(f, tell, &told, &why), 0);
	for (size_t i = 0; i < told.count; i++)
		syns += told.got[i].syn25;
	assert_int_equal(told.count, 1500);
	assert_int_equal(syns, 1500);
	assert_true(stat_of(f, FILTER_STAT_LINES_EVICTED) >= 1500 - 256);
	assert_int_equal(stat_of(f, FILTER_STAT_LINES_LOST), 0);
	told.count = 0;
	assert_int_equal(xdp_accounts_closed(f, tell, &told, &why), 0);
	assert_int_equal(told.count, 0); /* told once */
}

static void accounts_can_be_off(void **state)
{
	const struct xdp_options o = { .tracing = true, .lines_off = true };
	own(filter) struct filter *f = NULL;
	struct why why = { 0 };
	(void)state;

	assert_int_equal(bpf_need(&o, &f), 0);
	told.count = 0;
	send_syn(f, "10.2.0.1", NULL, 25, false);
	assert_int_equal(xdp_accounts(f, tell, &told, &why), 0);
	assert_int_equal(told.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_syn_is_booked_on_its_line),
		cmocka_unit_test(an_ipv6_line_is_its_64),
		cmocka_unit_test(only_first_syns_of_subscribers_to_the_three_ports),
		cmocka_unit_test(a_flood_pushes_nobody_out),
		cmocka_unit_test(closed_accounts_lose_nothing),
		cmocka_unit_test(accounts_can_be_off),
	};
	const struct xdp_options o = XDP_OPTIONS;
	struct xdp_options unpinned = o;
	own(filter) struct filter *f = NULL;

	unpinned.pin_dir = NULL;
	int r = bpf_need(&unpinned, &f);
	return r != 0 ? r : cmocka_run_group_tests_name("accounts", tests, NULL, NULL);
}
