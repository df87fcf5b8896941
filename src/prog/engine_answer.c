/* SPDX-License-Identifier: BSD-2-Clause */
/* What is only asked: health, status, exceptions, counters, journal, why. */
#include <errno.h>
#include <string.h>

#include "base/when.h"
#include "decide/explain.h"
#include "prog/engine.h"

#define JOURNAL_PAGE_BYTES (4u << 20)

static json_t *time_json(struct wall w)
{
	char text[WHEN_TEXT_MAX];

	return w.s ? json_string(when_text(w, text)) : json_null();
}

int engine_health(struct engine *e, const struct api_request *r, json_t **ret, struct problem *p)
{
	(void)r;
	if (!e->enforce.open)
		return problem_set(p, PROBLEM_UNAVAILABLE, "",
				   "the enforce role is away; what is in force stays in force");
	if (e->last.failed.code)
		return problem_set(p, PROBLEM_UNAVAILABLE, "", "the filter: %.200s",
				   e->last.failed.text);
	*ret = json_pack("{s:b, s:b}", "healthy", 1, "open", (int)e->open);
	return 0;
}

static json_t *plan_json(const struct engine *e)
{
	char hash[JOURNAL_HASH_TEXT];

	if (!e->kept)
		return json_null();
	return json_pack("{s:I, s:o, s:s, s:s, s:s?, s:i}", "id", (json_int_t)e->kept->id, "at",
			 time_json(e->kept->at), "by", e->kept->by, "hash",
			 journal_hash_text(e->kept->hash, hash), "operator",
			 e->plan->operator_.name, "segments", (int)e->plan->segments_count);
}

/* Addresses that are refused by what should be in force; the opening is not looked at. */
static double closed(const struct ruleset *rs, enum family f, struct wall now)
{
	double sum = 0;

	for (size_t i = 0; i < ruleset_ranges(rs, f); i++) {
		struct ruleset_range range = ruleset_range_at(rs, f, i);
		const struct class *c = ruleset_class_at(rs, range.class, now);

		if (c->mode == MODE_REJECT || c->mode == MODE_DROP)
			sum += (double)(range.last - range.first.bits) + 1;
	}
	return sum;
}

static json_t *ruleset_status_json(const struct engine *e)
{
	char hash[RULESET_HASH_TEXT_MAX];
	const struct ruleset *rs = e->ruleset;
	struct wall now = wall_now();

	return json_pack(
	    "{s:s, s:I, s:I, s:I, s:f, s:f, s:I}", "hash", ruleset_hash_text(rs, hash), "classes",
	    (json_int_t)rs->classes_count, "ranges_v4", (json_int_t)rs->v4_count, "ranges_v6",
	    (json_int_t)rs->v6_count, "closed_v4", closed(rs, FAMILY_V4, now), "closed_v6",
	    closed(rs, FAMILY_V6, now), "smarthosts", (json_int_t)rs->smarthosts_count);
}

static json_t *interfaces_json(const struct conf *c)
{
	json_t *all = json_array();

	for (uint32_t i = 0; i < c->interfaces_count; i++)
		json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "name",
						     c->interface[i].name, "side",
						     conf_side_name(c->interface[i].side), "attach",
						     conf_attach_name(c->interface[i].attach)));
	return all;
}

int engine_status(struct engine *e, const struct api_request *r, json_t **ret, struct problem *p)
{
	(void)r;
	(void)p;
	engine_settle(e);
	*ret = json_pack(
	    "{s:s, s:o, s:b, s:I, s:s, s:o, s:b, s:o, s:o, s:I, s:I, s:o}", "version",
	    PORTEIRO_VERSION, "started", time_json(e->started), "open", (int)e->open, "open_entry",
	    (json_int_t)e->open_cause, "backend", conf_backend_name(e->base.conf.backend),
	    "interfaces", interfaces_json(&e->base.conf), "enforcing", (int)e->enforce.open, "plan",
	    plan_json(e), "ruleset", ruleset_status_json(e), "exceptions",
	    (json_int_t)e->exceptions.count, "restrictions", (json_int_t)e->restrictions.count,
	    "reconcile", engine_drift_json(&e->last));
	return 0;
}

int engine_exception_list(struct engine *e, const struct api_request *r, json_t **ret,
			  struct problem *p)
{
	json_t *all = json_array();

	(void)r;
	(void)p;
	for (size_t i = 0; i < e->exceptions.count; i++)
		json_array_append_new(all, engine_exception_json(&e->exceptions.at[i]));
	*ret = json_pack("{s:o}", "exceptions", all);
	return 0;
}

static int add_class(void *arg, const struct filter_count *c)
{
	json_t *all = arg;

	return json_array_append_new(all, json_pack("{s:s, s:I, s:I, s:I, s:I}", "class", c->class,
						    "rejected", (json_int_t)c->rejected, "dropped",
						    (json_int_t)c->dropped, "monitored",
						    (json_int_t)c->monitored, "passed",
						    (json_int_t)c->passed)) < 0
		   ? -ENOMEM
		   : 0;
}

int engine_counters_json(struct engine *e, const struct api_request *r, json_t **ret,
			 struct problem *p)
{
	json_t *classes = json_array(), *daemon = json_object();
	struct why why = { 0 };

	(void)r;
	if (filter_call_counters(e, add_class, classes, &why) < 0) {
		json_decref(classes);
		json_decref(daemon);
		return problem_set(p, PROBLEM_UNAVAILABLE, "", "the filter: %.200s", why.text);
	}
#define X(name, help) json_object_set_new(daemon, #name, json_integer((json_int_t)e->count.name));
	ENGINE_COUNTERS(X)
#undef X
	*ret = json_pack("{s:o, s:o}", "classes", classes, "daemon", daemon);
	return 0;
}

struct page {
	json_t *entries;
	size_t bytes;
	bool cut;
};

static int add_entry(void *arg, const struct journal_entry *e)
{
	struct page *page = arg;
	char hash[JOURNAL_HASH_TEXT], previous[JOURNAL_HASH_TEXT], at[WHEN_TEXT_MAX];

	page->bytes += strlen(e->body) + 400;
	if (page->bytes > JOURNAL_PAGE_BYTES) {
		page->cut = true;
		return 1;
	}
	json_t *j = json_pack(
	    "{s:I, s:I, s:s, s:s, s:s, s:I, s:s, s:s, s:s}", "id", (json_int_t)e->id, "at",
	    (json_int_t)e->at.s, "time", when_text(e->at, at), "kind", e->kind, "by", e->by,
	    "cause", (json_int_t)e->cause, "body", e->body, "previous",
	    journal_hash_text(e->previous, previous), "hash", journal_hash_text(e->hash, hash));
	return json_array_append_new(page->entries, j) < 0 ? -ENOMEM : 0;
}

int engine_journal(struct engine *e, const struct api_request *r, json_t **ret, struct problem *p)
{
	struct page page = { .entries = json_array() };
	uint8_t head[32];
	uint64_t last;
	int code = store_journal_head(e->store, &last, head);

	if (code == 0)
		code = store_journal(e->store, r->after, r->limit, add_entry, &page);
	if (code < 0) {
		json_decref(page.entries);
		return problem_set(p, PROBLEM_INTERNAL, "", "the journal can not be read: %s",
				   store_why(e->store));
	}
	*ret = json_pack("{s:o, s:I}", "entries", page.entries, "last", (json_int_t)last);
	return 0;
}

static json_t *exception_or_null(const struct exception *x)
{
	return x ? engine_exception_json(x) : json_null();
}

static json_t *explanation_json(const struct explanation *x)
{
	char prefix[PREFIX_TEXT_MAX];

	return json_pack("{s:s, s:s, s:s?, s:s?, s:I, s:s, s:b, s:o, s:I, s:s}", "verdict",
			 verdict_name(x->verdict), "cause", cause_name(x->cause), "segment",
			 x->segment ? x->segment->name : NULL, "prefix",
			 x->prefix ? prefix_text(x->prefix->prefix, prefix) : NULL, "line",
			 (json_int_t)x->line, "mode", mode_name(x->class.mode), "strict",
			 (int)x->class.strict, "exception", exception_or_null(x->exception),
			 "restriction", (json_int_t)(x->restriction ? x->restriction->id : 0),
			 "sentence", x->sentence);
}

int engine_why(struct engine *e, const struct api_request *r, json_t **ret, struct problem *p)
{
	struct question q = { .address = r->address, .port = r->port };
	char address[ADDR_TEXT_MAX];

	if (!e->plan)
		return problem_set(p, PROBLEM_NOT_FOUND, "",
				   "no plan has been applied: everything passes");
	engine_settle(e);
	struct compile_input in = engine_input(e, NULL);
	struct explanation x = explain(&in, e->ruleset, &q, wall_now());
	*ret = explanation_json(&x);
	json_object_set_new(*ret, "address", json_string(addr_text(r->address, address)));
	json_object_set_new(*ret, "port", json_integer(r->port));
	json_object_set_new(*ret, "plan", json_integer((json_int_t)e->kept->id));
	json_object_set_new(*ret, "open", json_boolean(e->open));
	if (!e->open)
		return 0;
	/* The opening is above the ruleset: what the plan says is told, but does not hold. */
	json_object_set_new(*ret, "verdict", json_string("pass"));
	json_object_set_new(*ret, "cause", json_string("open"));
	json_t *sentence = json_sprintf("Everything is open until resumed (journal entry %llu). "
					"Without that: %s",
					(unsigned long long)e->open_cause, x.sentence);
	json_object_set_new(*ret, "sentence", sentence);
	return 0;
}
