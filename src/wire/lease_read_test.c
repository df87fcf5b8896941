/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/lease_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"

#define LEASES_MAX 16

struct got {
	struct lease lease[LEASES_MAX];
	char text[LEASES_MAX][160];
	size_t leases, faults, fault_line[LEASES_MAX];
	char fault[LEASES_MAX][WHY_BYTES];
};

static int on_lease(void *arg, const struct lease *l)
{
	struct got *g = arg;
	char place[PREFIX_TEXT_MAX];

	assert_true(g->leases < LEASES_MAX);
	snprintf(g->text[g->leases], sizeof(g->text[0]), "%.60s %s %s %lld %lld", l->line,
		 prefix_text(l->place, place), lease_end_name(l->end), (long long)l->from,
		 l->until == LEASE_FOREVER ? -1LL : (long long)l->until);
	g->lease[g->leases++] = *l;
	return 0;
}

static void on_fault(void *arg, size_t line, const char *text)
{
	struct got *g = arg;

	assert_true(g->faults < LEASES_MAX);
	g->fault_line[g->faults] = line;
	snprintf(g->fault[g->faults++], WHY_BYTES, "%s", text);
}

static struct lease_sink sink_of(struct got *g)
{
	memset(g, 0, sizeof(*g));
	return (struct lease_sink){ .lease = on_lease, .fault = on_fault, .arg = g };
}

static struct got g;

static struct lease_sink csv(const char *text, const struct lease_map *map, int32_t zone_s)
{
	struct lease_sink sink = sink_of(&g);
	struct lease_read_options options = { .zone_s = zone_s, .now_s = 5000 };
	struct why why = { 0 };

	if (lease_read_csv(slice_of(text), map, &options, &sink, &why) != 0)
		fail_msg("%s", why.text);
	return sink;
}

static void times_are_read_and_nonsense_is_not(void **state)
{
	static const struct {
		const char *text;
		int32_t zone_s;
		int64_t want; /* -1: refused */
	} rows[] = {
		{ "1795301679", 0, 1795301679 },
		{ "2026-11-21 22:54:39", 0, 1795301679 },
		{ "2026-11-21 19:54:39", -10800, 1795301679 },
		{ "2026-11-21T22:54:39Z", -10800, 1795301679 },
		{ "2026-11-21 22:54:39.123456+00", -10800, 1795301679 },
		{ "2026-11-21T19:54:39-03:00", 0, 1795301679 },
		{ "2026-11-22 04:24:39 +0530", 0, 1795301679 },
		{ "2026-11-21", 0, 1795219200 },
		{ "2026-02-30 00:00:00", 0, -1 },
		{ "2026-11-21 24:00:00", 0, -1 },
		{ "2026-11-21 22:54", 0, -1 },
		{ "2026-11-21 22:54:39 WIB", 0, -1 },
		{ "yesterday", 0, -1 },
		{ "", 0, -1 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t at = -1;

		if (!lease_time_parse(slice_of(rows[i].text), rows[i].zone_s, &at))
			at = -1;
		if (at != rows[i].want)
			fail_msg("%s: %lld", rows[i].text, (long long)at);
	}
}

static void radacct_rows(void **state)
{
	(void)state;
	struct lease_sink sink = csv(
	    "radacctid,acctuniqueid,username,acctstarttime,acctupdatetime,acctstoptime,"
	    "framedipaddress,framedipv6prefix,delegatedipv6prefix\n"
	    "1,a1,ana,1970-01-01 00:16:40,1970-01-01 00:20:00,1970-01-01 00:33:20,192.0.2.7,,"
	    "2001:db8:7::/56\n"
	    "2,a2,\"bento, \"\"jr\"\"\",1970-01-01 01:00:00+01,1970-01-01 00:50:00,,192.0.2.8,,\n"
	    "3,a3,caio,1970-01-01 00:16:40,,0000-00-00 00:00:00,192.0.2.9,NULL,\\N\n"
	    "4,a4,dora,1970-01-01 00:16:40,,,0.0.0.0,,\n"
	    "5,a5,ema,1970-01-01 00:16:40,,,,,\n"
	    "6,a6,fabio,,,,192.0.2.10,,\n"
	    "7,a7,gil,1970-01-01 00:16:40,,1970-01-01 00:10:00,192.0.2.11,,\n"
	    "8,a8,,1970-01-01 00:16:40,,,192.0.2.12,,\n",
	    lease_map_preset("radacct"), 0);

	assert_int_equal(g.leases, 4);
	assert_string_equal(g.text[0], "ana 192.0.2.7/32 reported 1000 2000");
	assert_string_equal(g.text[1], "ana 2001:db8:7::/56 reported 1000 2000");
	assert_string_equal(g.text[2], "bento, \"jr\" 192.0.2.8/32 unknown 0 -1");
	assert_int_equal(g.lease[2].seen, 3000);
	assert_string_equal(g.lease[2].session, "a2");
	assert_string_equal(g.text[3], "caio 192.0.2.9/32 unknown 1000 -1");
	assert_int_equal(g.lease[3].source, LEASE_RADIUS);
	assert_int_equal(sink.idle, 1);
	static const size_t lines[] = { 5, 7, 8, 9 };
	assert_int_equal(sink.faults, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(g.fault_line[i], lines[i]);
	assert_non_null(strstr(g.fault[0], "0.0.0.0"));
	assert_non_null(strstr(g.fault[1], "no start"));
	assert_non_null(strstr(g.fault[2], "ends before it begins"));
}

static void kea_rows(void **state)
{
	(void)state;
	struct lease_sink sink =
	    csv("address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,"
		"hostname,state\n"
		"192.0.2.7,00:00:5e:00:53:07,,3600,13600,1,0,0,h,0\n"
		"192.0.2.8,00:00:5e:00:53:08,,3600,13600,1,0,0,h,2\n"
		"192.0.2.9,,,3600,13600,1,0,0,,1\n"
		"192.0.2.10,00:00:5e:00:53:10,,0,10000,1,0,0,,0\n",
		lease_map_preset("kea"), 0);

	assert_int_equal(g.leases, 3);
	assert_string_equal(g.text[0], "00:00:5e:00:53:07 192.0.2.7/32 promised 10000 13600");
	assert_string_equal(g.text[1], "00:00:5e:00:53:08 192.0.2.8/32 reported 10000 13600");
	assert_string_equal(g.text[2], "00:00:5e:00:53:10 192.0.2.10/32 unknown 10000 -1");
	assert_int_equal(sink.faults, 1); /* declined, and nobody is named */

	csv("address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,"
	    "prefix_len,state\n"
	    "2001:db8:7::,00:01:02,600,10600,1,500,2,7,56,0\n"
	    "2001:db8::7,00:01:02,600,10600,1,500,0,7,128,0\n",
	    lease_map_preset("kea"), 0);
	assert_int_equal(g.leases, 2);
	assert_string_equal(g.text[0], "00:01:02 2001:db8:7::/56 promised 10000 10600");
	assert_string_equal(g.text[1], "00:01:02 2001:db8::7/128 promised 10000 10600");
}

static void tables_of_standing_addresses(void **state)
{
	(void)state;
	csv("\xef\xbb\xbf"
	    "login;ip\r\nana;192.0.2.7\r\nbento;198.51.100.0/29\r\ncaio;\r\n",
	    lease_map_preset("mkauth"), 0);
	assert_int_equal(g.leases, 2);
	assert_string_equal(g.text[0], "ana 192.0.2.7/32 standing 5000 -1");
	assert_string_equal(g.text[1], "bento 198.51.100.0/29 standing 5000 -1");

	csv("id,login,ipv4,start_date,end_date\n1,ana,192.0.2.7,1970-01-02,0000-00-00\n"
	    "2,bento,192.0.2.8,1970-01-02,1970-01-03\n",
	    lease_map_preset("splynx"), 0);
	assert_string_equal(g.text[0], "ana 192.0.2.7/32 standing 86400 -1");
	assert_string_equal(g.text[1], "bento 192.0.2.8/32 reported 86400 172800");
}

static void a_mapping_of_ones_own(void **state)
{
	char good[] = "line=user,address=out,ports=block,from=t0,until=t1,source=cgnat";
	char bad[][40] = { "line=user", "line=a,address", "line=a,address=b,colour=c",
			   "line=a,address=b,source=rumour" };
	struct lease_map map;
	struct why why = { 0 };
	(void)state;

	assert_int_equal(lease_map_parse(good, &map, &why), 0);
	csv("t0,t1,user,out,block\n1000,2000,100.64.0.7,203.0.113.1,1024-2047\n"
	    "1000,2000,100.64.0.7,203.0.113.1,2047-1024\n"
	    "\"1000\n", /* a quote without an end takes nothing else with it */
	    &map, 0);
	assert_int_equal(g.leases, 1);
	assert_int_equal(g.lease[0].port_low, 1024);
	assert_int_equal(g.lease[0].ports, 1024);
	assert_int_equal(g.lease[0].source, LEASE_CGNAT);
	assert_int_equal(g.faults, 2);
	for (int i = 0; i < 4; i++)
		assert_true(lease_map_parse(bad[i], &map, &why) < 0 && why.text[0]);

	struct lease_sink sink = sink_of(&g);
	struct lease_read_options options = { 0 };
	assert_true(lease_read_csv(SLICE("user,name\n"), lease_map_preset("mkauth"), &options,
				   &sink, &why) < 0);
	assert_non_null(strstr(why.text, "login"));
}

static void isc_leases(void **state)
{
	static const char text[] =
	    "# written by isc-dhcp\n"
	    "lease 192.0.2.7 {\n  starts 4 1970/01/01 00:16:40;\n  ends 4 1970/01/01 00:33:20;\n"
	    "  binding state active;\n  hardware ethernet 00:00:5e:00:53:07;\n"
	    "  uid \"\\001}; lease { \\\"\";\n}\n"
	    "lease 192.0.2.8 {\n  starts epoch 1000; # Thu\n  ends never;\n"
	    "  binding state active;\n  hardware ethernet 00:00:5e:00:53:08;\n}\n"
	    "lease 192.0.2.9 { starts 4 1970/01/01 00:16:40; ends 4 1970/01/01 00:33:20;\n"
	    "  binding state abandoned; }\n"
	    "lease 192.0.2.7 {\n  starts 4 1970/01/01 00:16:40;\n  ends 4 1970/01/01 00:20:00;\n"
	    "  binding state released;\n  hardware ethernet 00:00:5e:00:53:07;\n}\n"
	    "ia-pd \"\\001\\002\\003\\004A\\000\" {\n  cltt 4 1970/01/01 00:16:40;\n"
	    "  iaprefix 2001:db8:7::/56 {\n    binding state active;\n"
	    "    ends 4 1970/01/01 00:33:20;\n  }\n}\n"
	    "lease 192.0.2.300 { starts 4 1970/01/01 00:16:40; ends 4 1970/13/01 00:33:20; }\n"
	    "lease 192.0.2.10 { starts 4 1970/01/01 00:16:40;";
	(void)state;

	struct lease_sink sink = sink_of(&g);
	assert_int_equal(lease_read_isc(SLICE(text), &sink), 0);
	assert_int_equal(g.leases, 4);
	assert_string_equal(g.text[0], "00:00:5e:00:53:07 192.0.2.7/32 promised 1000 2000");
	assert_string_equal(g.text[1], "00:00:5e:00:53:08 192.0.2.8/32 promised 1000 -1");
	assert_string_equal(g.text[2], "00:00:5e:00:53:07 192.0.2.7/32 reported 1000 1200");
	assert_string_equal(g.text[3], "4100 2001:db8:7::/56 promised 1000 2000");
	assert_int_equal(sink.idle, 1);
	assert_int_equal(sink.faults, 3);
	assert_int_equal(g.fault_line[0], 30);
	assert_non_null(strstr(g.fault[2], "ends inside"));
}

static void detail_records(void **state)
{
	static const char text[] =
	    "Tue Sep 13 16:24:27 2011\n\tUser-Name = \"ana\"\n\tNAS-IP-Address = 10.0.0.1\n"
	    "\tAcct-Session-Id = \"1\"\n\tAcct-Status-Type = Start\n"
	    "\tFramed-IP-Address = 192.0.2.7\n\tDelegated-IPv6-Prefix = 2001:db8:7::/56\n"
	    "\tAcct-Delay-Time = 5\n\tTimestamp = 1005\n\n"
	    "Tue Sep 13 16:24:27 2011\n\tUser-Name = \"ana\"\n\tNAS-IP-Address = 10.0.0.1\n"
	    "\tAcct-Session-Id = \"1\"\n\tAcct-Status-Type = Interim-Update\n"
	    "\tFramed-IP-Address = 192.0.2.7\n\tAcct-Session-Time = 600\n\tTimestamp = 1600\n\n"
	    "Tue Sep 13 16:24:27 2011\n\tAcct-Status-Type = Accounting-On\n\tTimestamp = 1600\n\n"
	    "Tue Sep 13 16:24:27 2011\n\tUser-Name = \"bento\"\n\tAcct-Status-Type = Start\n"
	    "\tFramed-IP-Address = 192.0.2.8\n\n"
	    "Tue Sep 13 16:24:27 2011\n\tUser-Name = \"ana\"\n\tNAS-IP-Address = 10.0.0.1\n"
	    "\tAcct-Session-Id = \"1\"\n\tAcct-Status-Type = Stop\n"
	    "\tFramed-IP-Address = 192.0.2.7\n\tAcct-Session-Time = 1000\n\tTimestamp = 2000\n";
	(void)state;

	struct lease_sink sink = sink_of(&g);
	assert_int_equal(lease_read_detail(SLICE(text), &sink), 0);
	assert_int_equal(g.leases, 4);
	assert_string_equal(g.text[0], "ana 192.0.2.7/32 unknown 1000 -1");
	assert_string_equal(g.text[1], "ana 2001:db8:7::/56 unknown 1000 -1");
	assert_string_equal(g.text[2], "ana 192.0.2.7/32 unknown 1000 -1");
	assert_int_equal(g.lease[2].seen, 1600);
	assert_string_equal(g.lease[2].session, g.lease[0].session);
	assert_string_equal(g.text[3], "ana 192.0.2.7/32 reported 1000 2000");
	assert_int_equal(sink.idle, 1);
	assert_int_equal(sink.faults, 1);
	assert_int_equal(g.fault_line[0], 24);
	assert_non_null(strstr(g.fault[0], "Timestamp"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read_and_nonsense_is_not),
		cmocka_unit_test(radacct_rows),
		cmocka_unit_test(kea_rows),
		cmocka_unit_test(tables_of_standing_addresses),
		cmocka_unit_test(a_mapping_of_ones_own),
		cmocka_unit_test(isc_leases),
		cmocka_unit_test(detail_records),
	};

	return cmocka_run_group_tests_name("lease_read", tests, NULL, NULL);
}
