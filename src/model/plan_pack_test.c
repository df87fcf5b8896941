/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/plan_pack.h"

#include <errno.h>
#include <string.h>

#include "base/cmocka.h"

static const char text[] =
    "operator: {name: X, as: 64500, languages: [en, pt-BR], space: [192.0.2.0/24]}\n"
    "segments:\n"
    "  - name: homes\n"
    "    kind: residential\n"
    "    treatment: closed\n"
    "    mode: drop\n"
    "    strict: yes\n"
    "    prefixes: [192.0.2.0/24, '2001:db8::/32', '::/1']\n"
    "  - {name: shops, kind: business, prefixes: [198.51.100.0/24]}\n"
    "smarthosts: [{name: relay, prefixes: [203.0.113.25]}]\n"
    "waves: [{name: first, segments: [homes]}]\n";

static void a_plan_comes_back_the_same(void **state)
{
	own_pack struct pack p = { 0 }, again = { 0 };
	own(plan) struct plan *plan = NULL;
	own(plan) struct plan *back = NULL;
	struct why why = { 0 };
	(void)state;

	assert_int_equal(plan_parse(text, strlen(text), "plan", &plan, NULL, &why), 0);
	assert_int_equal(plan_pack(plan, &p), 0);
	assert_int_equal(plan_unpack(p.bytes, p.len, &back), 0);
	assert_string_equal(back->segments[0].name, "homes");
	assert_int_equal(back->segments[0].mode, MODE_DROP);
	assert_true(back->segments[0].strict);
	assert_int_equal(back->segments[0].prefixes[1].line, 8);
	assert_int_equal(back->operator_.as_number, 64500);
	assert_string_equal(back->waves[0].segments[0], "homes");
	assert_null(back->segments[0].place);
	assert_int_equal(plan_pack(back, &again), 0);
	assert_int_equal(again.len, p.len);
	assert_memory_equal(again.bytes, p.bytes, p.len);
}

static void damaged_bytes_are_refused(void **state)
{
	own_pack struct pack p = { 0 };
	own(plan) struct plan *plan = NULL;
	struct why why = { 0 };
	(void)state;

	assert_int_equal(plan_parse(text, strlen(text), "plan", &plan, NULL, &why), 0);
	assert_int_equal(plan_pack(plan, &p), 0);
	for (size_t len = 0; len < p.len; len++) {
		struct plan *none = NULL;

		assert_int_equal(plan_unpack(p.bytes, len, &none), -EBADMSG);
	}
	/* Any one byte changed either still is a plan, or is refused; it is never read past. */
	for (size_t i = 0; i < p.len; i++) {
		struct plan *other = NULL;

		p.bytes[i] ^= 0x81;
		(void)plan_unpack(p.bytes, p.len, &other);
		plan_free(other);
		p.bytes[i] ^= 0x81;
	}
	struct plan *none = NULL;
	p.bytes[4] = 99; /* the version */
	assert_int_equal(plan_unpack(p.bytes, p.len, &none), -EPROTONOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_comes_back_the_same),
		cmocka_unit_test(damaged_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
