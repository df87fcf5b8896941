/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/role.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memfd.h"
#include "base/own.h"
#include "base/pack.h"
#include "prog/event.h"

#define HELLO_WAIT_MS 10000

static const char *const names[ROLE_COUNT_] = { "parent", "config", "enforce", "engine", "web" };

const char *role_name(enum role r)
{
	return names[r];
}

bool role_parse(const char *name, enum role *ret)
{
	for (int r = ROLE_CONFIG; r < ROLE_COUNT_; r++)
		if (strcmp(names[r], name) == 0) {
			*ret = (enum role)r;
			return true;
		}
	return false;
}

int role_read_conf(struct ipc_message *m, struct conf *ret)
{
	own_view struct memfd_view view = { 0 };
	int r = memfd_map(m->fd, sizeof(*ret), &view);

	if (r < 0)
		return r;
	if (view.len != sizeof(*ret))
		return -EBADMSG;
	memcpy(ret, view.bytes, sizeof(*ret));
	return conf_check(ret) ? 0 : -EBADMSG;
}

static int take_hello(void *ctx, struct ipc_message *m)
{
	struct role_base *b = ctx;
	struct unpack u = unpack_from(m->body, m->len);
	uint32_t version = unpack_u32(&u), role = unpack_u32(&u);

	b->uid = unpack_u32(&u);
	b->gid = unpack_u32(&u);
	if (unpack_end(&u) < 0 || version != MESSAGE_VERSION || role != b->role)
		return -EBADMSG;
	return role_read_conf(m, &b->conf);
}

static const struct message_rule hello_rules[] = {
	{ MSG_HELLO, "hello", 16, 16, FD_MUST, take_hello },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

int role_hello(struct role_base *b, enum role expect, struct why *why)
{
	own_mem struct ipc_message *m = malloc(sizeof(*m));
	int r = m ? 0 : -ENOMEM;

	b->role = expect;
	log_start(role_name(expect), LOG_INFO_);
	if (r == 0)
		r = uv_loop_init(&b->loop);
	if (r < 0)
		return why_set(why, r, "out of memory");
	r = ipc_wait(ROLE_CONTROL_FD, HELLO_WAIT_MS, m);
	if (r > 0)
		r = message_dispatch(hello_rules, b, m);
	if (r < 0)
		return why_set(why, r, "no hello from a parent of this version on descriptor %d",
			       ROLE_CONTROL_FD);
	log_start(role_name(expect), b->conf.log);
	return 0;
}

int role_confine(struct role_base *b, struct sandbox *s, struct why *why)
{
	const char *missing = NULL;

	s->uid = b->uid;
	s->gid = b->gid;
	int r = sandbox_enter(s, &missing, why);
	if (r == 0 && missing)
		say(EV_SANDBOX_PARTIAL, LOG_S("missing", missing));
	return r;
}

static void parent_lost(void *ctx)
{
	struct role_base *b = ctx;

	uv_stop(&b->loop);
}

int role_listen(struct role_base *b, const struct message_rule *rules, void *ctx, struct why *why)
{
	int r = link_open(&b->parent, &b->loop, ROLE_CONTROL_FD, "parent", rules, ctx, parent_lost);

	return r < 0 ? why_set(why, r, "cannot listen to the parent") : 0;
}

int role_ping(void *ctx, struct ipc_message *m)
{
	struct role_base *b = ctx;

	(void)m;
	link_send(&b->parent, MSG_PONG, NULL, 0, -1);
	return 0;
}

int role_ready(struct role_base *b, bool wants_plan)
{
	uint8_t body = wants_plan;

	return link_send(&b->parent, MSG_READY, &body, sizeof(body), -1);
}

int role_fail(struct role_base *b, const struct why *why)
{
	own_pack struct pack p = { 0 };

	say(EV_ROLE_FAILED, LOG_S("why", why->text));
	pack_string(&p, why->text);
	if (pack_result(&p) == 0)
		(void)ipc_send(ROLE_CONTROL_FD, MSG_FAILED, p.bytes, p.len, -1);
	(void)b;
	return EXIT_FAILURE;
}
