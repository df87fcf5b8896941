/* SPDX-License-Identifier: BSD-2-Clause */
#include "enforce/nft_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"
#include "sample.h"

#define NOW 1000

static int collect(void *arg, const struct nft_element *e)
{
	assert_int_equal(nft_elements_add(arg, e), 0);
	return 0;
}

static const struct nft_element *at(const struct nft_elements *l, addr_bits a)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->at[i].first <= a && a <= l->at[i].last)
			return &l->at[i];
	return NULL;
}

/* What the two maps of one question say of an address, timed before base, as nft asks. */
static const char *answer(const struct nft_view *v, enum nft_ask ask, bool strict, struct addr a)
{
	const char *text = "";

	for (int timed = 0; timed < 2; timed++) {
		struct nft_map m = { ask, strict, timed, a.family };
		struct nft_elements l = { 0 };
		const struct nft_element *e;

		assert_int_equal(nft_map_walk(v, m, collect, &l), 0);
		e = at(&l, a.bits);
		if (e)
			text = e->to == NFT_TO_NONE ? "" : nft_names_at(v->names, e->to);
		nft_elements_done(&l);
	}
	return text;
}

/* The same, straight from the ruleset. */
static const char *expected(const struct nft_view *v, enum nft_ask ask, bool strict, struct addr a)
{
	uint16_t index = ruleset_class(v->rs, a);
	const struct class *c = ruleset_class_at(v->rs, index, v->now);
	bool says = ask == NFT_FROM     ? (strict ? c->mode != MODE_OFF : c->cause != CAUSE_NONE)
		    : ask == NFT_REFUSE ? c->inbound == MODE_REJECT || c->inbound == MODE_DROP
					: c->inbound == MODE_MONITOR;

	if (!says || (strict && !c->strict))
		return "";
	return nft_names_at(v->names, v->number[c - v->rs->classes]);
}

static void check_answers(const struct nft_view *v, struct addr a)
{
	for (int ask = 0; ask < NFT_ASK_COUNT_; ask++)
		for (int strict = 0; strict < 2; strict++)
			assert_string_equal(answer(v, (enum nft_ask)ask, strict, a),
					    expected(v, (enum nft_ask)ask, strict, a));
}

static void maps_answer_as_the_ruleset_does(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 60; seed++) {
		own(ruleset) struct ruleset *rs = sample_ruleset(seed, 12, (struct wall){ NOW });
		own(nft_names) struct nft_names *names = NULL;
		struct nft_view v;

		assert_int_equal(nft_names_new(&names), 0);
		assert_int_equal(nft_view_init(&v, rs, names, (struct wall){ NOW }), 0);
		for (int f = 0; f < FAMILY_COUNT_; f++)
			for (size_t i = 0; i < ruleset_ranges(rs, (enum family)f); i++) {
				struct ruleset_range r = ruleset_range_at(rs, (enum family)f, i);

				check_answers(&v, r.first);
				check_answers(&v, (struct addr){ r.last, (enum family)f });
			}
		nft_view_done(&v);
	}
}

static void elements_are_sorted_disjoint_and_joined(void **state)
{
	(void)state;
	for (unsigned seed = 100; seed < 130; seed++) {
		own(ruleset) struct ruleset *rs = sample_ruleset(seed, 40, (struct wall){ NOW });
		own(nft_names) struct nft_names *names = NULL;
		struct nft_view v;

		assert_int_equal(nft_names_new(&names), 0);
		assert_int_equal(nft_view_init(&v, rs, names, (struct wall){ NOW }), 0);
		for (size_t i = 0; i < NFT_MAPS; i++) {
			struct nft_elements l = { 0 };

			assert_int_equal(nft_map_walk(&v, nft_map_at(i), collect, &l), 0);
			for (size_t k = 0; k < l.count; k++) {
				assert_true(l.at[k].first <= l.at[k].last);
				assert_int_equal(l.at[k].until.s != 0, nft_map_at(i).timed);
				if (k == 0)
					continue;
				const struct nft_element *a = &l.at[k - 1], *b = &l.at[k];
				assert_true(a->last < b->first);
				assert_true(a->last + 1 < b->first || a->to != b->to ||
					    a->until.s != b->until.s);
			}
			nft_elements_done(&l);
		}
		nft_view_done(&v);
	}
}

/* Take out and put in, as the kernel does. */
static void apply(struct nft_elements *l, const struct nft_elements *surplus,
		  const struct nft_elements *missing)
{
	for (size_t i = 0; i < surplus->count; i++) {
		size_t k = 0;

		while (k < l->count && l->at[k].first != surplus->at[i].first)
			k++;
		assert_true(k < l->count && l->at[k].last == surplus->at[i].last);
		memmove(&l->at[k], &l->at[k + 1], (l->count - k - 1) * sizeof(*l->at));
		l->count--;
	}
	for (size_t i = 0; i < missing->count; i++) {
		const struct nft_element *m = &missing->at[i];
		size_t k = 0;

		while (k < l->count && l->at[k].first < m->first)
			k++;
		assert_true(k == l->count || m->last < l->at[k].first);
		assert_true(k == 0 || l->at[k - 1].last < m->first);
		assert_int_equal(nft_elements_add(l, m), 0);
		memmove(&l->at[k + 1], &l->at[k], (l->count - 1 - k) * sizeof(*l->at));
		l->at[k] = *m;
	}
}

static void same(const struct nft_elements *a, const struct nft_elements *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_true(a->at[i].first == b->at[i].first && a->at[i].last == b->at[i].last);
		assert_int_equal(a->at[i].to, b->at[i].to);
		assert_int_equal(a->at[i].until.s, b->at[i].until.s);
	}
}

/* What put() sends, found near the prefix only, makes of the old map the new one. */
static void a_change_in_place_makes_the_new_map(void **state)
{
	(void)state;
	for (unsigned seed = 200; seed < 400; seed++) {
		own(ruleset) struct ruleset *rs = sample_ruleset(seed, 25, (struct wall){ NOW });
		own(nft_names) struct nft_names *names = NULL;
		struct prefix p = sample_prefix(rs, seed);
		struct class class = sample_class(rs, seed);
		struct nft_view v;

		assert_int_equal(nft_names_new(&names), 0);
		assert_int_equal(nft_view_init(&v, rs, names, (struct wall){ NOW }), 0);
		for (size_t i = 0; i < NFT_MAPS; i++) {
			struct nft_elements before = { 0 }, after = { 0 }, near = { 0 },
					    nearer = { 0 }, surplus = { 0 }, missing = { 0 };
			struct nft_map m = nft_map_at(i);

			v.over = NULL;
			assert_int_equal(nft_map_walk(&v, m, collect, &before), 0);
			assert_int_equal(nft_map_walk_near(&v, m, p, collect, &near), 0);
			assert_int_equal(nft_view_over(&v, p, &class), 0);
			assert_int_equal(nft_map_walk(&v, m, collect, &after), 0);
			assert_int_equal(nft_map_walk_near(&v, m, p, collect, &nearer), 0);
			assert_int_equal(nft_elements_diff(&near, &nearer, 0, &surplus, &missing),
					 0);
			apply(&before, &surplus, &missing);
			same(&before, &after);
			nft_elements_done(&before);
			nft_elements_done(&after);
			nft_elements_done(&near);
			nft_elements_done(&nearer);
			nft_elements_done(&surplus);
			nft_elements_done(&missing);
		}
		nft_view_done(&v);
	}
}

static void names_are_numbered_once(void **state)
{
	own(nft_names) struct nft_names *n = NULL;
	(void)state;

	assert_int_equal(nft_names_new(&n), 0);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 5000; i++) {
			char name[32];

			snprintf(name, sizeof(name), "segment-%d", i);
			assert_int_equal(nft_names_add(n, name), i);
		}
	assert_int_equal(nft_names_count(n), 5000);
	assert_string_equal(nft_names_at(n, 4711), "segment-4711");
	assert_true(nft_names_find(n, "segment-5000") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_answer_as_the_ruleset_does),
		cmocka_unit_test(elements_are_sorted_disjoint_and_joined),
		cmocka_unit_test(a_change_in_place_makes_the_new_map),
		cmocka_unit_test(names_are_numbered_once),
	};

	return cmocka_run_group_tests_name("nft_map", tests, NULL, NULL);
}
