/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions and restrictions. Adding an exception is the one thing that must
 * be fast: where it fits it is written into what is in force at once, then
 * journalled and answered, and compiled afterwards (engine_settle()).
 */
#include <errno.h>
#include <string.h>

#include "base/when.h"
#include "prog/engine.h"
#include "prog/event.h"

#define UNTIL_YEARS_MAX 10
#define YEAR_S          31557600

json_t *engine_exception_json(const struct exception *x)
{
	char prefix[PREFIX_TEXT_MAX], until[WHEN_TEXT_MAX];

	return json_pack("{s:I, s:s, s:s, s:s, s:s}", "id", (json_int_t)x->id, "prefix",
			 prefix_text(x->prefix, prefix), "until", when_text(x->until, until),
			 "reason", x->reason, "by", x->by);
}

/* Load `rs` and keep it as what should be in force; on failure the old one is kept. Takes it. */
static int replace_ruleset(struct engine *e, struct ruleset *rs, struct why *why)
{
	int r = filter_call_load(e, rs, false, why);

	if (r < 0) {
		ruleset_free(rs);
		return r;
	}
	ruleset_free(e->ruleset);
	e->ruleset = rs;
	e->stale = false;
	return 0;
}

/*
 * The one class that all addresses of the prefix have, if it is a segment's:
 * then the exception is a single write. False when it is more than that.
 */
static bool single_class(const struct engine *e, struct prefix p, struct class *ret)
{
	struct addr first = p.addr;
	uint16_t index = ruleset_class(e->ruleset, first);
	size_t n = ruleset_ranges(e->ruleset, first.family), low = 0;

	/* The range that holds the first address must hold the last one too. */
	while (n - low > 1) {
		size_t middle = low + (n - low) / 2;

		if (ruleset_range_at(e->ruleset, first.family, middle).first.bits <= first.bits)
			low = middle;
		else
			n = middle;
	}
	if (ruleset_range_at(e->ruleset, first.family, low).last < prefix_last(p))
		return false;
	*ret = e->ruleset->classes[index];
	if (ret->cause == CAUSE_RESTRICTION)
		return false;
	*ret = (struct class){ .cause = CAUSE_EXCEPTION };
	memcpy(ret->segment, e->ruleset->classes[index].segment, sizeof(ret->segment));
	return true;
}

/* In place, or by compiling and loading everything with it. `x` is in e->exceptions. */
static int force_exception(struct engine *e, const struct exception *x, bool *ret_in_place,
			   struct why *why)
{
	struct call_put put = { .prefix = x->prefix };
	struct ruleset *rs = NULL;
	int r = -ENOSPC;

	*ret_in_place = single_class(e, x->prefix, &put.class);
	if (*ret_in_place)
		r = filter_call_put(e, &put, why);
	if (r == -ENOSPC || r == -ENODATA) {
		*ret_in_place = false;
		r = engine_compile(e, NULL, wall_now(), &rs, why);
		if (r == 0)
			r = replace_ruleset(e, rs, why);
	}
	if (r == 0)
		e->stale = true; /* engine_settle() journals what was compiled */
	return r;
}

/* Back to what was, without the exception; the kernel follows at the latest at the next reconcile.
 */
static void unforce(struct engine *e, uint64_t id)
{
	struct ruleset *rs = NULL;
	struct why why = { 0 };

	exceptions_remove(&e->exceptions, id);
	int r = engine_compile(e, NULL, wall_now(), &rs, &why);
	if (r == 0)
		r = replace_ruleset(e, rs, &why);
	if (r < 0)
		say(EV_FILTER_FAILED, LOG_S("why", why.text));
}

static int check_exception(const struct api_request *r, struct wall now, struct problem *p)
{
	char text[WHEN_TEXT_MAX];

	if (r->until.s <= now.s)
		return problem_set(p, PROBLEM_INVALID, "until", "until: %s is in the past",
				   when_text(r->until, text));
	if (r->until.s > now.s + (int64_t)UNTIL_YEARS_MAX * YEAR_S)
		return problem_set(p, PROBLEM_INVALID, "until",
				   "until: %s is more than %d years away; an exception ends",
				   when_text(r->until, text), UNTIL_YEARS_MAX);
	return 0;
}

static int note_exception(struct engine *e, struct exception *x, struct wall now)
{
	char prefix[PREFIX_TEXT_MAX];
	int r = store_begin(e->store);

	if (r == 0)
		r = engine_note(e, "exception.add", x->by, 0,
				json_pack("{s:s, s:I, s:s}", "prefix",
					  prefix_text(x->prefix, prefix), "until",
					  (json_int_t)x->until.s, "reason", x->reason),
				&x->id);
	return r < 0 ? r : store_exception_add(e->store, x, now);
}

static double ms_after(uint64_t asked_ns)
{
	return (double)(mono_now().ns - (int64_t)asked_ns) / 1e6;
}

static int commit_effect(struct engine *e, uint64_t cause, double ms, bool in_place)
{
	int r = engine_note(e, "effect.exception", "porteirod", cause,
			    json_pack("{s:s, s:f, s:b}", "backend",
				      conf_backend_name(e->base.conf.backend), "in_force_ms", ms,
				      "in_place", (int)in_place),
			    NULL);

	return r < 0 ? r : store_commit(e->store);
}

int engine_exception_add(struct engine *e, const struct api_request *r, json_t **ret,
			 struct problem *p)
{
	struct exception x = { .prefix = r->prefix, .until = r->until };
	char prefix[PREFIX_TEXT_MAX], until[WHEN_TEXT_MAX];
	struct why why = { 0 };
	struct wall now = wall_now();
	bool in_place;

	if (check_exception(r, now, p) < 0)
		return -EINVAL;
	memcpy(x.reason, r->reason, sizeof(x.reason));
	memcpy(x.by, r->by, sizeof(x.by));
	int code = note_exception(e, &x, now);
	if (code == 0)
		code = exceptions_add(&e->exceptions, &x);
	if (code < 0)
		return engine_store_problem(e, code, p);
	if (force_exception(e, &x, &in_place, &why) < 0) {
		store_rollback(e->store);
		exceptions_remove(&e->exceptions, x.id);
		return engine_filter_problem(e, &why, p);
	}
	double ms = ms_after(r->asked_ns);
	code = commit_effect(e, x.id, ms, in_place);
	if (code < 0) {
		engine_store_problem(e, code, p);
		unforce(e, x.id);
		return -EINVAL;
	}
	e->count.exceptions_added++;
	say(EV_EXCEPTION_ADDED, LOG_N("exception", x.id),
	    LOG_S("prefix", prefix_text(x.prefix, prefix)),
	    LOG_S("until", when_text(x.until, until)), LOG_S("by", x.by),
	    LOG_S("reason", x.reason));
	engine_arm(e);
	*ret = engine_exception_json(&x);
	json_object_set_new(*ret, "in_force_ms", json_real(ms));
	json_object_set_new(*ret, "open", json_boolean(e->open));
	return 0;
}

/* End these exceptions and restrictions in the store and put the rest in force, or change nothing.
 */
struct ending {
	uint64_t *exceptions, *restrictions;
	size_t exceptions_count, restrictions_count;
	const char *kind, *by;
};

static int note_ends(struct engine *e, const struct ending *end, struct wall now, uint64_t *ret_id)
{
	int r = store_begin(e->store);

	for (size_t i = 0; r == 0 && i < end->exceptions_count; i++) {
		r = engine_note(e, end->kind, end->by, end->exceptions[i],
				json_pack("{s:I}", "exception", (json_int_t)end->exceptions[i]),
				ret_id);
		if (r == 0)
			r = store_exception_end(e->store, end->exceptions[i], now, *ret_id);
	}
	for (size_t i = 0; r == 0 && i < end->restrictions_count; i++) {
		r = engine_note(e, "restriction.expire", end->by, end->restrictions[i],
				json_pack("{s:I}", "restriction", (json_int_t)end->restrictions[i]),
				ret_id);
		if (r == 0)
			r = store_restriction_end(e->store, end->restrictions[i], now, *ret_id);
	}
	return r;
}

static void drop_ended(struct engine *e, const struct ending *end)
{
	for (size_t i = 0; i < end->exceptions_count; i++) {
		exceptions_remove(&e->exceptions, end->exceptions[i]);
		e->count.exceptions_ended++;
		say(EV_EXCEPTION_ENDED, LOG_N("exception", end->exceptions[i]),
		    LOG_S("by", end->by));
	}
	for (size_t i = 0; i < end->restrictions_count; i++)
		for (size_t k = 0; k < e->restrictions.count; k++)
			if (e->restrictions.at[k].id == end->restrictions[i]) {
				e->restrictions.at[k] = e->restrictions.at[--e->restrictions.count];
				say(EV_RESTRICTION_ENDED,
				    LOG_N("restriction", end->restrictions[i]));
				break;
			}
}

/* The ruleset without what ends, from copies of the lists. */
static int compile_without(struct engine *e, const struct ending *end, struct wall now,
			   struct ruleset **ret, struct why *why)
{
	struct compile_input in = engine_input(e, NULL);
	own_mem struct exception *rest = calloc(in.exceptions_count + 1, sizeof(*rest));
	size_t n = 0;

	if (!rest)
		return why_set(why, -ENOMEM, "out of memory");
	for (size_t i = 0; i < in.exceptions_count; i++) {
		bool ends = false;

		for (size_t k = 0; k < end->exceptions_count; k++)
			ends |= end->exceptions[k] == in.exceptions[i].id;
		if (!ends)
			rest[n++] = in.exceptions[i];
	}
	in.exceptions = rest;
	in.exceptions_count = n;
	return compile(&in, now, ret, why); /* restrictions that ran out are left out by `now` */
}

static int end_lines(struct engine *e, const struct ending *end, struct problem *p)
{
	own(ruleset) struct ruleset *rs = NULL;
	struct wall now = wall_now();
	struct why why = { 0 };
	uint64_t id = 0;

	engine_settle(e);
	int r = compile_without(e, end, now, &rs, &why);
	if (r < 0)
		return problem_set(p, PROBLEM_INTERNAL, "", "%s", why.text);
	r = note_ends(e, end, now, &id);
	if (r == 0)
		r = engine_note_ruleset(e, rs, e->kept ? e->kept->id : 0, now, id, NULL);
	if (r < 0)
		return engine_store_problem(e, r, p);
	if (filter_call_load(e, rs, false, &why) < 0) {
		store_rollback(e->store);
		return engine_filter_problem(e, &why, p);
	}
	r = store_commit(e->store);
	if (r < 0) {
		engine_store_problem(e, r, p);
		if (filter_call_load(e, e->ruleset, false, &why) < 0)
			(void)engine_filter_problem(e, &why, p);
		return -EINVAL;
	}
	drop_ended(e, end);
	ruleset_free(e->ruleset);
	e->ruleset = take(rs);
	e->stale = false;
	engine_arm(e);
	return 0;
}

int engine_exception_remove(struct engine *e, const struct api_request *r, json_t **ret,
			    struct problem *p)
{
	uint64_t id = r->id;
	struct ending end = {
		.exceptions = &id, .exceptions_count = 1, .kind = "exception.remove", .by = r->by
	};

	for (size_t i = 0; i < e->exceptions.count; i++) {
		if (e->exceptions.at[i].id != id)
			continue;
		json_t *was = engine_exception_json(&e->exceptions.at[i]);

		if (end_lines(e, &end, p) < 0) {
			json_decref(was);
			return -EINVAL;
		}
		*ret = was;
		return 0;
	}
	return problem_set(p, PROBLEM_NOT_FOUND, "id", "there is no exception %llu",
			   (unsigned long long)id);
}

void engine_expire(struct engine *e)
{
	own_mem uint64_t *exceptions = calloc(e->exceptions.count + 1, sizeof(*exceptions));
	own_mem uint64_t *restrictions = calloc(e->restrictions.count + 1, sizeof(*restrictions));
	struct ending end = { .exceptions = exceptions,
			      .restrictions = restrictions,
			      .kind = "exception.expire",
			      .by = "porteirod" };
	struct wall now = wall_now();
	struct problem p;

	if (!exceptions || !restrictions)
		return;
	for (size_t i = 0; i < e->exceptions.count; i++)
		if (e->exceptions.at[i].until.s < now.s)
			exceptions[end.exceptions_count++] = e->exceptions.at[i].id;
	for (size_t i = 0; i < e->restrictions.count; i++)
		if (e->restrictions.at[i].until.s <= now.s)
			restrictions[end.restrictions_count++] = e->restrictions.at[i].id;
	if (end.exceptions_count || end.restrictions_count)
		(void)end_lines(e, &end,
				&p); /* the failure is logged; tried again with the timer */
}

/*
 * After exceptions were put in place: compile, so that what should be in force
 * has its hash, and see that the kernel holds just that.
 */
void engine_settle(struct engine *e)
{
	struct ruleset *rs = NULL;
	struct wall now = wall_now();
	struct why why = { 0 };

	if (!e->stale)
		return;
	if (engine_compile(e, NULL, now, &rs, &why) < 0) {
		say(EV_FILTER_FAILED, LOG_S("why", why.text));
		return;
	}
	ruleset_free(e->ruleset);
	e->ruleset = rs;
	e->stale = false;
	int r = store_begin(e->store);
	if (r == 0)
		r = engine_note_ruleset(
		    e, rs, e->kept ? e->kept->id : 0, now,
		    e->exceptions.count ? e->exceptions.at[e->exceptions.count - 1].id : 0, NULL);
	if (r == 0)
		r = store_commit(e->store);
	if (r < 0) {
		struct problem p;
		(void)engine_store_problem(e, r, &p);
	}
	if (filter_call_load(e, rs, true, &why) < 0)
		say(EV_FILTER_FAILED, LOG_S("why", why.text));
	else
		(void)engine_reconcile(e, "porteirod", 0);
}
