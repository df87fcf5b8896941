/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memfd.h"
#include "base/mono.h"
#include "base/notify.h"
#include "base/own.h"
#include "base/pack.h"
#include "prog/event.h"
#include "prog/parent_spawn.h"
#include "prog/role.h"

#define RESTART_LEAST_MS 100
#define RESTART_MOST_MS  10000
#define STEADY_S         30 /* a role that ran so long starts again at once */
#define PING_MS          2000
#define STUCK_S          120 /* more than the longest wait inside a role */
#define STOP_MS          5000
#define ROLES_FIRST      ROLE_ENFORCE

struct parent;

struct child {
	struct parent *parent;
	enum role role;
	pid_t pid; /* 0: not running */
	struct link link;
	uv_timer_t restart;
	struct mono started, heard;
	unsigned delay_ms;
	bool settled; /* ready, or known to be failing: no need to wait for it */
	char why[WHY_BYTES];
};

struct parent {
	uv_loop_t loop;
	const char *path;       /* of the configuration; NULL: the default */
	struct conf conf, next; /* next: being tried by a reload */
	uid_t uid;
	gid_t gid, socket_gid;
	int listen_fd, lock_fd;
	struct child child[ROLE_COUNT_];
	uv_timer_t ping, stop;
	uv_signal_t term, intr, hup, chld;
	bool stopping, told_ready, reloading;
};

/* --- what takes privilege ------------------------------------------------------------------- */

static int find_user(struct parent *p, struct why *why)
{
	const char *name = *p->conf.user ? p->conf.user : "porteiro";
	const struct passwd *user = getpwnam(name);

	p->uid = geteuid();
	p->gid = getegid();
	if (!user && *p->conf.user)
		return why_set(why, -ENOENT, "user: there is no user '%s'", name);
	if (!user && p->uid == 0)
		say(EV_NO_USER);
	if (user && p->uid == 0) {
		p->uid = user->pw_uid;
		p->gid = user->pw_gid;
	}
	const struct group *group = *p->conf.socket_group ? getgrnam(p->conf.socket_group) : NULL;
	if (*p->conf.socket_group && !group)
		return why_set(why, -ENOENT, "socket_group: there is no group '%s'",
			       p->conf.socket_group);
	p->socket_gid = group ? group->gr_gid : p->gid;
	return 0;
}

static int make_dir(const struct parent *p, const char *path, mode_t mode, bool ours,
		    struct why *why)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return why_set(why, -errno, "cannot make directory %s: %s", path, strerror(errno));
	if (ours && geteuid() == 0 && chown(path, p->uid, p->gid) < 0)
		return why_set(why, -errno, "cannot give %s to user %u: %s", path, p->uid,
			       strerror(errno));
	return 0;
}

static int make_parent_dir(const struct parent *p, const char *path, struct why *why)
{
	char dir[CONF_PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	char *slash = strrchr(dir, '/');
	if (slash == dir)
		return 0;
	*slash = '\0';
	return make_dir(p, dir, 0755, false, why);
}

static bool is_bpffs(const char *path)
{
	struct statfs s;

	return statfs(path, &s) == 0 && (unsigned long)s.f_type == BPF_FS_MAGIC;
}

/* systemd usually mounts the BPF file system; where it is not, at its usual place only. */
static int make_pin_dir(const struct parent *p, struct why *why)
{
	static const char usual[] = "/sys/fs/bpf";

	if (strncmp(p->conf.pin_dir, usual, strlen(usual)) == 0 && !is_bpffs(usual) &&
	    mount("bpf", usual, "bpf", 0, NULL) < 0)
		return why_set(why, -errno, "cannot mount a BPF file system at %s: %s", usual,
			       strerror(errno));
	int r = make_parent_dir(p, p->conf.pin_dir, why);
	if (r == 0)
		r = make_dir(p, p->conf.pin_dir, 0700, true, why);
	if (r == 0 && !is_bpffs(p->conf.pin_dir))
		r = why_set(why, -EINVAL, "pin_dir: %s is not in a BPF file system",
			    p->conf.pin_dir);
	return r;
}

/* One porteirod per state directory: held for life, and let go by the kernel whatever happens. */
static int lock(struct parent *p, struct why *why)
{
	char path[CONF_PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/lock", p->conf.state_dir);
	p->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->lock_fd < 0)
		return why_set(why, -errno, "cannot open %s: %s", path, strerror(errno));
	if (flock(p->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return why_set(why, -errno, "another porteirod works on %s", p->conf.state_dir);
	return 0;
}

static int listen_on(struct parent *p, struct why *why)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *path = p->conf.socket;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)unlink(path); /* the lock says that nobody answers there any more */
	own_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return why_set(why, -errno, "cannot make a socket: %s", strerror(errno));
	mode_t before = umask(0177);
	int r = bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
	umask(before);
	if (r < 0)
		return why_set(why, r, "cannot listen on %s: %s", path, strerror(-r));
	if (geteuid() == 0 && chown(path, p->uid, p->socket_gid) < 0)
		return why_set(why, -errno, "cannot give %s to group %u", path, p->socket_gid);
	if (chmod(path, 0660) < 0 || listen(fd, 128) < 0)
		return why_set(why, -errno, "cannot listen on %s: %s", path, strerror(errno));
	p->listen_fd = take_fd(&fd);
	return 0;
}

static int prepare(struct parent *p, struct why *why)
{
	int r = find_user(p, why);

	if (r == 0)
		r = make_parent_dir(p, p->conf.state_dir, why);
	if (r == 0)
		r = make_dir(p, p->conf.state_dir, 0750, true, why);
	if (r == 0)
		r = lock(p, why);
	if (r == 0 && p->conf.backend == BACKEND_XDP)
		r = make_pin_dir(p, why);
	if (r == 0)
		r = make_parent_dir(p, p->conf.socket, why);
	return r < 0 ? r : listen_on(p, why);
}

/* --- children ------------------------------------------------------------------------------- */

static struct child *running(struct parent *p, enum role role)
{
	struct child *c = &p->child[role];

	return c->pid && c->link.open ? c : NULL;
}

/* Every role works with the engine, and with nobody else. */
static bool are_peers(enum role a, enum role b)
{
	return a != b && (a == ROLE_ENGINE || b == ROLE_ENGINE);
}

static int send_peer(struct child *c, enum role peer, int fd)
{
	own_pack struct pack m = { 0 };

	pack_u32(&m, peer);
	int r = pack_result(&m);
	return r < 0 ? r : link_send(&c->link, MSG_PEER, m.bytes, m.len, fd);
}

static void introduce(struct parent *p, struct child *c)
{
	for (int role = ROLES_FIRST; role < ROLE_COUNT_; role++) {
		struct child *other = running(p, (enum role)role);
		int pair[2];

		if (!other || !are_peers(c->role, other->role) || ipc_pair(pair) < 0)
			continue;
		(void)send_peer(c, other->role, pair[0]);
		(void)send_peer(other, c->role, pair[1]);
		close(pair[0]);
		close(pair[1]);
	}
}

static int send_conf(struct child *c, uint32_t id)
{
	const struct parent *p = c->parent;
	own_pack struct pack m = { 0 };
	own_fd int fd = memfd_from("conf", &p->conf, sizeof(p->conf));

	if (fd < 0)
		return fd;
	if (id == MSG_HELLO) {
		pack_u32(&m, MESSAGE_VERSION);
		pack_u32(&m, c->role);
		pack_u32(&m, p->uid == 0 ? 0 : p->uid);
		pack_u32(&m, p->gid);
	}
	int r = pack_result(&m);
	return r < 0 ? r : link_send(&c->link, id, m.bytes, m.len, fd);
}

static void tell_status(struct parent *p)
{
	char text[600] = "";
	size_t n = 0;
	bool settled = true;

	for (int role = ROLES_FIRST; role < ROLE_COUNT_; role++) {
		const struct child *c = &p->child[role];

		settled &= c->settled;
		if (*c->why)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s: %.150s",
					      n ? "; " : "", role_name(c->role), c->why);
	}
	char line[700];
	snprintf(line, sizeof(line), "%sSTATUS=%s", settled && !p->told_ready ? "READY=1\n" : "",
		 n ? text : "all roles work");
	p->told_ready |= settled;
	(void)notify(line);
}

/* The web role tells callers why a role is away. */
static void tell_state(struct child *c)
{
	struct child *web = running(c->parent, ROLE_WEB);
	own_pack struct pack m = { 0 };

	tell_status(c->parent);
	pack_u32(&m, c->role);
	pack_string(&m, c->why);
	if (web && pack_result(&m) == 0)
		(void)link_send(&web->link, MSG_ROLE_STATE, m.bytes, m.len, -1);
}

static void reload_done(struct parent *p, bool ok, const char *why)
{
	p->reloading = false;
	if (!ok) {
		say(EV_RELOAD_REFUSED, LOG_S("why", why));
		return;
	}
	p->conf = p->next;
	log_start(role_name(ROLE_PARENT), p->conf.log);
	for (int role = ROLES_FIRST; role < ROLE_COUNT_; role++) {
		struct child *c = running(p, (enum role)role);
		if (c)
			(void)send_conf(c, MSG_CONF);
	}
	say(EV_RELOADED);
}

/* Hand the plan file to the web role; its word decides about the whole reload. */
static int reload_plan(struct parent *p, struct why *why)
{
	struct child *web = running(p, ROLE_WEB);
	own_pack struct pack m = { 0 };
	own_fd int fd = open(p->next.plan, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return why_set(why, -errno, "cannot open %s: %s", p->next.plan, strerror(errno));
	if (!web)
		return why_set(why, -ENOTCONN, "the web role is not running");
	pack_string(&m, p->next.plan);
	int r = pack_result(&m);
	if (r == 0)
		r = link_send(&web->link, MSG_RELOAD, m.bytes, m.len, fd);
	return r < 0 ? why_set(why, r, "the web role takes no plan: %s", strerror(-r)) : 0;
}

/* What p->next says, as one transaction with its plan. */
static void reload(struct parent *p)
{
	struct why why = { 0 };

	p->reloading = true;
	if (!*p->next.plan)
		reload_done(p, true, "");
	else if (reload_plan(p, &why) < 0)
		reload_done(p, false, why.text);
}

static int take_ready(void *ctx, struct ipc_message *m)
{
	struct child *c = ctx;
	struct parent *p = c->parent;
	struct unpack u = unpack_from(m->body, m->len);
	bool wants_plan = unpack_u8(&u) != 0;

	if (unpack_end(&u) < 0)
		return -EBADMSG;
	c->settled = true;
	c->why[0] = '\0';
	tell_state(c);
	if (wants_plan && *p->conf.plan && !p->reloading) {
		p->next = p->conf;
		reload(p);
	}
	return 0;
}

static int take_failed(void *ctx, struct ipc_message *m)
{
	struct child *c = ctx;
	struct unpack u = unpack_from(m->body, m->len);

	unpack_string(&u, c->why, sizeof(c->why));
	c->settled = true;
	tell_state(c);
	return unpack_end(&u);
}

static int take_pong(void *ctx, struct ipc_message *m)
{
	struct child *c = ctx;

	(void)m;
	c->heard = mono_now();
	return 0;
}

static void kill_stuck(struct child *c)
{
	say(EV_ROLE_STUCK, LOG_S("stuck", role_name(c->role)), LOG_N("pid", c->pid));
	kill(c->pid, SIGKILL);
}

static int take_peer_stuck(void *ctx, struct ipc_message *m)
{
	struct child *c = ctx;
	struct unpack u = unpack_from(m->body, m->len);
	uint32_t role = unpack_below(&u, ROLE_COUNT_);

	if (unpack_end(&u) < 0 || !are_peers(c->role, (enum role)role))
		return -EBADMSG;
	struct child *peer = running(c->parent, (enum role)role);
	if (peer)
		kill_stuck(peer);
	return 0;
}

static int take_reloaded(void *ctx, struct ipc_message *m)
{
	struct child *c = ctx;
	struct unpack u = unpack_from(m->body, m->len);
	uint32_t ok = unpack_u32(&u);
	char why[WHY_BYTES];

	unpack_string(&u, why, sizeof(why));
	if (unpack_end(&u) < 0)
		return -EBADMSG;
	if (c->parent->reloading)
		reload_done(c->parent, ok == 1, why);
	return 0;
}

static const struct message_rule child_rules[] = {
	{ MSG_READY, "ready", 1, 1, FD_NONE, take_ready },
	{ MSG_FAILED, "failed", 4, 4 + WHY_BYTES, FD_NONE, take_failed },
	{ MSG_PONG, "pong", 0, 0, FD_NONE, take_pong },
	{ MSG_PEER_STUCK, "peer-stuck", 4, 4, FD_NONE, take_peer_stuck },
	{ MSG_RELOADED, "reloaded", 8, 8 + WHY_BYTES, FD_NONE, take_reloaded },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

/* A role that hangs up is about to end, or must. */
static void child_lost(void *ctx)
{
	struct child *c = ctx;

	if (c->pid && !c->parent->stopping)
		kill(c->pid, SIGKILL);
}

static void start_child(struct child *c)
{
	struct parent *p = c->parent;
	int sock;
	int r = spawn_role(c->role, &sock, &c->pid);

	if (r == 0)
		r = link_open(&c->link, &p->loop, sock, role_name(c->role), child_rules, c,
			      child_lost);
	if (r == 0)
		r = send_conf(c, MSG_HELLO);
	c->started = c->heard = mono_now();
	if (r < 0) {
		say(EV_ROLE_FAILED, LOG_S("failed", role_name(c->role)),
		    LOG_S("why", strerror(-r)));
		if (c->pid)
			kill(c->pid, SIGKILL);
		return;
	}
	say(EV_ROLE_STARTED, LOG_S("started", role_name(c->role)), LOG_N("pid", c->pid));
	if (c->role == ROLE_WEB)
		(void)link_send(&c->link, MSG_LISTEN, NULL, 0, p->listen_fd);
	introduce(p, c);
	for (int role = ROLES_FIRST; c->role == ROLE_WEB && role < ROLE_COUNT_; role++)
		if (*p->child[role].why)
			tell_state(&p->child[role]);
}

static void on_restart(uv_timer_t *timer)
{
	struct child *c = timer->data;

	if (!c->parent->stopping)
		start_child(c);
}

static bool all_gone(const struct parent *p)
{
	for (int role = ROLES_FIRST; role < ROLE_COUNT_; role++)
		if (p->child[role].pid)
			return false;
	return true;
}

static void child_ended(struct child *c, int status)
{
	struct parent *p = c->parent;
	bool steady = mono_since(c->started, mono_now()).ns > SPAN_S(STEADY_S).ns;

	c->pid = 0;
	link_close(&c->link);
	if (p->stopping) {
		if (all_gone(p))
			uv_stop(&p->loop);
		return;
	}
	if (c->role == ROLE_WEB && p->reloading)
		reload_done(p, false, "the web role ended while it read the plan");
	c->delay_ms = steady || !c->delay_ms ? RESTART_LEAST_MS : c->delay_ms * 2;
	if (c->delay_ms > RESTART_MOST_MS)
		c->delay_ms = RESTART_MOST_MS;
	say(EV_ROLE_ENDED, LOG_S("ended", role_name(c->role)),
	    LOG_N("exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
	    LOG_N("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
	    LOG_N("delay_ms", c->delay_ms));
	if (!*c->why)
		snprintf(c->why, sizeof(c->why), "it ended and is being started again");
	tell_state(c);
	uv_timer_start(&c->restart, on_restart, c->delay_ms, 0);
}

static void on_child(uv_signal_t *handle, int number)
{
	struct parent *p = handle->data;

	(void)number;
	for (int role = ROLES_FIRST; role < ROLE_COUNT_; role++) {
		struct child *c = &p->child[role];
		int status;

		if (c->pid && waitpid(c->pid, &status, WNOHANG) == c->pid)
			child_ended(c, status);
	}
}

/* --- signals and time ----------------------------------------------------------------------- */

static void on_ping(uv_timer_t *timer)
{
	struct parent *p = timer->data;

	for (int role = ROLES_FIRST; role < ROLE_COUNT_; role++) {
		struct child *c = running(p, (enum role)role);

		if (c && mono_since(c->heard, mono_now()).ns > SPAN_S(STUCK_S).ns)
			kill_stuck(c);
		else if (c)
			(void)link_send(&c->link, MSG_PING, NULL, 0, -1);
	}
	if (notify_watchdog_us())
		(void)notify("WATCHDOG=1");
}

static void on_stop_late(uv_timer_t *timer)
{
	struct parent *p = timer->data;

	for (int role = ROLES_FIRST; role < ROLE_COUNT_; role++)
		if (p->child[role].pid)
			kill(p->child[role].pid, SIGKILL);
}

static void on_stop(uv_signal_t *handle, int number)
{
	struct parent *p = handle->data;

	(void)number;
	if (p->stopping)
		return;
	p->stopping = true;
	say(EV_STOPPING);
	(void)notify("STOPPING=1");
	for (int role = ROLES_FIRST; role < ROLE_COUNT_; role++)
		link_close(&p->child[role].link);
	uv_timer_start(&p->stop, on_stop_late, STOP_MS, 0);
	if (all_gone(p))
		uv_stop(&p->loop);
}

static void on_reload(uv_signal_t *handle, int number)
{
	struct parent *p = handle->data;
	struct why why = { 0 };

	(void)number;
	if (p->reloading || p->stopping)
		return;
	p->reloading = true;
	int r = parent_read_conf(p->path, &p->next, &why);
	const char *fixed = r == 0 ? conf_needs_restart(&p->conf, &p->next) : NULL;
	if (fixed)
		r = why_set(&why, -EINVAL, "%s can not change while running: restart porteirod",
			    fixed);
	if (r < 0) {
		reload_done(p, false, why.text);
		return;
	}
	reload(p);
}

static void watch(struct parent *p)
{
	static const struct {
		size_t handle;
		int number;
		uv_signal_cb cb;
	} signals[] = {
		{ offsetof(struct parent, term), SIGTERM, on_stop },
		{ offsetof(struct parent, intr), SIGINT, on_stop },
		{ offsetof(struct parent, hup), SIGHUP, on_reload },
		{ offsetof(struct parent, chld), SIGCHLD, on_child },
	};

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		uv_signal_t *s = (uv_signal_t *)((char *)p + signals[i].handle);

		uv_signal_init(&p->loop, s);
		s->data = p;
		uv_signal_start(s, signals[i].cb, signals[i].number);
	}
	uv_timer_init(&p->loop, &p->stop);
	p->stop.data = p;
	uv_timer_init(&p->loop, &p->ping);
	p->ping.data = p;
	uint64_t watchdog_ms = notify_watchdog_us() / 3000;
	uint64_t every = watchdog_ms && watchdog_ms < PING_MS ? watchdog_ms : PING_MS;
	uv_timer_start(&p->ping, on_ping, every, every);
}

int parent_run(const char *path, const struct conf *conf)
{
	own_mem struct parent *p = calloc(1, sizeof(*p));
	struct why why = { 0 };

	if (!p || uv_loop_init(&p->loop) < 0)
		return EXIT_FAILURE;
	log_start(role_name(ROLE_PARENT), conf->log);
	p->path = path;
	p->conf = *conf;
	p->listen_fd = p->lock_fd = -1;
	if (prepare(p, &why) < 0) {
		say(EV_CANNOT_START, LOG_S("why", why.text));
		return EXIT_FAILURE;
	}
	watch(p);
	for (int role = ROLES_FIRST; role < ROLE_COUNT_; role++) {
		struct child *c = &p->child[role];

		c->parent = p;
		c->role = (enum role)role;
		uv_timer_init(&p->loop, &c->restart);
		c->restart.data = c;
		start_child(c);
	}
	say(EV_STARTED, LOG_S("version", PORTEIRO_VERSION),
	    LOG_S("conf", path ? path : CONF_DEFAULT_PATH), LOG_S("socket", p->conf.socket));
	uv_run(&p->loop, UV_RUN_DEFAULT);
	(void)unlink(p->conf.socket);
	return EXIT_SUCCESS;
}
