/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls to the enforce role: send, then wait for the one answer. The engine
 * does nothing else meanwhile, on purpose (see engine.h). A role that does not
 * answer in time is reported to the parent, which starts another.
 */
#include <errno.h>
#include <string.h>

#include "base/memfd.h"
#include "prog/engine.h"
#include "prog/event.h"

#define ANSWER_WAIT_MS 60000

struct answer {
	struct call_result result;
	int fd;
};

static int take_result(void *ctx, struct ipc_message *m)
{
	struct answer *a = ctx;
	struct unpack u = unpack_from(m->body, m->len);
	int r = call_result_unpack(&u, &a->result);

	if (r == 0) {
		a->fd = m->fd;
		m->fd = -1;
	}
	return r;
}

/* What else may come while an answer is waited for. */
static int take_links(void *ctx, struct ipc_message *m)
{
	(void)ctx;
	(void)m;
	return 0;
}

static const struct message_rule answer_rules[] = {
	{ MSG_RESULT, "result", 41, 41 + WHY_BYTES + 200, FD_MAY, take_result },
	{ MSG_LINKS, "links", 0, 0, FD_NONE, take_links },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

static void report_stuck(struct engine *e)
{
	own_pack struct pack p = { 0 };

	pack_u32(&p, ROLE_ENFORCE);
	if (pack_result(&p) == 0)
		(void)link_send(&e->base.parent, MSG_PEER_STUCK, p.bytes, p.len, -1);
}

static int wait_answer(struct engine *e, uint32_t id, struct answer *a)
{
	a->result.of = 0;
	a->fd = -1;
	while (a->result.of != id) {
		int r = ipc_wait(e->enforce.fd, ANSWER_WAIT_MS, e->reply);
		if (r == -ETIMEDOUT)
			report_stuck(e);
		if (r > 0)
			r = message_dispatch(answer_rules, a, e->reply);
		if (r < 0) {
			link_close(&e->enforce);
			return r;
		}
	}
	return 0;
}

/* 0 and *ret, whose fd the caller closes; else -errno with `why`. `p` is ended, `fd` borrowed. */
static int call(struct engine *e, uint32_t id, struct pack *p, int fd, struct answer *ret,
		struct why *why)
{
	int r = pack_result(p);

	if (r == 0)
		r = link_send(&e->enforce, id, p->bytes, p->len, fd);
	pack_done(p);
	if (r == 0)
		r = wait_answer(e, id, ret);
	if (r < 0)
		return why_set(why, -ENOTCONN,
			       "the enforce role is away; it is being started again");
	if (ret->result.code == 0)
		return 0;
	if (ret->fd >= 0)
		close(ret->fd);
	/* These two say only that another call is needed. */
	if (ret->result.code != -ENOSPC && ret->result.code != -ENODATA)
		e->count.filter_failures++;
	return why_set(why, ret->result.code, "%s", ret->result.why.text);
}

/* A call whose answer is only yes or no. */
static int call_plain(struct engine *e, uint32_t id, struct pack *p, int fd, struct why *why)
{
	struct answer a;
	int r = call(e, id, p, fd, &a, why);

	if (r == 0 && a.fd >= 0)
		close(a.fd);
	return r;
}

int filter_call_load(struct engine *e, const struct ruleset *rs, bool keep, struct why *why)
{
	own_mem uint8_t *bytes = NULL;
	struct pack p = { 0 };
	size_t len;
	int r = ruleset_encode(rs, &bytes, &len);

	if (r < 0)
		return why_set(why, r, "out of memory");
	own_fd int fd = memfd_from("ruleset", bytes, len);
	if (fd < 0)
		return why_set(why, fd, "cannot hand over the ruleset: %s", strerror(-fd));
	pack_u8(&p, keep);
	return call_plain(e, MSG_LOAD, &p, fd, why);
}

int filter_call_put(struct engine *e, const struct call_put *put, struct why *why)
{
	struct pack p = { 0 };

	call_put_pack(&p, put);
	return call_plain(e, MSG_PUT, &p, -1, why);
}

int filter_call_compare(struct engine *e, struct wall now, struct filter_drift *ret,
			struct why *why)
{
	struct pack p = { 0 };
	struct answer a;

	pack_i64(&p, now.s);
	int r = call(e, MSG_COMPARE, &p, -1, &a, why);
	if (r < 0)
		return r;
	if (a.fd >= 0)
		close(a.fd);
	*ret = a.result.drift;
	return 0;
}

int filter_call_set_open(struct engine *e, bool open, struct why *why)
{
	struct pack p = { 0 };

	pack_u8(&p, open);
	return call_plain(e, MSG_SET_OPEN, &p, -1, why);
}

int filter_call_is_open(struct engine *e, bool *ret, struct why *why)
{
	struct pack p = { 0 };
	struct answer a;
	int r = call(e, MSG_IS_OPEN, &p, -1, &a, why);

	if (r < 0)
		return r;
	if (a.fd >= 0)
		close(a.fd);
	*ret = a.result.open;
	return 0;
}

int filter_call_counters(struct engine *e, filter_count_fn fn, void *arg, struct why *why)
{
	own_view struct memfd_view view = { 0 };
	struct pack p = { 0 };
	struct answer a;
	int r = call(e, MSG_COUNTERS, &p, -1, &a, why);

	if (r < 0)
		return r;
	own_fd int fd = a.fd;
	r = memfd_map(fd, CALL_COUNTERS_MAX, &view);
	if (r < 0)
		return why_set(why, r, "the enforce role sent no counters");
	struct unpack u = unpack_from(view.bytes, view.len);
	while (u.left) {
		struct filter_count count;

		r = call_count_unpack(&u, &count);
		if (r == 0)
			r = fn(arg, &count);
		if (r != 0)
			return r < 0 ? why_set(why, r, "the counters can not be read") : 0;
	}
	return 0;
}

int engine_filter_problem(struct engine *e, const struct why *why, struct problem *p)
{
	(void)e;
	say(EV_FILTER_FAILED, LOG_S("why", why->text));
	return problem_set(p, why->code == -ENOTCONN ? PROBLEM_UNAVAILABLE : PROBLEM_FILTER, "",
			   "%.200s", why->text);
}
