/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/account.h"

#include <errno.h>
#include <stdio.h>

#include "base/cmocka.h"

static void one_account_has_one_name(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		/* clang-format off */
		{ "maria@provedor.example",         "maria@provedor.example" },
		{ "Maria@Provedor.EXAMPLE",         "maria@provedor.example" },
		{ "maria",                          "maria@provedor.example" },
		{ "maria@",                         "maria@provedor.example" },
		{ " maria ",                        "maria@provedor.example" },
		{ "MAIL\\maria",                    "maria@provedor.example" },
		{ "maria+lista@provedor.example",   "maria@provedor.example" },
		{ "maria+lista",                    "maria@provedor.example" },
		{ "m.silva@provedor.example",       "maria@provedor.example" }, /* alias */
		{ "M.Silva+x",                      "maria@provedor.example" }, /* alias, after the rest */
		{ "+maria",                         "+maria@provedor.example" },
		{ "a@b@outro.example",              "a@b@outro.example" },
		{ "",                               "" },
		{ "@provedor.example",              "" },
		{ "a\nb",                           "" },
		{ "\\",                             "" },
		/* clang-format on */
	};
	own(account_rules) struct account_rules *r = NULL;
	(void)state;

	assert_int_equal(account_rules_new("Provedor.example", false, &r), 0);
	assert_int_equal(account_alias_add(r, SLICE("m.silva"), SLICE("MARIA")), 0);
	assert_int_equal(account_alias_add(r, SLICE(""), SLICE("maria")), -EINVAL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char got[ACCOUNT_MAX];
		size_t n = account_canonical(r, slice_of(rows[i].name), got);

		assert_int_equal(n, strlen(rows[i].want));
		assert_memory_equal(got, rows[i].want, n);
	}
}

static void many_aliases_stay_apart(void **state)
{
	own(account_rules) struct account_rules *r = NULL;
	char a[32], b[32], got[ACCOUNT_MAX];
	(void)state;

	assert_int_equal(account_rules_new(NULL, true, &r), 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(a, sizeof(a), "a%d@x", i);
		snprintf(b, sizeof(b), "b%d@x", i % 100);
		assert_int_equal(account_alias_add(r, slice_of(a), slice_of(b)), 0);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(a, sizeof(a), "a%d@x", i);
		snprintf(b, sizeof(b), "b%d@x", i % 100);
		size_t n = account_canonical(r, slice_of(a), got);
		assert_int_equal(n, strlen(b));
		assert_memory_equal(got, b, n);
	}
	assert_int_equal(account_canonical(r, SLICE("x+y"), got), 3); /* keep_plus, no realm */
}

static void names_that_are_too_long_are_none(void **state)
{
	own(account_rules) struct account_rules *r = NULL;
	char name[ACCOUNT_MAX + 10], got[ACCOUNT_MAX];
	(void)state;

	assert_int_equal(account_rules_new("provedor.example", false, &r), 0);
	memset(name, 'a', sizeof(name));
	assert_int_equal(account_canonical(r, (struct slice){ name, sizeof(name) }, got), 0);
	assert_int_equal(account_canonical(r, (struct slice){ name, ACCOUNT_MAX - 1 }, got), 0);
	assert_int_equal(account_canonical(r, (struct slice){ name, ACCOUNT_MAX - 17 }, got),
			 ACCOUNT_MAX);
}

static void the_hash_depends_on_the_key(void **state)
{
	static const uint8_t one[ACCOUNT_KEY_BYTES] = { 1 }, two[ACCOUNT_KEY_BYTES] = { 2 };
	(void)state;

	assert_true(account_hash(one, SLICE("maria")) == account_hash(one, SLICE("maria")));
	assert_true(account_hash(one, SLICE("maria")) != account_hash(two, SLICE("maria")));
	assert_true(account_hash(one, SLICE("maria")) != account_hash(one, SLICE("mario")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_account_has_one_name),
		cmocka_unit_test(many_aliases_stay_apart),
		cmocka_unit_test(names_that_are_too_long_are_none),
		cmocka_unit_test(the_hash_depends_on_the_key),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
