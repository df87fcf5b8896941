/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/plan_pack.h"
#include "prog/engine.h"
#include "prog/event.h"

/* Room for one more element in an array that doubles. */
static int grow(void **array, size_t *room, size_t count, size_t size)
{
	if (count < *room)
		return 0;
	size_t larger = *room ? *room * 2 : 64;
	void *moved = realloc(*array, larger * size);

	if (!moved)
		return -ENOMEM;
	*array = moved;
	*room = larger;
	return 0;
}

int exceptions_add(struct exceptions *x, const struct exception *e)
{
	int r = grow((void **)&x->at, &x->room, x->count, sizeof(*x->at));

	if (r == 0)
		x->at[x->count++] = *e;
	return r;
}

void exceptions_remove(struct exceptions *x, uint64_t id)
{
	for (size_t i = 0; i < x->count; i++) {
		if (x->at[i].id != id)
			continue;
		memmove(&x->at[i], &x->at[i + 1], (x->count - i - 1) * sizeof(*x->at));
		x->count--;
		return;
	}
}

int restrictions_add(struct restrictions *x, const struct restriction *r)
{
	int e = grow((void **)&x->at, &x->room, x->count, sizeof(*x->at));

	if (e == 0)
		x->at[x->count++] = *r;
	return e;
}

static int take_exception(void *arg, const struct store_exception *x)
{
	struct engine *e = arg;

	return exceptions_add(&e->exceptions, &x->e);
}

static int take_restriction(void *arg, const struct restriction *x)
{
	struct engine *e = arg;

	return restrictions_add(&e->restrictions, x);
}

static int load_plan(struct engine *e, struct why *why)
{
	own(store_plan) struct store_plan *kept = NULL;
	own(plan) struct plan *plan = NULL;
	int r = store_plan_get(e->store, 0, &kept);

	if (r < 0)
		return why_set(why, r, "the plan can not be read: %s", store_why(e->store));
	if (!kept)
		return 0;
	r = plan_unpack(kept->pack, kept->pack_len, &plan);
	if (r < 0)
		return why_set(why, r, "plan %llu in the store can not be read",
			       (unsigned long long)kept->id);
	free(kept->pack);
	kept->pack = NULL;
	e->plan = take(plan);
	e->kept = take(kept);
	return 0;
}

struct compile_input engine_input(const struct engine *e, const struct plan *plan)
{
	static const struct plan nothing; /* before the first plan everything passes */

	return (struct compile_input){
		.plan = plan      ? plan
			: e->plan ? e->plan
				  : &nothing,
		.exceptions = e->exceptions.at,
		.exceptions_count = e->exceptions.count,
		.restrictions = e->restrictions.at,
		.restrictions_count = e->restrictions.count,
	};
}

int engine_compile(const struct engine *e, const struct plan *plan, struct wall now,
		   struct ruleset **ret, struct why *why)
{
	const struct compile_input in = engine_input(e, plan);

	return compile(&in, now, ret, why);
}

int engine_load(struct engine *e, struct wall now, struct why *why)
{
	int r = load_plan(e, why);

	if (r < 0)
		return r;
	r = store_exceptions(e->store, false, take_exception, e);
	if (r == 0)
		r = store_restrictions(e->store, false, take_restriction, e);
	if (r == 0)
		r = store_opening(e->store, &e->open, &e->open_cause);
	if (r < 0)
		return why_set(why, r, "the store can not be read: %s", store_why(e->store));
	return engine_compile(e, NULL, now, &e->ruleset, why);
}

int engine_note(struct engine *e, const char *kind, const char *by, uint64_t cause, json_t *body,
		uint64_t *ret_id)
{
	uint64_t id;
	own_mem char *text = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(body);
	if (!text)
		return -ENOMEM;
	int r = store_journal_add(e->store, wall_now(), kind, by, cause, text, &id);
	if (r == 0 && ret_id)
		*ret_id = id;
	return r;
}

int engine_note_ruleset(struct engine *e, const struct ruleset *rs, uint64_t plan, struct wall now,
			uint64_t cause, uint64_t *ret_id)
{
	char hash[RULESET_HASH_TEXT_MAX];
	uint64_t id;
	int r = engine_note(e, "ruleset.compile", "porteirod", cause,
			    json_pack("{s:s, s:I, s:I}", "ruleset", ruleset_hash_text(rs, hash),
				      "plan", (json_int_t)plan, "now", (json_int_t)now.s),
			    &id);

	if (r == 0 && plan)
		r = store_ruleset_add(e->store, id, rs->hash, now, plan);
	if (r == 0 && ret_id)
		*ret_id = id;
	return r;
}

void engine_note_alone(struct engine *e, const char *kind, const char *by, uint64_t cause,
		       json_t *body, uint64_t *ret_id)
{
	int r = store_begin(e->store);

	if (r < 0)
		json_decref(body);
	else
		r = engine_note(e, kind, by, cause, body, ret_id);
	if (r == 0)
		r = store_commit(e->store);
	if (r == 0)
		return;
	store_rollback(e->store);
	e->count.store_failures++;
	say(EV_STORE_FAILED, LOG_S("entry", kind), LOG_S("why", store_why(e->store)));
}

int engine_store_problem(struct engine *e, int code, struct problem *p)
{
	store_rollback(e->store);
	e->count.store_failures++;
	say(EV_STORE_FAILED, LOG_N("code", code), LOG_S("why", store_why(e->store)));
	if (code == -ENOSPC)
		return problem_set(p, PROBLEM_FULL, "",
				   "the store's disk is full: nothing was changed");
	return problem_set(p, PROBLEM_INTERNAL, "", "the store: %.150s: nothing was changed",
			   *store_why(e->store) ? store_why(e->store) : strerror(-code));
}

struct wall engine_next_end(const struct engine *e)
{
	struct wall next = { 0 };

	/* The last second it holds is `until`: it has ended a second later. */
	for (size_t i = 0; i < e->exceptions.count; i++)
		if (!next.s || e->exceptions.at[i].until.s + 1 < next.s)
			next.s = e->exceptions.at[i].until.s + 1;
	for (size_t i = 0; i < e->restrictions.count; i++)
		if (!next.s || e->restrictions.at[i].until.s < next.s)
			next.s = e->restrictions.at[i].until.s;
	return next;
}
