/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The enforce role: holds the kernel objects, and the only capabilities.
 *
 * Does what the engine says and nothing else; reads nothing that comes from
 * outside. It may be killed at any moment: what is in force is in the kernel.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memfd.h"
#include "prog/backend.h"
#include "prog/call.h"
#include "prog/event.h"
#include "prog/role.h"

struct enforce {
	struct role_base base; /* first: role_ping() counts on it */
	struct link engine;
	struct filter *filter;   /* NULL while it can not be opened */
	struct ruleset *ruleset; /* what the engine gave last; NULL before */
	int netlink;
	uv_poll_t links;
};

/* The kernel objects, tried again at each call until they can be had. */
static int need_filter(struct enforce *e, struct why *why)
{
	if (e->filter)
		return 0;
	int r = backend_open(&e->base.conf, &e->filter, why);
	if (r < 0)
		say(EV_FILTER_ABSENT, LOG_S("why", why->text));
	else
		say(EV_FILTER_READY, LOG_S("backend", e->filter->ops->name));
	return r;
}

/* At the interfaces too; what was missing there counts as drift. */
static int need_place(struct enforce *e, struct filter_drift *drift, struct why *why)
{
	return backend_attach(&e->base.conf, e->filter, drift, why);
}

static int need_ruleset(const struct enforce *e, struct why *why)
{
	return e->ruleset ? 0 : why_set(why, -ENODATA, "no ruleset has been given yet");
}

static int answer(struct enforce *e, struct call_result *result, int fd)
{
	own_pack struct pack p = { 0 };

	if (result->code < 0 && !*result->why.text)
		why_set(&result->why, result->code, "%s", strerror(-result->code));
	call_result_pack(&p, result);
	int r = pack_result(&p);
	if (r == 0)
		r = link_send(&e->engine, MSG_RESULT, p.bytes, p.len, fd);
	return r < 0 ? -EPIPE : 0;
}

static int read_ruleset(struct ipc_message *m, struct ruleset **ret, struct why *why)
{
	own_view struct memfd_view view = { 0 };
	int r = memfd_map(m->fd, CALL_RULESET_MAX, &view);

	return r < 0 ? r : ruleset_decode(view.bytes, view.len, ret, why);
}

/* MSG_LOAD: either put in force, or only remember what should be (the kernel may have it already).
 */
static int take_load(void *ctx, struct ipc_message *m)
{
	struct enforce *e = ctx;
	struct unpack u = unpack_from(m->body, m->len);
	bool keep = unpack_u8(&u) != 0;
	own(ruleset) struct ruleset *rs = NULL;
	struct call_result result = { .of = m->id };
	struct filter_drift place = { 0 };

	if (unpack_end(&u) < 0)
		return -EBADMSG;
	result.code = read_ruleset(m, &rs, &result.why);
	if (result.code == 0)
		result.code = need_filter(e, &result.why);
	/* The place first: if it can not be had, what is in force is still what it was. */
	if (result.code == 0 && !keep)
		result.code = need_place(e, &place, &result.why);
	if (result.code == 0 && !keep)
		result.code = e->filter->ops->load(e->filter, rs, &result.why);
	if (result.code == 0) {
		ruleset_free(e->ruleset);
		e->ruleset = take(rs);
	}
	return answer(e, &result, -1);
}

static int take_put(void *ctx, struct ipc_message *m)
{
	struct enforce *e = ctx;
	struct unpack u = unpack_from(m->body, m->len);
	struct call_result result = { .of = m->id };
	struct call_put put;

	if (call_put_unpack(&u, &put) < 0)
		return -EBADMSG;
	result.code = need_filter(e, &result.why);
	if (result.code == 0)
		result.code = need_ruleset(e, &result.why);
	if (result.code == 0)
		result.code =
		    e->filter->ops->put(e->filter, e->ruleset, put.prefix, &put.class, &result.why);
	return answer(e, &result, -1);
}

static int take_compare(void *ctx, struct ipc_message *m)
{
	struct enforce *e = ctx;
	struct unpack u = unpack_from(m->body, m->len);
	struct wall now = { unpack_i64(&u) };
	struct call_result result = { .of = m->id };

	if (unpack_end(&u) < 0)
		return -EBADMSG;
	result.code = need_filter(e, &result.why);
	if (result.code == 0)
		result.code = need_ruleset(e, &result.why);
	if (result.code == 0)
		result.code =
		    e->filter->ops->compare(e->filter, e->ruleset, now, &result.drift, &result.why);
	if (result.code == 0)
		result.code = need_place(e, &result.drift, &result.why);
	return answer(e, &result, -1);
}

static int take_set_open(void *ctx, struct ipc_message *m)
{
	struct enforce *e = ctx;
	struct unpack u = unpack_from(m->body, m->len);
	bool open = unpack_u8(&u) != 0;
	struct call_result result = { .of = m->id };

	if (unpack_end(&u) < 0)
		return -EBADMSG;
	result.code = need_filter(e, &result.why);
	if (result.code == 0)
		result.code = e->filter->ops->set_open(e->filter, open, &result.why);
	return answer(e, &result, -1);
}

static int take_is_open(void *ctx, struct ipc_message *m)
{
	struct enforce *e = ctx;
	struct call_result result = { .of = m->id };

	result.code = need_filter(e, &result.why);
	if (result.code == 0)
		result.code = e->filter->ops->is_open(e->filter, &result.open, &result.why);
	return answer(e, &result, -1);
}

static int add_count(void *arg, const struct filter_count *count)
{
	struct pack *p = arg;

	call_count_pack(p, count);
	return pack_result(p);
}

static int take_counters(void *ctx, struct ipc_message *m)
{
	struct enforce *e = ctx;
	struct call_result result = { .of = m->id };
	own_pack struct pack p = { 0 };
	own_fd int fd = -1;

	result.code = need_filter(e, &result.why);
	if (result.code == 0)
		result.code = e->filter->ops->counters(e->filter, add_count, &p, &result.why);
	if (result.code == 0)
		result.code = pack_result(&p);
	if (result.code == 0) {
		fd = memfd_from("counters", p.bytes, p.len);
		result.code = fd < 0 ? fd : 0;
	}
	return answer(e, &result, fd);
}

static const struct message_rule engine_rules[] = {
	{ MSG_LOAD, "load", 1, 1, FD_MUST, take_load },
	{ MSG_PUT, "put", 35, 35 + RULESET_NAME_MAX, FD_NONE, take_put },
	{ MSG_COMPARE, "compare", 8, 8, FD_NONE, take_compare },
	{ MSG_SET_OPEN, "set-open", 1, 1, FD_NONE, take_set_open },
	{ MSG_IS_OPEN, "is-open", 0, 0, FD_NONE, take_is_open },
	{ MSG_COUNTERS, "counters", 0, 0, FD_NONE, take_counters },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

static int take_peer(void *ctx, struct ipc_message *m)
{
	struct enforce *e = ctx;
	struct unpack u = unpack_from(m->body, m->len);

	if (unpack_u32(&u) != ROLE_ENGINE || unpack_end(&u) < 0)
		return -EBADMSG;
	int fd = m->fd;
	m->fd = -1;
	return link_open(&e->engine, &e->base.loop, fd, "engine", engine_rules, e, NULL);
}

static int take_conf(void *ctx, struct ipc_message *m)
{
	struct enforce *e = ctx;
	int r = role_read_conf(m, &e->base.conf);

	if (r == 0)
		log_start(role_name(ROLE_ENFORCE), e->base.conf.log);
	return r;
}

static const struct message_rule parent_rules[] = {
	{ MSG_PEER, "peer", 4, 4, FD_MUST, take_peer },
	{ MSG_PING, "ping", 0, 0, FD_NONE, role_ping },
	{ MSG_CONF, "conf", 0, 0, FD_MUST, take_conf },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

/* Links come and go; what changed is not read, only that the engine should look. */
static void on_links(uv_poll_t *poll, int status, int what)
{
	struct enforce *e = poll->data;
	char waste[8192];
	bool any = false;

	(void)status;
	(void)what;
	while (recv(e->netlink, waste, sizeof(waste), MSG_DONTWAIT) > 0 || errno == ENOBUFS) {
		any = true;
		errno = 0;
	}
	if (any)
		(void)link_send(&e->engine, MSG_LINKS, NULL, 0, -1);
}

static int watch_links(struct enforce *e)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	e->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (e->netlink < 0 || bind(e->netlink, (struct sockaddr *)&at, sizeof(at)) < 0)
		return -errno;
	int r = uv_poll_init(&e->base.loop, &e->links, e->netlink);
	e->links.data = e;
	return r < 0 ? r : uv_poll_start(&e->links, UV_READABLE, on_links);
}

static int confine(struct enforce *e, struct why *why)
{
	static const int xdp_caps[] = { CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, -1 };
	static const int nft_caps[] = { CAP_NET_ADMIN, -1 };
	bool xdp = e->base.conf.backend == BACKEND_XDP;
	static const char *const syscalls[] = {
		"bpf",         "socket",   "bind",      "connect",         "setsockopt",
		"sendmmsg",    "recvmmsg", "mkdir",     "mkdirat",         "unlink",
		"unlinkat",    "rmdir",    "rename",    "renameat",        "renameat2",
		"getdents64",  "statfs",   "fstatfs",   "perf_event_open", "readlinkat",
		"getpeername", "mlock",    "setrlimit", "getxattr",        NULL,
	};
	/* libbpf opens "/" to get a descriptor's number; netlink and nft look names up in /etc. */
	const struct sandbox_path paths[] = {
		{ "/", SANDBOX_LIST },
		{ "/sys", SANDBOX_READ },
		{ "/proc", SANDBOX_READ },
		{ "/boot", SANDBOX_READ },
		{ "/lib/modules", SANDBOX_READ },
		{ "/etc/iproute2", SANDBOX_READ },
		{ "/etc/protocols", SANDBOX_READ },
		{ "/etc/services", SANDBOX_READ },
		{ e->base.conf.pin_dir, SANDBOX_WRITE },
	};
	struct sandbox s = { .caps = xdp ? xdp_caps : nft_caps,
			     .paths = paths,
			     .paths_count = sizeof(paths) / sizeof(*paths),
			     .syscalls = syscalls };

	if (!xdp)
		s.paths_count--;
	return role_confine(&e->base, &s, why);
}

int role_enforce(void)
{
	struct enforce *e = calloc(1, sizeof(*e));
	struct why why = { 0 };
	int r;

	if (!e)
		return EXIT_FAILURE;
	signal(SIGPIPE, SIG_IGN);
	r = role_hello(&e->base, ROLE_ENFORCE, &why);
	if (r == 0)
		r = confine(e, &why);
	if (r == 0)
		r = role_listen(&e->base, parent_rules, e, &why);
	if (r == 0)
		r = watch_links(e);
	if (r < 0)
		return role_fail(&e->base, &why);
	/* Without the filter the role stays: the engine says why at each call, and tries again. */
	struct filter_drift place = { 0 };
	if (need_filter(e, &why) == 0 && need_place(e, &place, &why) < 0)
		say(EV_FILTER_FAILED, LOG_S("why", why.text));
	(void)role_ready(&e->base, false);
	uv_run(&e->base.loop, UV_RUN_DEFAULT);
	filter_free(e->filter);
	ruleset_free(e->ruleset);
	free(e);
	return EXIT_SUCCESS;
}
