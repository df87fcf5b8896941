/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Applying a plan: compile, say what it changes, and unless it is a dry run put
 * it in force. The store's change is open around the load: what the filter
 * refuses is rolled back, and what the store can not keep is taken back out of
 * the filter.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "model/plan_pack.h"
#include "prog/engine.h"
#include "prog/event.h"

#define RANGES_TOLD   50
#define SEGMENTS_TOLD 2000

/* What changes, by segment and by range, while ruleset_compare() walks. */
struct difference {
	struct wall now;
	json_t *segments; /* name → {closed, opened, ranges} */
	json_t *ranges;
	size_t left_out;
};

static bool refuses(const struct class *c)
{
	return c->mode == MODE_REJECT || c->mode == MODE_DROP;
}

static double span_of(addr_bits first, addr_bits last)
{
	return (double)(last - first) + 1;
}

static void add_number(json_t *o, const char *name, double by)
{
	json_object_set_new(o, name, json_real(json_number_value(json_object_get(o, name)) + by));
}

static void tell_segment(struct difference *d, const struct class *before,
			 const struct class *after, double addresses)
{
	const struct class *c = *after->segment ? after : before;
	json_t *s = json_object_get(d->segments, c->segment);

	if (!s) {
		if (json_object_size(d->segments) >= SEGMENTS_TOLD)
			return;
		s = json_pack("{s:f, s:f, s:f}", "closed", 0.0, "opened", 0.0, "changed", 0.0);
		json_object_set_new(d->segments, c->segment, s);
	}
	bool closed = refuses(after) && !refuses(before),
	     opened = refuses(before) && !refuses(after);
	add_number(s, closed ? "closed" : opened ? "opened" : "changed", addresses);
}

static void tell_range(struct difference *d, struct addr first, addr_bits last,
		       const struct class *before, const struct class *after)
{
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	if (json_array_size(d->ranges) >= RANGES_TOLD) {
		d->left_out++;
		return;
	}
	json_array_append_new(
	    d->ranges, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "first", addr_text(first, from),
				 "last", addr_text((struct addr){ last, first.family }, to),
				 "segment", *after->segment ? after->segment : before->segment,
				 "cause", cause_name(after->cause), "before",
				 mode_name(before->mode), "after", mode_name(after->mode)));
}

static int on_difference(void *arg, struct addr first, addr_bits last, const struct class *before,
			 const struct class *after)
{
	struct difference *d = arg;

	if (before->mode == after->mode && before->inbound == after->inbound &&
	    before->strict == after->strict)
		return 0; /* only the name differs */
	tell_segment(d, before, after, span_of(first.bits, last));
	tell_range(d, first, last, before, after);
	return 0;
}

static json_t *family_json(const struct ruleset_diff *diff, enum family f)
{
	return json_pack("{s:I, s:f, s:f, s:f}", "ranges", (json_int_t)diff->family[f].ranges,
			 "addresses", diff->family[f].addresses, "closed", diff->family[f].closed,
			 "opened", diff->family[f].opened);
}

/* Borrows both; *ret_diff for the log. */
static json_t *difference_json(const struct ruleset *before, const struct ruleset *after,
			       struct ruleset_diff *ret_diff)
{
	struct difference d = { .segments = json_object(), .ranges = json_array() };

	*ret_diff = ruleset_compare(before, after, on_difference, &d);
	return json_pack("{s:o, s:o, s:{s:I, s:I}, s:o, s:o, s:I, s:b}", "v4",
			 family_json(ret_diff, FAMILY_V4), "v6", family_json(ret_diff, FAMILY_V6),
			 "smarthosts", "added", (json_int_t)ret_diff->smarthosts_added, "removed",
			 (json_int_t)ret_diff->smarthosts_removed, "segments", d.segments, "ranges",
			 d.ranges, "ranges_left_out", (json_int_t)d.left_out, "same",
			 (int)ret_diff->same);
}

static int unpack(const struct plan_blob *blob, struct plan **ret, struct problem *p)
{
	int r = plan_unpack(blob->pack, blob->pack_len, ret);

	if (r == -ENOMEM)
		return problem_set(p, PROBLEM_INTERNAL, "", "out of memory");
	return r == 0 ? 0 : problem_set(p, PROBLEM_INTERNAL, "plan", "the plan came damaged");
}

static int note_apply(struct engine *e, const struct api_request *r, struct store_plan *kept,
		      const struct ruleset *rs, const struct ruleset_diff *diff, struct wall now)
{
	char hash[JOURNAL_HASH_TEXT], before[RULESET_HASH_TEXT_MAX], after[RULESET_HASH_TEXT_MAX];
	json_t *body = json_pack(
	    "{s:s, s:s, s:s, s:f, s:f}", "plan_hash", journal_hash_text(kept->hash, hash), "before",
	    ruleset_hash_text(e->ruleset, before), "after", ruleset_hash_text(rs, after), "closed",
	    diff->family[0].closed + diff->family[1].closed, "opened",
	    diff->family[0].opened + diff->family[1].opened);
	int code = engine_note(e, "plan.apply", r->by, 0, body, &kept->id);

	if (code == 0)
		code = store_plan_add(e->store, kept);
	if (code == 0)
		code = engine_note_ruleset(e, rs, kept->id, now, kept->id, NULL);
	return code;
}

static int note_effect(struct engine *e, uint64_t cause, double ms)
{
	return engine_note(
	    e, "effect.load", "porteirod", cause,
	    json_pack("{s:s, s:f}", "backend", conf_backend_name(e->base.conf.backend), "ms", ms),
	    NULL);
}

static double ms_since(struct mono then)
{
	return (double)mono_since(then, mono_now()).ns / 1e6;
}

static struct store_plan *keep(const struct api_request *r, const struct plan_blob *blob,
			       struct wall now)
{
	struct store_plan *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return NULL;
	kept->at = now;
	snprintf(kept->by, sizeof(kept->by), "%s", r->by);
	kept->text = strndup(blob->text, blob->text_len);
	kept->text_len = blob->text_len;
	kept->pack = malloc(blob->pack_len + 1);
	kept->pack_len = blob->pack_len;
	if (!kept->text || !kept->pack) {
		store_plan_free(kept);
		return NULL;
	}
	memcpy(kept->pack, blob->pack, blob->pack_len);
	crypto_generichash(kept->hash, sizeof(kept->hash), (const uint8_t *)blob->text,
			   blob->text_len, NULL, 0);
	return kept;
}

struct applying {
	struct wall now;
	struct plan *plan;
	struct ruleset *rs;
	struct store_plan *kept;
	struct ruleset_diff diff;
	double ms;
};

/* The change itself; on failure nothing has changed anywhere. */
static int commit(struct engine *e, const struct api_request *r, struct applying *a,
		  struct problem *p)
{
	struct why why = { 0 };
	struct mono begun = mono_now();
	int code = store_begin(e->store);

	if (code == 0)
		code = note_apply(e, r, a->kept, a->rs, &a->diff, a->now);
	if (code < 0)
		return engine_store_problem(e, code, p);
	if (filter_call_load(e, a->rs, false, &why) < 0) {
		store_rollback(e->store);
		return engine_filter_problem(e, &why, p);
	}
	a->ms = ms_since(begun);
	code = note_effect(e, a->kept->id, a->ms);
	if (code == 0)
		code = store_commit(e->store);
	if (code == 0)
		return 0;
	/* It can not be kept, so it must not stand in the kernel either. */
	engine_store_problem(e, code, p);
	if (filter_call_load(e, e->ruleset, false, &why) < 0)
		(void)engine_filter_problem(e, &why, p);
	return -EINVAL;
}

static void adopt(struct engine *e, struct applying *a)
{
	free(a->kept->pack);
	a->kept->pack = NULL;
	plan_free(e->plan);
	store_plan_free(e->kept);
	ruleset_free(e->ruleset);
	e->plan = take(a->plan);
	e->kept = take(a->kept);
	e->ruleset = take(a->rs);
	e->stale = false;
	e->count.plans_applied++;
	/* IPv6 counts do not fit a number of the log */
	char closed[40], opened[40];
	snprintf(closed, sizeof(closed), "%.0f",
		 a->diff.family[FAMILY_V4].closed + a->diff.family[FAMILY_V6].closed);
	snprintf(opened, sizeof(opened), "%.0f",
		 a->diff.family[FAMILY_V4].opened + a->diff.family[FAMILY_V6].opened);
	say(EV_PLAN_APPLIED, LOG_N("plan", e->kept->id), LOG_S("by", e->kept->by),
	    LOG_S("closed", closed), LOG_S("opened", opened));
}

static int check_match(const struct engine *e, const struct api_request *r, struct problem *p)
{
	char hash[RULESET_HASH_TEXT_MAX];

	if (!r->has_if_match || memcmp(r->if_match, e->ruleset->hash, sizeof(r->if_match)) == 0)
		return 0;
	return problem_set(p, PROBLEM_CHANGED, "If-Match",
			   "another ruleset is in force by now: %s; look again before you apply",
			   ruleset_hash_text(e->ruleset, hash));
}

static int apply(struct engine *e, const struct api_request *r, const struct plan_blob *blob,
		 struct applying *a, json_t **ret, struct problem *p)
{
	char before[RULESET_HASH_TEXT_MAX], after[RULESET_HASH_TEXT_MAX];
	struct why why = { 0 };

	if (unpack(blob, &a->plan, p) < 0)
		return -EINVAL;
	if (engine_compile(e, a->plan, a->now, &a->rs, &why) < 0)
		return problem_set(p, PROBLEM_INVALID, "plan", "%s", why.text);
	json_t *difference = difference_json(e->ruleset, a->rs, &a->diff);
	ruleset_hash_text(e->ruleset, before);
	ruleset_hash_text(a->rs, after);
	int code = check_match(e, r, p);
	if (code == 0 && !r->dry_run) {
		a->kept = keep(r, blob, a->now);
		code = a->kept ? commit(e, r, a, p)
			       : problem_set(p, PROBLEM_INTERNAL, "", "out of memory");
		if (code == 0)
			adopt(e, a);
	}
	if (code < 0) {
		json_decref(difference);
		return code;
	}
	*ret = json_pack("{s:b, s:{s:s, s:s}, s:o, s:O, s:I, s:b}", "applied", !r->dry_run,
			 "ruleset", "before", before, "after", after, "difference", difference,
			 "warnings", blob->warnings, "exceptions", (json_int_t)e->exceptions.count,
			 "open", (int)e->open);
	if (*ret && !r->dry_run) {
		json_object_set_new(*ret, "plan", json_integer((json_int_t)e->kept->id));
		json_object_set_new(*ret, "load_ms", json_real(a->ms));
	}
	return *ret ? 0 : problem_set(p, PROBLEM_INTERNAL, "", "out of memory");
}

int engine_apply(struct engine *e, const struct api_request *r, const struct plan_blob *blob,
		 json_t **ret, struct problem *p)
{
	struct applying a = { .now = wall_now() };

	engine_settle(e); /* compare with all that is in force */
	int code = apply(e, r, blob, &a, ret, p);

	if (code < 0 && !r->dry_run)
		say(EV_PLAN_REFUSED, LOG_S("by", r->by), LOG_S("why", p->detail));
	plan_free(a.plan);
	store_plan_free(a.kept);
	ruleset_free(a.rs);
	return code;
}
