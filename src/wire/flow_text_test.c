/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/flow_text.h"

#include <string.h>

#include "base/cmocka.h"

static const char zeek[] =
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state";
static const char argus[] = "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State";

static void rows_of_three_tables(void **state)
{
	static const struct {
		const char *header, *line;
		enum flow_row_kind kind;
		enum contact_outcome outcome;
		int64_t time_ms;
	} rows[] = {
		/* clang-format off */
		{ zeek, "1.5\tC1\t10.0.0.1\t4000\t192.0.2.1\t25\ttcp\tS0", FLOW_ROW, CONTACT_FAILED, 1500 },
		{ zeek, "1.5\tC1\t10.0.0.1\t4000\t192.0.2.1\t25\ttcp\tREJ", FLOW_ROW, CONTACT_FAILED, 1500 },
		{ zeek, "1.5\tC1\t10.0.0.1\t4000\t192.0.2.1\t25\ttcp\tSF", FLOW_ROW, CONTACT_ESTABLISHED, 1500 },
		{ zeek, "1.5\tC1\tfd00::1\t4000\t2001:db8::1\t25\ttcp\tOTH", FLOW_ROW, CONTACT_UNKNOWN, 1500 },
		{ zeek, "1.5\tC1\t10.0.0.1\t4000\t192.0.2.1\t53\tudp\tSF", FLOW_ROW_SKIPPED, 0, 0 },
		{ zeek, "#close\t2022", FLOW_ROW_SKIPPED, 0, 0 },
		{ zeek, "1.5\tC1\tnobody\t4000\t192.0.2.1\t25\ttcp\tS0", FLOW_ROW_MALFORMED, 0, 0 },
		{ zeek, "1.5\tC1\t10.0.0.1\t4000\t192.0.2.1\t70000\ttcp\tS0", FLOW_ROW_MALFORMED, 0, 0 },
		{ zeek, "soon\tC1\t10.0.0.1\t4000\t192.0.2.1\t25\ttcp\tS0", FLOW_ROW_MALFORMED, 0, 0 },
		{ zeek, "1.5\tC1", FLOW_ROW_MALFORMED, 0, 0 },
		{ argus, "2019/04/04 16:24:47.672448,1,tcp,10.8.0.69,56101,   ->,14.1.11.113,25,S_RA", FLOW_ROW, CONTACT_FAILED, 1554395087672 },
		{ argus, "2019/04/04 16:24:47.672448,1,tcp,10.8.0.69,56101,   ->,14.1.11.113,25,FSPA_FSPA", FLOW_ROW, CONTACT_ESTABLISHED, 1554395087672 },
		{ argus, "2019/04/04 16:24:47.672448,1,tcp,10.8.0.69,56101,   ->,14.1.11.113,25,PA_PA", FLOW_ROW, CONTACT_UNKNOWN, 1554395087672 },
		{ argus, "2019/13/04 16:24:47.672448,1,tcp,10.8.0.69,56101,   ->,14.1.11.113,25,S_", FLOW_ROW_MALFORMED, 0, 0 },
		{ "src;dst;destination_port", "10.0.0.1;\"192.0.2.1\";587\r\n", FLOW_ROW, CONTACT_UNKNOWN, 0 },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct flow_text t;
		struct flow_row r;

		assert_int_equal(flow_text_header(rows[i].header, strlen(rows[i].header), &t, NULL),
				 0);
		enum flow_row_kind kind = flow_text_row(&t, rows[i].line, strlen(rows[i].line), &r);
		if (kind != rows[i].kind)
			fail_msg("%s: kind %d", rows[i].line, kind);
		if (kind != FLOW_ROW)
			continue;
		if (r.outcome != rows[i].outcome || r.time_ms != rows[i].time_ms)
			fail_msg("%s: outcome %d at %lld", rows[i].line, r.outcome,
				 (long long)r.time_ms);
	}
}

static void a_missing_column_is_named(void **state)
{
	static const char *const headers[][2] = {
		{ "dst,destination_port", "source" },
		{ "src,destination_port", "destination" },
		{ "src,dst", "destination_port" },
		{ "", "source" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		struct flow_text t;
		struct why why = { 0 };

		assert_true(flow_text_header(headers[i][0], strlen(headers[i][0]), &t, &why) < 0);
		assert_non_null(strstr(why.text, headers[i][1]));
	}
}

static void a_long_line_is_only_long(void **state)
{
	static char line[100000];
	struct flow_text t;
	struct flow_row r;
	(void)state;

	memset(line, 'x', sizeof(line));
	assert_int_equal(flow_text_header(argus, strlen(argus), &t, NULL), 0);
	assert_int_equal(flow_text_row(&t, line, sizeof(line), &r), FLOW_ROW_MALFORMED);
	memset(line, ',', sizeof(line));
	memcpy(line, "1,1,tcp", 7);
	assert_int_equal(flow_text_row(&t, line, sizeof(line), &r), FLOW_ROW_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_three_tables),
		cmocka_unit_test(a_missing_column_is_named),
		cmocka_unit_test(a_long_line_is_only_long),
	};

	return cmocka_run_group_tests_name("flow_text", tests, NULL, NULL);
}
