/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/xml.h"

#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"

#define FFFD "\xef\xbf\xbd"

static void nothing_hostile_comes_through(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		/* clang-format off */
		{ "",                             "" },
		{ "Prove & <dor> \"A's\"",        "Prove &amp; &lt;dor&gt; &quot;A&#39;s&quot;" },
		{ "]]>",                          "]]&gt;" },
		{ "a\x01\x1b\x08z",               "a" FFFD FFFD FFFD "z" },
		{ "a\tb\nc\rd",                   "a\tb\nc&#13;d" },
		{ "ação €",                       "ação €" },
		{ "\xf0\x9f\x98\x80",             "\xf0\x9f\x98\x80" },
		{ "\xef\xbf\xbe|\xef\xbf\xbf",    FFFD "|" FFFD },       /* U+FFFE, U+FFFF */
		{ "\xed\xa0\x80",                 FFFD FFFD FFFD },      /* a lone surrogate */
		{ "\xc0\xbc",                     FFFD FFFD },           /* overlong '<' */
		{ "\xe0\x80\xbc",                 FFFD FFFD FFFD },
		{ "\xc3",                         FFFD },                /* cut off by the end */
		{ "\xe2\x82",                     FFFD FFFD },
		{ "\xf5\x80\x80\x80",             FFFD FFFD FFFD FFFD },
		{ "latin1 \xe7\xe3o",             "latin1 " FFFD FFFD "o" },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *text = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		assert_non_null(out);
		xml_escape(rows[i].in, out);
		fclose(out);
		assert_string_equal(text, rows[i].out);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_hostile_comes_through),
	};

	return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
