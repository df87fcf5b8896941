/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open, resume, and reconcile: wanted (the store) against actual (the kernel).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/when.h"
#include "prog/engine.h"
#include "prog/event.h"
#include "prog/marker.h"

json_t *engine_drift_json(const struct reconciled *r)
{
	char at[WHEN_TEXT_MAX];

	return json_pack("{s:s?, s:I, s:I, s:f, s:s, s:b, s:s}", "at",
			 r->at.s ? when_text(r->at, at) : NULL, "ranges",
			 (json_int_t)r->drift.ranges, "objects", (json_int_t)r->drift.objects,
			 "addresses", r->drift.addresses, "first", r->drift.first, "repaired",
			 (int)r->repaired, "failed", r->failed.text);
}

static bool drifted(const struct filter_drift *d)
{
	return d->ranges || d->objects;
}

static int repair(struct engine *e, struct reconciled *r)
{
	struct filter_drift after = { 0 };

	int code = filter_call_load(e, e->ruleset, false, &r->failed);
	if (code == 0)
		code = filter_call_compare(e, wall_now(), &after, &r->failed);
	if (code == 0 && drifted(&after))
		code = why_set(&r->failed, -EIO, "still different after a repair: %.150s",
			       after.first);
	r->repaired = code == 0;
	return code;
}

static void journal_drift(struct engine *e, const struct reconciled *r, const char *by,
			  uint64_t cause)
{
	uint64_t found = 0;

	engine_note_alone(e, "drift.find", by, cause,
			  json_pack("{s:I, s:I, s:f, s:s}", "ranges", (json_int_t)r->drift.ranges,
				    "objects", (json_int_t)r->drift.objects, "addresses",
				    r->drift.addresses, "first", r->drift.first),
			  &found);
	engine_note_alone(e, r->repaired ? "drift.repair" : "drift.fail", "porteirod", found,
			  json_pack("{s:s}", "why", r->failed.text), NULL);
}

/* The opening is part of what should be: the kernel may have lost it, or been opened by hand. */
static int reconcile_opening(struct engine *e, struct why *why)
{
	bool open = false;
	int r = filter_call_is_open(e, &open, why);

	if (r < 0 || open == e->open)
		return r;
	if (e->open)
		return filter_call_set_open(e, true, why);
	/* Opened behind our back, with the daemon dead or past it: respected until resumed. */
	e->open = true;
	engine_note_alone(e, "open", "unknown", 0,
			  json_pack("{s:s}", "reason", "found open in the kernel"), &e->open_cause);
	int code = store_begin(e->store);
	if (code == 0)
		code = store_set_opening(e->store, true, e->open_cause);
	if (code == 0)
		code = store_commit(e->store);
	if (code < 0) {
		struct problem p;
		(void)engine_store_problem(e, code, &p);
	}
	say(EV_OPENED, LOG_S("by", "unknown"), LOG_S("reason", "found open in the kernel"));
	return 0;
}

int engine_reconcile(struct engine *e, const char *by, uint64_t cause)
{
	struct reconciled r = { .at = wall_now() };

	/* What was put in place is part of what should be; settling compares by itself. */
	if (e->stale) {
		engine_settle(e);
		return e->stale
			   ? why_set(&e->last.failed, -EAGAIN, "the ruleset can not be compiled")
			   : e->last.failed.code;
	}
	e->count.reconciles++;
	int code = reconcile_opening(e, &r.failed);
	if (code == 0)
		code = filter_call_compare(e, r.at, &r.drift, &r.failed);
	if (code == -ENODATA) /* another enforce role by now: it has not been told yet */
		code = filter_call_load(e, e->ruleset, true, &r.failed) < 0
			   ? r.failed.code
			   : filter_call_compare(e, r.at, &r.drift, &r.failed);
	if (code == 0 && drifted(&r.drift)) {
		e->count.drifts++;
		e->count.drift_ranges += r.drift.ranges;
		e->count.drift_objects += r.drift.objects;
		say(EV_DRIFT, LOG_N("ranges", r.drift.ranges), LOG_N("objects", r.drift.objects),
		    LOG_S("first", r.drift.first));
		code = repair(e, &r);
		if (r.repaired) {
			e->count.repairs++;
			say(EV_REPAIRED);
		}
		journal_drift(e, &r, by, cause);
	}
	if (code == 0)
		r.failed = (struct why){ 0 };
	else if (e->last.failed.code != code || strcmp(e->last.failed.text, r.failed.text) != 0)
		say(EV_FILTER_FAILED, LOG_S("why", r.failed.text));
	e->last = r;
	return code;
}

int engine_reconcile_asked(struct engine *e, const struct api_request *r, json_t **ret,
			   struct problem *p)
{
	if (engine_reconcile(e, r->by, 0) < 0)
		return engine_filter_problem(e, &e->last.failed, p);
	*ret = engine_drift_json(&e->last);
	return 0;
}

/* Opened or taken back while the daemon was away: into the store, with who and why. */
static int take_mark(struct engine *e, enum mark m, const struct marker *by)
{
	bool open = m == MARK_OPEN;
	const char *reason = *by->reason ? by->reason
			     : open      ? "opened without the daemon"
					 : "taken back without the daemon";
	uint64_t id = 0;
	int r = store_begin(e->store);

	e->open = open;
	if (r == 0)
		r = engine_note(e, open ? "open" : "resume", by->by, open ? 0 : e->open_cause,
				json_pack("{s:s, s:b}", "reason", reason, "daemon", 0), &id);
	if (r == 0)
		r = store_set_opening(e->store, open, id);
	if (r == 0)
		r = store_commit(e->store);
	if (r < 0) {
		struct problem p;
		return engine_store_problem(e, r, &p);
	}
	e->open_cause = id;
	say(open ? EV_OPENED : EV_RESUMED, LOG_S("by", by->by), LOG_S("reason", reason));
	return 0;
}

static void take_marker(struct engine *e, enum mark m)
{
	struct marker by;

	if (!marker_read(e->base.conf.state_dir, m, &by))
		return;
	if (e->open != (m == MARK_OPEN) && take_mark(e, m, &by) < 0)
		return; /* the marker stays, and says it again at the next start */
	(void)marker_remove(e->base.conf.state_dir, m);
}

void engine_adopt(struct engine *e)
{
	struct why why = { 0 };

	take_marker(e, MARK_RESUMED);
	take_marker(e, MARK_OPEN); /* last: opening counts */
	/* Without a plan there is nothing to stand for: what is there may be another's. */
	if (!e->kept && !e->open)
		return;
	if (e->open && filter_call_set_open(e, true, &why) < 0) {
		e->last.failed = why;
		say(EV_FILTER_FAILED, LOG_S("why", why.text));
		return;
	}
	if (filter_call_load(e, e->ruleset, true, &why) < 0) {
		e->last.failed = why;
		return;
	}
	(void)engine_reconcile(e, "porteirod", e->start_entry);
}

static int commit_opening(struct engine *e, const struct api_request *r, bool open)
{
	uint64_t id = 0;
	int code = store_begin(e->store);

	if (code == 0)
		code = engine_note(e, open ? "open" : "resume", r->by, open ? 0 : e->open_cause,
				   json_pack("{s:s}", "reason", r->reason), &id);
	if (code == 0)
		code = store_set_opening(e->store, open, id);
	if (code == 0)
		code = store_commit(e->store);
	if (code == 0)
		e->open_cause = id;
	return code;
}

static void opening_json(struct engine *e, const struct api_request *r, bool changed, json_t **ret)
{
	double ms = (double)(mono_now().ns - (int64_t)r->asked_ns) / 1e6;

	*ret = json_pack("{s:b, s:b, s:f, s:I}", "open", (int)e->open, "changed", (int)changed,
			 "in_force_ms", ms, "entry", (json_int_t)e->open_cause);
}

/*
 * The emergency exit: the kernel first, whatever the store says. If it can not
 * be journalled, the marker carries it over a restart and the log has it.
 */
int engine_open(struct engine *e, const struct api_request *r, json_t **ret, struct problem *p)
{
	bool changed = !e->open;
	struct why why = { 0 };

	if (filter_call_set_open(e, true, &why) < 0)
		return engine_filter_problem(e, &why, p);
	e->open = true;
	opening_json(e, r, changed, ret);
	json_object_set_new(*ret, "journalled", json_true());
	if (!changed)
		return 0;
	(void)marker_remove(e->base.conf.state_dir, MARK_RESUMED);
	say(EV_OPENED, LOG_S("by", r->by), LOG_S("reason", r->reason));
	int code = commit_opening(e, r, true);
	if (code < 0) {
		(void)engine_store_problem(e, code, p);
		(void)marker_write(e->base.conf.state_dir, MARK_OPEN, r->by, r->reason);
	}
	json_object_set_new(*ret, "journalled", json_boolean(code == 0));
	json_object_set_new(*ret, "entry", json_integer((json_int_t)e->open_cause));
	return 0;
}

int engine_resume(struct engine *e, const struct api_request *r, json_t **ret, struct problem *p)
{
	bool changed = e->open;
	struct why why = { 0 };
	int code = changed ? commit_opening(e, r, false) : 0;

	/* The store first: closing is not urgent, and must be on record. */
	if (code < 0)
		return engine_store_problem(e, code, p);
	if (filter_call_set_open(e, false, &why) < 0)
		return engine_filter_problem(e, &why, p);
	e->open = false;
	(void)marker_remove(e->base.conf.state_dir, MARK_OPEN);
	if (changed)
		say(EV_RESUMED, LOG_S("by", r->by), LOG_S("reason", r->reason));
	if (e->kept)
		(void)engine_reconcile(e, "porteirod", e->open_cause);
	opening_json(e, r, changed, ret);
	json_object_set_new(*ret, "journalled", json_true());
	return 0;
}
