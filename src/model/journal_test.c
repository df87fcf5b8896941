/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/journal.h"

#include <sodium.h>
#include <string.h>

#include "base/cmocka.h"

static struct journal_entry chain[3];

static void make_chain(void)
{
	for (unsigned i = 0; i < 3; i++) {
		chain[i] = (struct journal_entry){ .id = i + 1,
						   .at = { 1700000000 + i },
						   .kind = "open",
						   .by = "ana",
						   .cause = i,
						   .body = "{}" };
		if (i)
			memcpy(chain[i].previous, chain[i - 1].hash, 32);
		assert_int_equal(journal_hash(&chain[i], chain[i].hash), 0);
	}
}

static int check(const struct journal_entry *e, size_t count)
{
	struct journal_check c = journal_check_start();
	int r = JOURNAL_OK;

	for (size_t i = 0; i < count && r == JOURNAL_OK; i++)
		r = journal_check_next(&c, &e[i]);
	return r;
}

/* The bytes that the header promises, put together by hand. */
static void the_hash_is_over_the_bytes_that_are_documented(void **state)
{
	static const uint8_t bytes[] =
	    "\1\0\0\0\0\0\0\0"
	    "\0\361\123\145\0\0\0\0"
	    "\4\0\0\0open"
	    "\3\0\0\0ana"
	    "\0\0\0\0\0\0\0\0"
	    "\2\0\0\0{}"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	uint8_t hash[32];
	(void)state;

	make_chain();
	assert_int_equal(sizeof(bytes), 8 + 8 + 8 + 7 + 8 + 6 + 32);
	crypto_generichash(hash, 32, bytes, sizeof(bytes), NULL, 0);
	assert_memory_equal(hash, chain[0].hash, 32);
}

static void any_change_breaks_the_chain(void **state)
{
	(void)state;

	make_chain();
	assert_int_equal(check(chain, 3), JOURNAL_OK);

	chain[1].by = "eve";
	assert_int_equal(check(chain, 3), JOURNAL_CHANGED);
	/* With a hash of its own it is the next entry that tells. */
	assert_int_equal(journal_hash(&chain[1], chain[1].hash), 0);
	assert_int_equal(check(chain, 3), JOURNAL_BROKEN);

	make_chain();
	chain[1] = chain[2];
	assert_int_equal(check(chain, 2), JOURNAL_GAP);

	make_chain();
	chain[2].body = "{ }";
	assert_int_equal(check(chain, 3), JOURNAL_CHANGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_over_the_bytes_that_are_documented),
		cmocka_unit_test(any_change_breaks_the_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
