/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/journal_replay.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide/compile.h"
#include "model/plan_pack.h"

struct replay {
	struct store *store;
	struct journal_check check;
	struct journal_replay result;
	struct plan *plan;
	uint64_t plan_id;
	struct exception *exceptions;
	size_t count, room;
	struct why *why;
};

typedef int (*kind_fn)(struct replay *r, const struct journal_entry *e, const json_t *body);

static int broken(struct replay *r, const struct journal_entry *e, const char *what)
{
	return why_set(r->why, -EUCLEAN, "journal, entry %" PRIu64 " (%s): %s", e->id, e->kind,
		       what);
}

static int add_exception(struct replay *r, const struct journal_entry *e, const json_t *body)
{
	const char *prefix = json_string_value(json_object_get(body, "prefix"));
	struct exception x = {
		.id = e->id,
		.until = { json_integer_value(json_object_get(body, "until")) },
	};

	if (!prefix || prefix_parse(prefix, &x.prefix) != PREFIX_OK || x.until.s == 0)
		return broken(r, e, "it is no exception");
	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 64;
		struct exception *larger = realloc(r->exceptions, room * sizeof(x));

		if (!larger)
			return -ENOMEM;
		r->exceptions = larger;
		r->room = room;
	}
	r->exceptions[r->count++] = x;
	return 0;
}

static int end_exception(struct replay *r, const struct journal_entry *e, const json_t *body)
{
	uint64_t id = (uint64_t)json_integer_value(json_object_get(body, "exception"));

	for (size_t i = 0; i < r->count; i++)
		if (r->exceptions[i].id == id) {
			r->exceptions[i] = r->exceptions[--r->count];
			return 0;
		}
	return broken(r, e, "it ends an exception that there is not");
}

static int need_plan(struct replay *r, uint64_t id)
{
	own(store_plan) struct store_plan *kept = NULL;
	own(plan) struct plan *plan = NULL;

	if (r->plan && r->plan_id == id)
		return 0;
	int e = id ? store_plan_get(r->store, id, &kept) : 0;
	if (e < 0)
		return e;
	if (id && !kept)
		return -ENOENT;
	e = kept ? plan_unpack(kept->pack, kept->pack_len, &plan) : 0;
	if (e < 0)
		return e;
	plan_free(r->plan);
	r->plan = take(plan);
	r->plan_id = id;
	return 0;
}

static int compile_again(struct replay *r, const struct journal_entry *e, const json_t *body)
{
	static const struct plan nothing;
	struct wall now = { json_integer_value(json_object_get(body, "now")) };
	const char *want = json_string_value(json_object_get(body, "ruleset"));
	own(ruleset) struct ruleset *rs = NULL;
	char hash[RULESET_HASH_TEXT_MAX];

	int code = need_plan(r, (uint64_t)json_integer_value(json_object_get(body, "plan")));
	if (code < 0)
		return broken(r, e, "its plan can not be read");
	const struct compile_input in = {
		.plan = r->plan ? r->plan : &nothing,
		.exceptions = r->exceptions,
		.exceptions_count = r->count,
	};
	code = compile(&in, now, &rs, r->why);
	if (code < 0)
		return code;
	if (!want || strcmp(want, ruleset_hash_text(rs, hash)) != 0)
		return broken(r, e, "the same decisions now come to another ruleset");
	r->result.rulesets++;
	return 0;
}

static const struct {
	const char *kind;
	kind_fn fn;
} kinds[] = {
	{ "exception.add", add_exception },
	{ "exception.remove", end_exception },
	{ "exception.expire", end_exception },
	{ "ruleset.compile", compile_again },
};

static int on_entry(void *arg, const struct journal_entry *e)
{
	struct replay *r = arg;
	int fault = journal_check_next(&r->check, e), code = 0;

	if (fault < 0)
		return fault;
	if (fault != JOURNAL_OK)
		return broken(r, e, journal_fault_text((enum journal_fault)fault));
	r->result.entries++;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].kind, e->kind) != 0)
			continue;
		json_t *body = json_loads(e->body, 0, NULL);

		code = body ? kinds[i].fn(r, e, body) : broken(r, e, "its body is no JSON");
		json_decref(body);
	}
	return code;
}

int journal_replay(struct store *s, struct journal_replay *ret, struct why *why)
{
	struct replay r = { .store = s, .check = journal_check_start(), .why = why };
	int code = store_journal(s, 0, 0, on_entry, &r);

	plan_free(r.plan);
	free(r.exceptions);
	if (code == 0)
		*ret = r.result;
	return code;
}
