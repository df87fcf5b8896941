/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/engine.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/memfd.h"
#include "prog/event.h"

#define SETTLE_MS      300 /* after the last exception put in place */
#define EXPIRE_MOST_MS 3600000
#define LINKS_MS       100
#define WARNINGS_MAX   1000

typedef int (*op_fn)(struct engine *e, const struct api_request *r, json_t **ret,
		     struct problem *p);

/* API_PLAN_GET and API_PLAN_APPLY have a body of another kind: see below. */
static const op_fn ops[API_OP_COUNT_] = {
	[API_HEALTH] = engine_health,
	[API_STATUS] = engine_status,
	[API_EXCEPTION_LIST] = engine_exception_list,
	[API_EXCEPTION_ADD] = engine_exception_add,
	[API_EXCEPTION_REMOVE] = engine_exception_remove,
	[API_COUNTERS] = engine_counters_json,
	[API_JOURNAL] = engine_journal,
	[API_WHY] = engine_why,
	[API_OPEN] = engine_open,
	[API_RESUME] = engine_resume,
	[API_RECONCILE] = engine_reconcile_asked,
};

/* --- answering ------------------------------------------------------------------------------- */

static void send_answer(struct engine *e, uint64_t number, unsigned status, const char *type,
			const char *body, size_t len)
{
	own_pack struct pack p = { 0 };
	own_fd int fd = memfd_from("answer", body, len);

	pack_u64(&p, number);
	pack_u32(&p, status);
	pack_string(&p, type);
	if (fd >= 0 && pack_result(&p) == 0)
		(void)link_send(&e->web, MSG_ANSWER, p.bytes, p.len, fd);
}

static void send_json(struct engine *e, uint64_t number, unsigned status, const char *type,
		      json_t *body)
{
	own_mem char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	e->count.requests++;
	if (text)
		send_answer(e, number, status, type, text, strlen(text));
	else
		send_answer(e, number, 500, "text/plain", "out of memory\n", 14);
}

static void send_problem(struct engine *e, uint64_t number, const struct problem *p)
{
	e->count.problems++;
	send_json(e, number, problem_status(p->kind), "application/problem+json", problem_json(p));
}

static void send_plan(struct engine *e, uint64_t number)
{
	struct problem p = { 0 };

	if (e->kept) {
		e->count.requests++;
		send_answer(e, number, 200, "application/yaml", e->kept->text, e->kept->text_len);
		return;
	}
	problem_set(&p, PROBLEM_NOT_FOUND, "", "no plan has been applied");
	send_problem(e, number, &p);
}

/* --- requests -------------------------------------------------------------------------------- */

static json_t *read_warnings(struct unpack *u)
{
	json_t *all = json_array();
	uint32_t count = unpack_count(u, 12);

	if (count > WARNINGS_MAX)
		u->failed = true;
	for (uint32_t i = 0; i < count && !u->failed; i++) {
		uint32_t line = unpack_u32(u);
		char wrong[FAULT_TEXT_MAX], right[FAULT_TEXT_MAX];

		unpack_string(u, wrong, sizeof(wrong));
		unpack_string(u, right, sizeof(right));
		json_array_append_new(all, json_pack("{s:I, s:s, s:s}", "line", (json_int_t)line,
						     "wrong", wrong, "right", right));
	}
	return all;
}

static int apply(struct engine *e, const struct api_request *r, int fd, json_t **ret,
		 struct problem *p)
{
	own_view struct memfd_view view = { 0 };
	struct plan_blob blob = { 0 };

	if (fd < 0 || memfd_map(fd, CALL_RULESET_MAX, &view) < 0)
		return problem_set(p, PROBLEM_INTERNAL, "plan", "the plan came without its bytes");
	struct unpack u = unpack_from(view.bytes, view.len);
	blob.pack = unpack_blob(&u, view.len, &blob.pack_len);
	blob.text = (const char *)unpack_blob(&u, API_PLAN_MAX, &blob.text_len);
	blob.warnings = read_warnings(&u);
	int code = unpack_end(&u) < 0
		       ? problem_set(p, PROBLEM_INTERNAL, "plan", "the plan came damaged")
		       : engine_apply(e, r, &blob, ret, p);
	json_decref(blob.warnings);
	return code;
}

static int take_request(void *ctx, struct ipc_message *m)
{
	struct engine *e = ctx;
	struct unpack u = unpack_from(m->body, m->len);
	uint64_t number = unpack_u64(&u);
	struct problem p = { 0 };
	struct api_request r;
	json_t *body = NULL;

	if (api_request_unpack(&u, &r) < 0)
		return -EBADMSG;
	if (r.op == API_PLAN_GET) {
		send_plan(e, number);
		return 0;
	}
	int code =
	    r.op == API_PLAN_APPLY ? apply(e, &r, m->fd, &body, &p) : ops[r.op](e, &r, &body, &p);
	if (code < 0)
		send_problem(e, number, &p);
	else
		send_json(e, number, r.op == API_EXCEPTION_ADD ? 201 : 200, "application/json",
			  body);
	engine_arm(e);
	return 0;
}

static const struct message_rule web_rules[] = {
	{ MSG_REQUEST, "request", 8, 4096, FD_MAY, take_request },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

/* --- peers ----------------------------------------------------------------------------------- */

static void on_reconcile(uv_timer_t *timer)
{
	struct engine *e = timer->data;

	/* A failure is in e->last, in the log, and tried again. */
	if (e->enforce.open && (e->kept || e->open))
		(void)engine_reconcile(e, "porteirod", 0);
	engine_arm(e);
}

/* Interfaces came or went: look soon, not at once, as they tend to do so in groups. */
static int take_links(void *ctx, struct ipc_message *m)
{
	struct engine *e = ctx;

	(void)m;
	uv_timer_start(&e->reconcile, on_reconcile, LINKS_MS, 0);
	return 0;
}

static const struct message_rule enforce_rules[] = {
	{ MSG_LINKS, "links", 0, 0, FD_NONE, take_links },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

static int take_peer(void *ctx, struct ipc_message *m)
{
	struct engine *e = ctx;
	struct unpack u = unpack_from(m->body, m->len);
	uint32_t role = unpack_u32(&u);
	int fd = m->fd;

	if (unpack_end(&u) < 0 || (role != ROLE_ENFORCE && role != ROLE_WEB))
		return -EBADMSG;
	m->fd = -1;
	if (role == ROLE_WEB)
		return link_open(&e->web, &e->base.loop, fd, "web", web_rules, e, NULL);
	int r = link_open(&e->enforce, &e->base.loop, fd, "enforce", enforce_rules, e, NULL);
	if (r == 0)
		engine_adopt(e);
	engine_arm(e);
	return r;
}

static int take_conf(void *ctx, struct ipc_message *m)
{
	struct engine *e = ctx;
	int r = role_read_conf(m, &e->base.conf);

	if (r == 0) {
		log_start(role_name(ROLE_ENGINE), e->base.conf.log);
		uv_timer_stop(&e->reconcile);
		engine_arm(e);
	}
	return r;
}

static const struct message_rule parent_rules[] = {
	{ MSG_PEER, "peer", 4, 4, FD_MUST, take_peer },
	{ MSG_PING, "ping", 0, 0, FD_NONE, role_ping },
	{ MSG_CONF, "conf", 0, 0, FD_MUST, take_conf },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

/* --- timers ---------------------------------------------------------------------------------- */

static void on_settle(uv_timer_t *timer)
{
	engine_settle(timer->data);
}

static void on_expire(uv_timer_t *timer)
{
	struct engine *e = timer->data;

	engine_expire(e);
	engine_arm(e);
}

void engine_arm(struct engine *e)
{
	struct wall end = engine_next_end(e);
	uint64_t every = (uint64_t)e->base.conf.reconcile_s * 1000;

	if (e->stale)
		uv_timer_start(&e->settle, on_settle, SETTLE_MS, 0);
	if (end.s) {
		/* The wall clock may be set: look at least every hour; what is overdue, every
		 * second. */
		int64_t ms = (end.s - wall_now().s) * 1000;
		uint64_t wait = ms < 1000             ? 1000
				: ms > EXPIRE_MOST_MS ? EXPIRE_MOST_MS
						      : (uint64_t)ms;

		uv_timer_start(&e->expire, on_expire, wait, 0);
	} else {
		uv_timer_stop(&e->expire);
	}
	if (!uv_is_active((uv_handle_t *)&e->reconcile))
		uv_timer_start(&e->reconcile, on_reconcile, every, 0);
}

static void init_timers(struct engine *e)
{
	uv_timer_t *all[] = { &e->settle, &e->expire, &e->reconcile };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		uv_timer_init(&e->base.loop, all[i]);
		all[i]->data = e;
	}
}

/* --- the role -------------------------------------------------------------------------------- */

static int confine(struct engine *e, struct why *why)
{
	static const int caps[] = { -1 };
	static const char *const syscalls[] = {
		"fsync",     "fdatasync", "unlink",    "unlinkat", "rename",  "fchmod",
		"fchown",    "chmod",     "fallocate", "mkdir",    "mkdirat", "utime",
		"utimensat", "fchownat",  "fchmodat",  NULL,
	};
	const struct sandbox_path paths[] = { { e->base.conf.state_dir, SANDBOX_WRITE } };
	struct sandbox s = { .caps = caps, .paths = paths, .paths_count = 1, .syscalls = syscalls };

	return role_confine(&e->base, &s, why);
}

static int open_store(struct engine *e, struct why *why)
{
	char path[CONF_PATH_MAX + 32];
	uint8_t hash[32];
	uint64_t last;

	snprintf(path, sizeof(path), "%s/" STORE_NAME, e->base.conf.state_dir);
	int r = store_open(path, &e->store, why);
	if (r < 0)
		return r;
	r = store_journal_head(e->store, &last, hash);
	if (r < 0)
		return why_set(why, r, "the journal can not be read: %s", store_why(e->store));
	r = engine_load(e, wall_now(), why);
	if (r < 0)
		return r;
	say(EV_STORE_OPENED, LOG_N("entries", last), LOG_N("exceptions", e->exceptions.count),
	    LOG_N("plan", e->kept ? e->kept->id : 0));
	return 0;
}

static void note_start(struct engine *e)
{
	char hash[RULESET_HASH_TEXT_MAX];

	e->started = wall_now();
	engine_note_alone(e, "engine.start", "porteirod", 0,
			  json_pack("{s:s, s:s}", "version", PORTEIRO_VERSION, "ruleset",
				    ruleset_hash_text(e->ruleset, hash)),
			  &e->start_entry);
}

static void release(struct engine *e)
{
	store_free(e->store);
	plan_free(e->plan);
	store_plan_free(e->kept);
	ruleset_free(e->ruleset);
	free(e->exceptions.at);
	free(e->restrictions.at);
	free(e->reply);
	free(e);
}

int role_engine(void)
{
	struct engine *e = calloc(1, sizeof(*e));
	struct why why = { 0 };
	int r;

	if (!e || !(e->reply = malloc(sizeof(*e->reply))))
		return EXIT_FAILURE;
	signal(SIGPIPE, SIG_IGN);
	r = role_hello(&e->base, ROLE_ENGINE, &why);
	if (r == 0)
		r = confine(e, &why);
	if (r < 0)
		return role_fail(&e->base, &why);
	r = open_store(e, &why);
	if (r < 0) {
		say(EV_STORE_REFUSED, LOG_S("why", why.text));
		return role_fail(&e->base, &why);
	}
	init_timers(e);
	note_start(e);
	r = role_listen(&e->base, parent_rules, e, &why);
	if (r < 0)
		return role_fail(&e->base, &why);
	(void)role_ready(&e->base, !e->kept);
	engine_arm(e);
	uv_run(&e->base.loop, UV_RUN_DEFAULT);
	release(e);
	return EXIT_SUCCESS;
}
