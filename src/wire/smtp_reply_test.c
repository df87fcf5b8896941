/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/smtp_reply.h"

#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"

static struct smtp_reply fed(const char *bytes, size_t piece)
{
	struct smtp_reply r;
	size_t len = strlen(bytes);

	smtp_reply_reset(&r);
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		if (smtp_reply_feed(&r, bytes + at, n) < n)
			break;
	}
	return r;
}

static void replies_are_read_in_any_pieces(void **state)
{
	static const struct {
		const char *in;
		int code;
		_Bool complete;
		enum smtp_fault fault;
		const char *text;
	} rows[] = {
		/* clang-format off */
		{ "220 mx ESMTP\r\n",             220, 1, SMTP_REPLY_OK, "mx ESMTP\n" },
		{ "250-mx\r\n250-SIZE 9\r\n250 X\r\n", 250, 1, SMTP_REPLY_OK, "mx\nSIZE 9\nX\n" },
		{ "250\r\n",                      250, 1, SMTP_REPLY_OK, "\n" },
		{ "250-\r\n250\r\n",              250, 1, SMTP_REPLY_OK, "\n\n" },
		{ "220 mx\n",                     220, 1, SMTP_REPLY_OK, "mx\n" },
		{ "250 a\x01" "b\x7f\tc\r\n",     250, 1, SMTP_REPLY_OK, "a?b??c\n" },
		{ "250-mx\r\n",                   250, 0, SMTP_REPLY_OK, "mx\n" },
		{ "250",                          0,   0, SMTP_REPLY_OK, "" },
		{ "250-a\r\n550 b\r\n",           250, 0, SMTP_REPLY_CODES, "a\n" },
		{ "HTTP/1.1 400\r\n",             0,   0, SMTP_REPLY_NOT_SMTP, "" },
		{ "199 x\r\n",                    0,   0, SMTP_REPLY_NOT_SMTP, "" },
		{ "25\r\n",                       0,   0, SMTP_REPLY_NOT_SMTP, "" },
		{ "2500 x\r\n",                   0,   0, SMTP_REPLY_NOT_SMTP, "" },
		{ "\r\n",                         0,   0, SMTP_REPLY_NOT_SMTP, "" },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t piece = 1; piece < 40; piece += 6) {
			struct smtp_reply r = fed(rows[i].in, piece);

			assert_int_equal(r.code, rows[i].code);
			assert_int_equal(r.complete, rows[i].complete);
			assert_int_equal(r.fault, rows[i].fault);
			assert_string_equal(r.text, rows[i].text);
		}
	assert_true(fed("220 mx\n", 99).bare_lf);
	assert_false(fed("220 mx\r\n", 99).bare_lf);
}

static void the_next_reply_is_left_alone(void **state)
{
	struct smtp_reply r;
	(void)state;

	smtp_reply_reset(&r);
	assert_int_equal(smtp_reply_feed(&r, "250 one\r\n221 two\r\n", 18), 9);
	assert_string_equal(r.text, "one\n");
}

static void nothing_grows_without_end(void **state)
{
	struct smtp_reply r;
	static char line[SMTP_LINE_BYTES + 10];
	size_t taken = 0;
	(void)state;

	memset(line, 'x', sizeof(line));
	memcpy(line, "220-", 4);
	smtp_reply_reset(&r);
	smtp_reply_feed(&r, line, sizeof(line));
	assert_int_equal(r.fault, SMTP_REPLY_LONG_LINE);

	smtp_reply_reset(&r);
	while (r.fault == SMTP_REPLY_OK && taken < 1000)
		taken += smtp_reply_feed(&r, "220-x\r\n", 7) > 0;
	assert_int_equal(r.fault, SMTP_REPLY_ENDLESS);
	assert_int_equal(taken, SMTP_REPLY_LINES);

	smtp_reply_reset(&r);
	line[1000] = '\n';
	for (int i = 0; i < 10; i++)
		smtp_reply_feed(&r, line, 1001);
	assert_true(r.cut && r.len < SMTP_REPLY_TEXT);
}

static void keywords_and_codes_are_found(void **state)
{
	struct smtp_reply r = fed("250-AUTH.example at your service\r\n250-SIZE 35882577\r\n"
				  "250-starttls\r\n250-AUTH=LOGIN\r\n250-AUTHENTIC X\r\n"
				  "250 8BITMIME\r\n",
				  7);
	char p[64], code[12];
	(void)state;

	assert_true(smtp_reply_keyword(&r, "SIZE", p, sizeof(p)));
	assert_string_equal(p, "35882577");
	assert_true(smtp_reply_keyword(&r, "STARTTLS", p, sizeof(p)));
	assert_string_equal(p, "");
	assert_true(smtp_reply_keyword(&r, "AUTH", p, sizeof(p)));
	assert_string_equal(p, "LOGIN");
	assert_false(smtp_reply_keyword(&r, "AUTHENTIC X", p, 1) && p[0]);
	assert_false(smtp_reply_keyword(&r, "PIPELINING", p, sizeof(p)));
	assert_false(smtp_reply_keyword(&r, "AUTH.example", p, sizeof(p)));
	assert_true(smtp_word("PLAIN login  SCRAM-SHA-256", "LOGIN"));
	assert_true(smtp_word("PLAIN login  SCRAM-SHA-256", "scram-sha-256"));
	assert_false(smtp_word("PLAIN-X", "PLAIN"));
	assert_false(smtp_word("", "PLAIN"));

	static const char *const codes[][2] = {
		{ "250 2.1.0 Ok\r\n", "2.1.0" },
		{ "550-5.7.1 a\r\n550 5.7.1 b\r\n", "5.7.1" },
		{ "550 2.7.1 wrong class\r\n", "" },
		{ "250 Ok 2.1.0\r\n", "" },
		{ "250 2.1\r\n", "" },
		{ "250 2.1.0x\r\n", "" },
		{ "535 5.7.139 x\r\n", "5.7.139" },
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		r = fed(codes[i][0], 99);
		smtp_reply_enhanced(&r, code);
		assert_string_equal(code, codes[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_are_read_in_any_pieces),
		cmocka_unit_test(the_next_reply_is_left_alone),
		cmocka_unit_test(nothing_grows_without_end),
		cmocka_unit_test(keywords_and_codes_are_found),
	};

	return cmocka_run_group_tests_name("smtp_reply", tests, NULL, NULL);
}
