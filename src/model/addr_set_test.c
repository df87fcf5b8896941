/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/addr_set.h"

#include "base/cmocka.h"

static void each_address_counts_once(void **state)
{
	struct addr_set s = { 0 };
	(void)state;

	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 5000; i++) {
			struct addr v4 = { i * 65536, FAMILY_V4 };
			struct addr v6 = { (addr_bits)i << 64, FAMILY_V6 };

			assert_int_equal(addr_set_add(&s, v4), round == 0);
			assert_int_equal(addr_set_add(&s, v6), round == 0);
		}
		assert_int_equal(addr_set_count(&s), 10000); /* 0.0.0.0 and :: among them */
	}
	addr_set_done(&s);
	assert_int_equal(addr_set_count(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_address_counts_once),
	};

	return cmocka_run_group_tests_name("addr_set", tests, NULL, NULL);
}
