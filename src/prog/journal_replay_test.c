/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/journal_replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cmocka.h"
#include "decide/compile.h"
#include "model/plan_pack.h"

static const char text[] = "operator: {name: X}\n"
			   "segments: [{name: homes, kind: residential, treatment: closed,"
			   " prefixes: [192.0.2.0/24]}]\n";
static char dir[] = "/tmp/replay-test-XXXXXX";
static char path[64];

static uint64_t note(struct store *s, const char *kind, uint64_t cause, const char *body)
{
	uint64_t id = 0;

	assert_int_equal(store_journal_add(s, (struct wall){ 1000 }, kind, "ana", cause, body, &id),
			 0);
	return id;
}

static void compiled(struct store *s, uint64_t plan_id, const struct plan *plan,
		     const struct exception *x, size_t count)
{
	const struct compile_input in = { .plan = plan,
					  .exceptions = x,
					  .exceptions_count = count };
	own(ruleset) struct ruleset *rs = NULL;
	char hash[RULESET_HASH_TEXT_MAX], body[200];

	assert_int_equal(compile(&in, (struct wall){ 1000 }, &rs, NULL), 0);
	snprintf(body, sizeof(body), "{\"now\":1000,\"plan\":%llu,\"ruleset\":\"%s\"}",
		 (unsigned long long)plan_id, ruleset_hash_text(rs, hash));
	note(s, "ruleset.compile", plan_id, body);
}

/* A plan, an exception, its end: three rulesets. */
static void write_story(struct store *s)
{
	own(plan) struct plan *plan = NULL;
	own_pack struct pack p = { 0 };
	struct exception x = { .until = { 5000 } };

	assert_int_equal(plan_parse(text, strlen(text), "plan", &plan, NULL, NULL), 0);
	assert_int_equal(plan_pack(plan, &p), 0);
	struct store_plan kept = { .by = "ana",
				   .text = (char *)text,
				   .text_len = strlen(text),
				   .pack = p.bytes,
				   .pack_len = p.len };
	assert_int_equal(store_begin(s), 0);
	kept.id = note(s, "plan.apply", 0, "{}");
	assert_int_equal(store_plan_add(s, &kept), 0);
	compiled(s, kept.id, plan, NULL, 0);
	note(s, "exception.add", 0,
	     "{\"prefix\":\"192.0.2.7/32\",\"until\":5000,\"reason\":\"x\"}");
	prefix_parse("192.0.2.7", &x.prefix);
	compiled(s, kept.id, plan, &x, 1);
	note(s, "exception.remove", 3, "{\"exception\":3}");
	compiled(s, kept.id, plan, NULL, 0);
	assert_int_equal(store_commit(s), 0);
}

static int fresh(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void the_same_decisions_give_the_same_rulesets(void **state)
{
	own(store) struct store *s = NULL;
	struct journal_replay r;
	struct why why = { 0 };
	(void)state;

	assert_int_equal(store_open(path, &s, &why), 0);
	write_story(s);
	assert_int_equal(journal_replay(s, &r, &why), 0);
	assert_int_equal(r.entries, 6);
	assert_int_equal(r.rulesets, 3);
}

static void another_decision_is_told_from_them(void **state)
{
	own(store) struct store *s = NULL;
	struct journal_replay r;
	struct why why = { 0 };
	(void)state;

	assert_int_equal(store_open(path, &s, &why), 0);
	write_story(s);
	assert_int_equal(store_begin(s), 0);
	note(s, "exception.add", 0,
	     "{\"prefix\":\"192.0.2.9/32\",\"until\":5000,\"reason\":\"x\"}");
	note(s, "ruleset.compile", 7, "{\"now\":1000,\"plan\":1,\"ruleset\":\"00\"}");
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(journal_replay(s, &r, &why), -EUCLEAN);
	assert_non_null(strstr(why.text, "entry 8"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_same_decisions_give_the_same_rulesets, fresh),
		cmocka_unit_test_setup(another_decision_is_told_from_them, fresh),
	};

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/store", dir);
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(dir);
	return r;
}
