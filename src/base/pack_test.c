/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"

static void what_is_packed_comes_back(void **state)
{
	own_pack struct pack p = { 0 };
	char text[8], *copy, *none;
	(void)state;

	pack_u8(&p, 7);
	pack_u16(&p, 0x1234);
	pack_u32(&p, 0xdeadbeef);
	pack_u64(&p, UINT64_MAX);
	pack_i64(&p, -5);
	pack_string(&p, "abc");
	pack_string(&p, "");
	pack_string(&p, NULL);
	assert_int_equal(pack_result(&p), 0);

	struct unpack u = unpack_from(p.bytes, p.len);
	assert_int_equal(unpack_u8(&u), 7);
	assert_int_equal(unpack_u16(&u), 0x1234);
	assert_int_equal(unpack_u32(&u), 0xdeadbeef);
	assert_true(unpack_u64(&u) == UINT64_MAX);
	assert_int_equal(unpack_i64(&u), -5);
	unpack_string(&u, text, sizeof(text));
	assert_string_equal(text, "abc");
	copy = unpack_strdup(&u, 10);
	none = unpack_strdup(&u, 10);
	assert_string_equal(copy, "");
	assert_null(none);
	assert_int_equal(unpack_end(&u), 0);
	free(copy);
}

static void every_cut_is_a_fault_that_sticks(void **state)
{
	own_pack struct pack p = { 0 };
	char text[16];
	(void)state;

	pack_u32(&p, 1);
	pack_string(&p, "hello");
	pack_u16(&p, 2);
	for (size_t len = 0; len < p.len; len++) {
		struct unpack u = unpack_from(p.bytes, len);

		(void)unpack_u32(&u);
		unpack_string(&u, text, sizeof(text));
		(void)unpack_u16(&u);
		assert_int_equal(unpack_end(&u), -EBADMSG);
		assert_int_equal(unpack_u8(&u), 0);
	}
	struct unpack u = unpack_from(p.bytes, p.len);
	(void)unpack_u32(&u);
	assert_int_equal(unpack_end(&u), -EBADMSG); /* something is left */
}

static void lengths_and_counts_are_not_believed(void **state)
{
	static const uint8_t long_string[] = { 5, 0, 0, 0, 'a', 'b', 'c', 'd', 'e' };
	static const uint8_t with_nul[] = { 3, 0, 0, 0, 'a', 0, 'c' };
	static const uint8_t many[] = { 0xff, 0xff, 0xff, 0x7f, 0, 0 };
	char text[5];
	(void)state;

	struct unpack u = unpack_from(long_string, sizeof(long_string));
	unpack_string(&u, text, sizeof(text));
	assert_true(u.failed);
	assert_string_equal(text, "");

	u = unpack_from(with_nul, sizeof(with_nul));
	unpack_string(&u, text, sizeof(text));
	assert_true(u.failed);

	u = unpack_from(many, sizeof(many));
	assert_int_equal(unpack_count(&u, 1), 0);
	assert_true(u.failed);

	u = unpack_from(many, sizeof(many));
	assert_int_equal(unpack_below(&u, 7), 0);
	assert_true(u.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_comes_back),
		cmocka_unit_test(every_cut_is_a_fault_that_sticks),
		cmocka_unit_test(lengths_and_counts_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
