/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/arena.h"

#include <stdalign.h>
#include <string.h>

#include "base/cmocka.h"

static void what_it_gives_is_zeroed_aligned_and_apart(void **state)
{
	static const size_t sizes[] = { 1, 7, 64, 5000, 300000, 3, 262080, 16 };
	own(arena) struct arena *a = arena_new();
	(void)state;

	assert_non_null(a);
	for (size_t round = 0; round < 50; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			unsigned char *p = arena_get(a, sizes[i]);

			assert_non_null(p);
			assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
			for (size_t n = 0; n < sizes[i]; n++)
				assert_int_equal(p[n], 0);
			memset(p, 0xff, sizes[i]); /* shows up above if two pieces overlap */
		}
	}
}

static void a_text_ends_where_it_ends(void **state)
{
	own(arena) struct arena *a = arena_new();
	const char *left = arena_text(a, "portal", 4), *right = arena_text(a, "eiro", 4);
	(void)state;

	assert_string_equal(left, "port");
	assert_string_equal(right, "eiro");
}

static void too_much_is_refused(void **state)
{
	own(arena) struct arena *a = arena_new();
	(void)state;

	assert_null(arena_get(a, SIZE_MAX - 8));
	assert_non_null(arena_get(a, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_gives_is_zeroed_aligned_and_apart),
		cmocka_unit_test(a_text_ends_where_it_ends),
		cmocka_unit_test(too_much_is_refused),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
