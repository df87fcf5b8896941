/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * role: what the processes of porteirod have in common.
 *
 * The parent starts each role as this same binary with --role=NAME and a
 * socket as descriptor 3. The first message is MSG_HELLO; then the role shuts
 * itself into its sandbox, says MSG_READY and works on its loop until the
 * parent hangs up.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/sandbox.h"
#include "base/why.h"
#include "prog/conf.h"
#include "prog/message.h"

enum role { ROLE_PARENT, ROLE_CONFIG, ROLE_ENFORCE, ROLE_ENGINE, ROLE_WEB, ROLE_COUNT_ };

#define ROLE_CONTROL_FD 3

const char *role_name(enum role r);
bool role_parse(const char *name, enum role *ret);

struct role_base {
	enum role role;
	uv_loop_t loop;
	struct link parent;
	struct conf conf;
	uid_t uid;
	gid_t gid;
};

/* Waits for the parent's hello on descriptor 3. */
int role_hello(struct role_base *b, enum role expect, struct why *why);
/* Enters the sandbox; `s` needs no uid. Logs what the kernel lacks. */
int role_confine(struct role_base *b, struct sandbox *s, struct why *why);
/*
 * Opens the link to the parent with the role's own rules; MSG_PING is answered
 * by role_ping. When the parent hangs up, the loop stops.
 */
int role_listen(struct role_base *b, const struct message_rule *rules, void *ctx, struct why *why);
int role_ping(void *ctx, struct ipc_message *m); /* ctx: anything that begins with a role_base */
/* `wants_plan`: from the engine, when the store has none. */
int role_ready(struct role_base *b, bool wants_plan);
/* Tell the parent and the log why this role can not work; returns the exit code. */
int role_fail(struct role_base *b, const struct why *why);
/* MSG_CONF and MSG_HELLO: a checked copy of the configuration in m->fd. */
int role_read_conf(struct ipc_message *m, struct conf *ret);

/* Each runs until it is told to stop, and returns the exit code. */
int role_config(void);
int role_enforce(void);
int role_engine(void);
int role_web(void);
