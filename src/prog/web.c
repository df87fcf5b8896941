/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/web.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/memfd.h"
#include "base/mono.h"
#include "base/own.h"
#include "prog/event.h"

static void tell_reloaded(struct web *w, bool ok, const char *why)
{
	own_pack struct pack p = { 0 };
	char text[WHY_BYTES];

	snprintf(text, sizeof(text), "%s", why);
	pack_u32(&p, ok);
	pack_string(&p, text);
	if (pack_result(&p) == 0)
		(void)link_send(&w->base.parent, MSG_RELOADED, p.bytes, p.len, -1);
	w->reload = 0;
}

/* The engine's answer to the request that a reload made: the parent wants one sentence. */
static void finish_reload(struct web *w, unsigned status, const void *body, size_t len)
{
	json_t *j = json_loadb(body, len, 0, NULL);
	const char *detail = json_string_value(json_object_get(j, "detail"));

	tell_reloaded(w, status == 200, status == 200 ? "" : detail ? detail : "refused");
	json_decref(j);
}

static int take_answer(void *ctx, struct ipc_message *m)
{
	struct web *w = ctx;
	own_view struct memfd_view view = { 0 };
	struct unpack u = unpack_from(m->body, m->len);
	uint64_t number = unpack_u64(&u);
	uint32_t status = unpack_u32(&u);
	char type[40];

	unpack_string(&u, type, sizeof(type));
	if (unpack_end(&u) < 0 || status < 200 || status > 599 ||
	    memfd_map(m->fd, WEB_HELD_MAX, &view) < 0)
		return -EBADMSG;
	if (number == w->reload)
		finish_reload(w, status, view.bytes, view.len);
	else
		web_answer(w, number, status, type, view.bytes, view.len);
	return 0;
}

static const struct message_rule engine_rules[] = {
	{ MSG_ANSWER, "answer", 16, 56, FD_MUST, take_answer },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

static void engine_lost(void *ctx)
{
	struct web *w = ctx;

	if (w->reload)
		tell_reloaded(w, false, "the engine ended while it applied the plan");
	web_engine_lost(w);
}

static int take_peer(void *ctx, struct ipc_message *m)
{
	struct web *w = ctx;
	struct unpack u = unpack_from(m->body, m->len);

	if (unpack_u32(&u) != ROLE_ENGINE || unpack_end(&u) < 0)
		return -EBADMSG;
	int fd = m->fd;
	m->fd = -1;
	if (w->engine.open) /* a new one before we saw the old one go */
		engine_lost(w);
	return link_open(&w->engine, &w->base.loop, fd, "engine", engine_rules, w, engine_lost);
}

static int take_listen(void *ctx, struct ipc_message *m)
{
	struct web *w = ctx;
	struct why why = { 0 };
	int fd = m->fd;

	if (w->http)
		return -EBADMSG;
	m->fd = -1;
	if (web_listen(w, fd, &why) < 0) {
		(void)role_fail(&w->base, &why);
		uv_stop(&w->base.loop);
		return 0;
	}
	(void)role_ready(&w->base, false);
	return 0;
}

static int take_role_state(void *ctx, struct ipc_message *m)
{
	struct web *w = ctx;
	struct unpack u = unpack_from(m->body, m->len);
	uint32_t role = unpack_below(&u, ROLE_COUNT_);
	char why[WHY_BYTES];

	unpack_string(&u, why, sizeof(why));
	if (unpack_end(&u) < 0)
		return -EBADMSG;
	memcpy(w->role_why[role], why, sizeof(why));
	return 0;
}

static int take_conf(void *ctx, struct ipc_message *m)
{
	struct web *w = ctx;
	int r = role_read_conf(m, &w->base.conf);

	if (r == 0)
		log_start(role_name(ROLE_WEB), w->base.conf.log);
	return r;
}

/* All of the file, as long as it is not larger than a plan may be. */
static int read_all(int fd, uint8_t **ret, size_t *ret_len)
{
	size_t room = 1 << 16, len = 0;
	own_mem uint8_t *bytes = malloc(room);

	while (bytes) {
		ssize_t n = read(fd, bytes + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0) {
			*ret = take(bytes);
			*ret_len = len;
			return 0;
		}
		len += (size_t)n;
		if (len > API_PLAN_MAX)
			return -EFBIG;
		if (len < room)
			continue;
		uint8_t *larger = realloc(bytes, room *= 2);
		if (!larger)
			return -ENOMEM;
		bytes = larger;
	}
	return -ENOMEM;
}

static int send_reload(struct web *w, int fd, const char *name, struct problem *problem)
{
	struct api_request r = { .op = API_PLAN_APPLY,
				 .by = "reload",
				 .limit = 1,
				 .asked_ns = (uint64_t)mono_now().ns };
	own_mem uint8_t *bytes = NULL;
	own_pack struct pack p = { 0 };
	json_t *faults = NULL;
	size_t len = 0;
	int e = read_all(fd, &bytes, &len);

	if (e < 0)
		return problem_set(problem, PROBLEM_INVALID, "plan", "%.100s: %s", name,
				   strerror(-e));
	own_fd int plan = web_pack_plan((const char *)bytes, len, name, problem, &faults);
	json_decref(faults);
	if (plan < 0)
		return plan;
	w->reload = ++w->last_number;
	pack_u64(&p, w->reload);
	e = api_request_pack(&r, &p);
	if (e == 0)
		e = link_send(&w->engine, MSG_REQUEST, p.bytes, p.len, plan);
	return e < 0 ? problem_set(problem, PROBLEM_UNAVAILABLE, "", "the engine is away") : 0;
}

static int take_reload(void *ctx, struct ipc_message *m)
{
	struct web *w = ctx;
	struct unpack u = unpack_from(m->body, m->len);
	struct problem problem = { 0 };
	char name[CONF_PATH_MAX];

	unpack_string(&u, name, sizeof(name));
	if (unpack_end(&u) < 0)
		return -EBADMSG;
	if (w->reload)
		tell_reloaded(w, false, "another reload is under way");
	else if (send_reload(w, m->fd, name, &problem) < 0)
		tell_reloaded(w, false, problem.detail);
	return 0;
}

static const struct message_rule parent_rules[] = {
	{ MSG_PEER, "peer", 4, 4, FD_MUST, take_peer },
	{ MSG_PING, "ping", 0, 0, FD_NONE, role_ping },
	{ MSG_CONF, "conf", 0, 0, FD_MUST, take_conf },
	{ MSG_LISTEN, "listen", 0, 0, FD_MUST, take_listen },
	{ MSG_RELOAD, "reload", 4, 4 + CONF_PATH_MAX, FD_MUST, take_reload },
	{ MSG_ROLE_STATE, "role-state", 8, 8 + WHY_BYTES, FD_NONE, take_role_state },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

static int confine(struct web *w, struct why *why)
{
	static const int caps[] = { -1 };
	static const char *const syscalls[] = { "accept",      "accept4", "setsockopt",
						"getpeername", "listen",  NULL };
	static const struct sandbox_path paths[] = { { "/etc/passwd", SANDBOX_READ } };
	struct sandbox s = { .caps = caps, .paths = paths, .paths_count = 1, .syscalls = syscalls };

	return role_confine(&w->base, &s, why);
}

int role_web(void)
{
	struct web *w = calloc(1, sizeof(*w));
	struct why why = { 0 };
	int r;

	if (!w)
		return EXIT_FAILURE;
	signal(SIGPIPE, SIG_IGN);
	r = role_hello(&w->base, ROLE_WEB, &why);
	if (r == 0)
		r = confine(w, &why);
	if (r == 0) {
		uv_timer_init(&w->base.loop, &w->timer);
		w->timer.data = w;
		r = role_listen(&w->base, parent_rules, w, &why);
	}
	if (r < 0)
		return role_fail(&w->base, &why);
	uv_run(&w->base.loop, UV_RUN_DEFAULT);
	return EXIT_SUCCESS;
}
