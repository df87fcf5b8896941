/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine: the state of the engine role, and what can be done to it.
 *
 * The engine owns the store and decides; it has no capabilities and reads
 * nothing that comes from outside. One change is made at a time, from
 * store_begin() to the answer, waiting for the enforce role in between: so two
 * changes never mix, and each is journalled with its effect or not at all.
 *
 *   engine.c          the role: start, messages, timers
 *   engine_state.c    store → plan, exceptions, restrictions, ruleset
 *   engine_filter.c   calls to the enforce role
 *   engine_plan.c     apply
 *   engine_line.c     exceptions and restrictions
 *   engine_force.c    open, resume, reconcile
 *   engine_answer.c   what is only asked: status, journal, why …
 */
#pragma once

#include <jansson.h>

#include "decide/compile.h"
#include "model/plan.h"
#include "model/ruleset.h"
#include "prog/call.h"
#include "prog/role.h"
#include "store/store.h"
#include "tell/api.h"
#include "tell/problem.h"

/* A count the daemon keeps of itself: row, one line for people. */
#define ENGINE_COUNTERS(X)                                                         \
	X(requests, "requests answered")                                           \
	X(problems, "requests answered with a problem")                            \
	X(plans_applied, "plans put in force")                                     \
	X(exceptions_added, "exceptions added")                                    \
	X(exceptions_ended, "exceptions removed or run out")                       \
	X(reconciles, "comparisons of what should be in force with what is")       \
	X(drifts, "comparisons that found a difference")                           \
	X(drift_ranges, "address ranges found with another treatment than wanted") \
	X(drift_objects, "other things found missing, surplus or changed")         \
	X(repairs, "differences put right")                                        \
	X(filter_failures, "calls that the filter refused")                        \
	X(store_failures, "changes that could not be written down")

struct engine_counters {
#define X(name, help) uint64_t name;
	ENGINE_COUNTERS(X)
#undef X
};

struct exceptions {
	struct exception *at;
	size_t count, room;
};

struct restrictions {
	struct restriction *at;
	size_t count, room;
};

/* What the last reconcile found. */
struct reconciled {
	struct wall at; /* 0: none yet */
	struct filter_drift drift;
	bool repaired;
	struct why failed; /* code 0: it could be done */
};

struct engine {
	struct role_base base; /* first: role_ping() counts on it */
	struct link enforce, web;
	struct store *store;
	struct ipc_message *reply;

	struct plan *plan;       /* NULL before the first apply */
	struct store_plan *kept; /* the same as the store has it, without its pack */
	struct exceptions exceptions;
	struct restrictions restrictions;
	struct ruleset *ruleset; /* what should be in force; of no plan: everything passes */
	bool stale;              /* an exception was put in place: compile and compare soon */
	bool open;
	uint64_t open_cause;
	uint64_t start_entry;
	struct wall started;

	struct reconciled last;
	struct engine_counters count;
	uv_timer_t settle, expire, reconcile;
};

/* --- engine_state.c --- */
/* Everything from the store, and the ruleset compiled as of `now`. */
int engine_load(struct engine *e, struct wall now, struct why *why);
/* What the compiler takes: `plan` (NULL: the present one) and the present records; borrowed. */
struct compile_input engine_input(const struct engine *e, const struct plan *plan);
/* The ruleset that `plan` (NULL: the present one) gives with the present exceptions. */
int engine_compile(const struct engine *e, const struct plan *plan, struct wall now,
		   struct ruleset **ret, struct why *why);
int exceptions_add(struct exceptions *x, const struct exception *e);
void exceptions_remove(struct exceptions *x, uint64_t id);
int restrictions_add(struct restrictions *x, const struct restriction *r);
/* Journal an entry inside the open change; `body` is taken. */
int engine_note(struct engine *e, const char *kind, const char *by, uint64_t cause, json_t *body,
		uint64_t *ret_id);
/* Journal that the present plan, compiled at `now`, gave `rs`; caused by `cause`. */
int engine_note_ruleset(struct engine *e, const struct ruleset *rs, uint64_t plan, struct wall now,
			uint64_t cause, uint64_t *ret_id);
/* An entry in a change of its own; a failure is logged, not returned. */
void engine_note_alone(struct engine *e, const char *kind, const char *by, uint64_t cause,
		       json_t *body, uint64_t *ret_id);
/* The problem for a failure of the store. */
int engine_store_problem(struct engine *e, int code, struct problem *p);
/* When the next exception or restriction ends; 0: none. */
struct wall engine_next_end(const struct engine *e);

/* --- engine_filter.c --- */
/* Put in force, or (`keep`) only tell the enforce role what should be. */
int filter_call_load(struct engine *e, const struct ruleset *rs, bool keep, struct why *why);
int filter_call_put(struct engine *e, const struct call_put *put, struct why *why);
int filter_call_compare(struct engine *e, struct wall now, struct filter_drift *ret,
			struct why *why);
int filter_call_set_open(struct engine *e, bool open, struct why *why);
int filter_call_is_open(struct engine *e, bool *ret, struct why *why);
int filter_call_counters(struct engine *e, filter_count_fn fn, void *arg, struct why *why);
/* The problem for a failure of one of these. */
int engine_filter_problem(struct engine *e, const struct why *why, struct problem *p);

/* --- answers to requests: 0 and a body, or -EINVAL and a problem --- */
struct plan_blob {
	const uint8_t *pack;
	const char *text;
	size_t pack_len, text_len;
	json_t *warnings; /* borrowed */
};
int engine_apply(struct engine *e, const struct api_request *r, const struct plan_blob *blob,
		 json_t **ret, struct problem *p);
int engine_exception_add(struct engine *e, const struct api_request *r, json_t **ret,
			 struct problem *p);
int engine_exception_remove(struct engine *e, const struct api_request *r, json_t **ret,
			    struct problem *p);
int engine_open(struct engine *e, const struct api_request *r, json_t **ret, struct problem *p);
int engine_resume(struct engine *e, const struct api_request *r, json_t **ret, struct problem *p);
int engine_reconcile_asked(struct engine *e, const struct api_request *r, json_t **ret,
			   struct problem *p);
int engine_health(struct engine *e, const struct api_request *r, json_t **ret, struct problem *p);
int engine_status(struct engine *e, const struct api_request *r, json_t **ret, struct problem *p);
int engine_exception_list(struct engine *e, const struct api_request *r, json_t **ret,
			  struct problem *p);
int engine_counters_json(struct engine *e, const struct api_request *r, json_t **ret,
			 struct problem *p);
int engine_journal(struct engine *e, const struct api_request *r, json_t **ret, struct problem *p);
int engine_why(struct engine *e, const struct api_request *r, json_t **ret, struct problem *p);
json_t *engine_exception_json(const struct exception *x);
json_t *engine_drift_json(const struct reconciled *r);

/* --- by themselves --- */
/* The enforce role is there (again): see that what should be in force is. */
void engine_adopt(struct engine *e);
/* Compare and put right; `by` and `cause` for the journal. -errno with e->last.failed filled. */
int engine_reconcile(struct engine *e, const char *by, uint64_t cause);
/* End what has run out, and compile what is stale. */
void engine_expire(struct engine *e);
void engine_settle(struct engine *e);
/* Timers for the next of these. */
void engine_arm(struct engine *e);
