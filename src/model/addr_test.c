/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/addr.h"

#include <string.h>

#include "base/cmocka.h"

static void prefixes_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		enum prefix_fault fault;
		const char *canonical;
	} rows[] = {
		/* clang-format off */
		{ "192.0.2.0/24",        PREFIX_OK,         "192.0.2.0/24" },
		{ "192.0.2.7",           PREFIX_OK,         "192.0.2.7/32" },
		{ "0.0.0.0/0",           PREFIX_OK,         "0.0.0.0/0" },
		{ "2001:DB8::/32",       PREFIX_OK,         "2001:db8::/32" },
		{ "::/0",                PREFIX_OK,         "::/0" },
		{ "2001:db8::1",         PREFIX_OK,         "2001:db8::1/128" },
		{ "192.0.2.7/24",        PREFIX_HOST_BITS,  "192.0.2.0/24" },
		{ "2001:db8::1/64",      PREFIX_HOST_BITS,  "2001:db8::/64" },
		{ "192.0.2.0/33",        PREFIX_BAD_LENGTH, NULL },
		{ "192.0.2.0/",          PREFIX_BAD_LENGTH, NULL },
		{ "192.0.2.0/-1",        PREFIX_BAD_LENGTH, NULL },
		{ "192.0.2.0/08",        PREFIX_BAD_LENGTH, NULL },
		{ "2001:db8::/129",      PREFIX_BAD_LENGTH, NULL },
		{ "192.0.2/24",          PREFIX_NO_ADDRESS, NULL },
		{ "example.org/24",      PREFIX_NO_ADDRESS, NULL },
		{ "",                    PREFIX_NO_ADDRESS, NULL },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct prefix p;
		char text[PREFIX_TEXT_MAX];

		assert_int_equal(prefix_parse(rows[i].text, &p), rows[i].fault);
		if (rows[i].canonical)
			assert_string_equal(prefix_text(p, text), rows[i].canonical);
	}
}

static void a_prefix_holds_its_first_and_last_address_only(void **state)
{
	struct prefix p;
	struct addr a;
	(void)state;

	assert_int_equal(prefix_parse("192.0.2.128/25", &p), PREFIX_OK);
	assert_true(addr_parse("192.0.2.128", &a) && prefix_holds(p, a));
	assert_true(addr_parse("192.0.2.255", &a) && prefix_holds(p, a));
	assert_true(addr_parse("192.0.2.127", &a) && !prefix_holds(p, a));
	assert_true(addr_parse("192.0.3.0", &a) && !prefix_holds(p, a));
	assert_true(addr_parse("::ffff:192.0.2.128", &a) && !prefix_holds(p, a));
	assert_int_equal(prefix_parse("::/0", &p), PREFIX_OK);
	assert_true(prefix_last(p) == family_last(FAMILY_V6));
}

static void bytes_go_there_and_back(void **state)
{
	static const char *const texts[] = { "0.0.0.0", "255.1.2.3", "::", "2001:db8::ff",
					     "::1.2.3.4" };
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		uint8_t bytes[16];
		struct addr a, b;

		assert_true(addr_parse(texts[i], &a));
		addr_to_bytes(a, bytes);
		b = addr_from_bytes(a.family, bytes);
		assert_true(a.bits == b.bits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_are_read_and_written),
		cmocka_unit_test(a_prefix_holds_its_first_and_last_address_only),
		cmocka_unit_test(bytes_go_there_and_back),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
