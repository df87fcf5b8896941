/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/exceptions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cmocka.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void a_list_is_read(void **state)
{
	static const char list[] = "# prefix, until, why\r\n"
				   "\n"
				   "192.0.2.7, 2027-06-30, mail server, of the school \r\n"
				   "\t2001:db8:7::/48,2027-06-30T12:00:01Z,trial"; /* no newline */
	struct exceptions e = { 0 };
	char text[PREFIX_TEXT_MAX];
	(void)state;

	assert_int_equal(exceptions_parse(list, strlen(list), "list", &e, NULL), 0);
	assert_int_equal(e.count, 2);
	assert_int_equal(e.exception[0].id, 3);
	assert_string_equal(prefix_text(e.exception[0].prefix, text), "192.0.2.7/32");
	assert_int_equal(e.exception[0].until.s, 1814399999);
	assert_string_equal(e.exception[0].reason, "mail server, of the school");
	assert_int_equal(e.exception[1].id, 4);
	assert_string_equal(prefix_text(e.exception[1].prefix, text), "2001:db8:7::/48");
	assert_int_equal(e.exception[1].until.s, 1814356801);
	exceptions_done(&e);
	assert_int_equal(exceptions_parse("", 0, "list", &e, NULL), 0);
	assert_int_equal(e.count, 0);
	exceptions_done(&e);
}

static void long_lists_keep_every_line(void **state)
{
	enum { LINES = 1000, BYTES = 64 };
	char *list = test_calloc(LINES, BYTES);
	struct exceptions e = { 0 };
	size_t len = 0;
	(void)state;

	for (unsigned i = 0; i < LINES; i++)
		len += (size_t)snprintf(list + len, BYTES, "10.0.%u.%u,2027-06-30,x\n", i / 256,
					i % 256);
	assert_int_equal(exceptions_parse(list, len, "list", &e, NULL), 0);
	assert_int_equal(e.count, LINES);
	for (unsigned i = 0; i < LINES; i++)
		assert_true(e.exception[i].prefix.addr.bits == 0x0a000000u + i);
	exceptions_done(&e);
	test_free(list);
}

static void faults_name_the_line(void **state)
{
	static const struct {
		const char *list, *want;
	} rows[] = {
		/* clang-format off */
		{ "#\n192.0.2.7",                  "list:2: not of the form 'prefix, until, reason': '192.0.2.7'" },
		{ "192.0.2.7,2027-06-30",          "list:1: not of the form 'prefix, until, reason': '192.0.2.7'" },
		{ "192.0.2.7/24,2027-06-30,x",     "list:1: host bits are set: '192.0.2.7/24'" },
		{ "home,2027-06-30,x",             "list:1: not an IPv4 or IPv6 prefix: 'home'" },
		{ "::ffff:192.0.2.7,2027-06-30,x", "list:1: IPv4 written as IPv6, which no packet carries: '::ffff:192.0.2.7'" },
		{ "192.0.2.7,2027-06-31,x",        "list:1: not a day (2027-06-30) or instant (2027-06-30T12:00:00Z): '2027-06-31'" },
		{ "192.0.2.7,1969-12-31,x",        "list:1: an exception ends after 1970: '1969-12-31'" },
		{ "192.0.2.7,2027-06-30, ",        "list:1: there is no reason behind: '2027-06-30'" },
		/* clang-format on */
	};
	char text[1024];
	struct exceptions e = { 0 };
	struct why why;
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(
		    exceptions_parse(rows[i].list, strlen(rows[i].list), "list", &e, &why),
		    -EINVAL);
		assert_string_equal(why.text, rows[i].want);
		assert_null(e.exception);
	}
	assert_int_equal(exceptions_parse("10.0.0.1\0,", 10, "list", &e, &why), -EINVAL);
	assert_string_equal(why.text, "list:1: holds a NUL: not a text file");
	memset(text, 'x', sizeof(text));
	assert_int_equal(exceptions_parse(text, sizeof(text), "list", &e, &why), -EINVAL);
	assert_string_equal(why.text, "list:1: longer than 511 bytes");
	memcpy(text, "10.0.0.1,2027-06-30,", 20);
	assert_int_equal(exceptions_parse(text, 20 + 199, "list", &e, &why), 0);
	exceptions_done(&e);
	assert_int_equal(exceptions_parse(text, 20 + 200, "list", &e, &why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_read),
		cmocka_unit_test(long_lists_keep_every_line),
		cmocka_unit_test(faults_name_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
