/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/jcs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"

/* RFC 8785 appendix B: the bits of a double and how it must be printed. */
static void numbers_are_printed_as_the_rfc_lists_them(void **state)
{
	static const struct {
		uint64_t bits;
		const char *text;
	} rows[] = {
		/* clang-format off */
		{ 0x0000000000000000, "0" },
		{ 0x8000000000000000, "0" },
		{ 0x0000000000000001, "5e-324" },
		{ 0x8000000000000001, "-5e-324" },
		{ 0x7fefffffffffffff, "1.7976931348623157e+308" },
		{ 0xffefffffffffffff, "-1.7976931348623157e+308" },
		{ 0x4340000000000000, "9007199254740992" },
		{ 0xc340000000000000, "-9007199254740992" },
		{ 0x4430000000000000, "295147905179352830000" },
		{ 0x44b52d02c7e14af5, "9.999999999999997e+22" },
		{ 0x44b52d02c7e14af6, "1e+23" },
		{ 0x44b52d02c7e14af7, "1.0000000000000001e+23" },
		{ 0x444b1ae4d6e2ef4e, "999999999999999700000" },
		{ 0x444b1ae4d6e2ef4f, "999999999999999900000" },
		{ 0x444b1ae4d6e2ef50, "1e+21" },
		{ 0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7" },
		{ 0x3eb0c6f7a0b5ed8d, "0.000001" },
		{ 0x41b3de4355555553, "333333333.3333332" },
		{ 0x41b3de4355555554, "333333333.33333325" },
		{ 0x41b3de4355555555, "333333333.3333333" },
		{ 0x41b3de4355555556, "333333333.3333334" },
		{ 0x41b3de4355555557, "333333333.33333343" },
		{ 0xbecbf647612f3696, "-0.0000033333333333333333" },
		{ 0x43143ff3c1cb0959, "1424953923781206.2" },
		/* clang-format on */
	};
	char text[JCS_NUMBER_MAX];
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		double d;

		memcpy(&d, &rows[i].bits, sizeof(d));
		assert_int_equal(jcs_number(d, text), 0);
		assert_string_equal(text, rows[i].text);
	}
	assert_int_equal(jcs_number((double)NAN, text), -EINVAL);
	assert_int_equal(jcs_number((double)INFINITY, text), -EINVAL);
}

static void check(const char *in, const char *want)
{
	json_t *j = json_loads(in, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	char *text = NULL;
	size_t len = 0;

	assert_non_null(j);
	assert_int_equal(jcs_text(j, &text, &len), 0);
	assert_string_equal(text, want);
	assert_int_equal(len, strlen(want));
	free(text);
	json_decref(j);
}

static void documents_have_one_form(void **state)
{
	(void)state;
	/* RFC 8785 3.2.2: the sample object. */
	check(
	    "{ \"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, "
	    "0.000000000000000000000000001],\n"
	    "  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
	    "  \"literals\": [null, true, false] }",
	    "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
	    "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
	/* RFC 8785 3.2.3: the sorting sample; a surrogate pair goes before U+FB33. */
	check("{ \"\\u20ac\": \"Euro Sign\", \"\\r\": \"Carriage Return\","
	      "  \"\\ufb33\": \"Hebrew Letter Dalet With Dagesh\", \"1\": \"One\","
	      "  \"\\ud83d\\ude00\": \"Emoji: Grinning Face\", \"\\u0080\": \"Control\","
	      "  \"\\u00f6\": \"Latin Small Letter O With Diaeresis\" }",
	      "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
	      "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
	      "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
	      "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
	check("[]", "[]");
	check("{}", "{}");
	check("-0.0", "0");
	check("[56.0,1e3,100000000000000000000.0,123456789.5]",
	      "[56,1000,100000000000000000000,123456789.5]");
	check("\"\\b\\t\\n\\f\\r\\u0001\\u001f\\u007f\"", "\"\\b\\t\\n\\f\\r\\u0001\\u001f\x7f\"");
	check("{\"a\":1,\"\":2,\"aa\":3}", "{\"\":2,\"a\":1,\"aa\":3}");
}

static void what_a_double_can_not_hold_is_refused(void **state)
{
	json_t *j = json_pack("[I]", (json_int_t)9007199254740993);
	char *text = NULL;
	size_t len;
	(void)state;

	assert_int_equal(jcs_text(j, &text, &len), -ERANGE);
	assert_null(text);
	json_decref(j);
	assert_int_equal(jcs_text(NULL, &text, &len), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_printed_as_the_rfc_lists_them),
		cmocka_unit_test(documents_have_one_form),
		cmocka_unit_test(what_a_double_can_not_hold_is_refused),
	};

	return cmocka_run_group_tests_name("jcs", tests, NULL, NULL);
}
