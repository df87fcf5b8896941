/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/when.h"

#include "base/cmocka.h"

static void instants_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		bool good;
		int64_t s;
	} rows[] = {
		/* clang-format off */
		{ "1970-01-01T00:00:00Z",  true,  0 },
		{ "2027-06-30T12:00:01Z",  true,  1814356801 },
		{ "2027-06-30",            true,  1814399999 },
		{ "2028-02-29",            true,  1835481599 },
		{ "2027-02-29",            false, 0 },
		{ "2027-13-01",            false, 0 },
		{ "2027-06-31T00:00:00Z",  false, 0 },
		{ "2027-06-30T24:00:00Z",  false, 0 },
		{ "2027-06-30T12:00:01",   false, 0 },
		{ "2027-06-30 12:00:01Z",  false, 0 },
		{ "2027-6-30",             false, 0 },
		{ "2027-06-30x",           false, 0 },
		{ "tomorrow",              false, 0 },
		{ "",                      false, 0 },
		/* clang-format on */
	};
	char text[WHEN_TEXT_MAX];
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wall w = { -1 };

		if (when_parse(rows[i].text, &w) != rows[i].good)
			fail_msg("%s", rows[i].text);
		assert_int_equal(w.s, rows[i].good ? rows[i].s : -1);
	}
	assert_string_equal(when_text((struct wall){ 1814356801 }, text), "2027-06-30T12:00:01Z");
	assert_string_equal(when_text((struct wall){ INT64_MAX }, text), "9999-12-31T23:59:59Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instants_are_read_and_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
