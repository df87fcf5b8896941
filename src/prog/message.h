/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * message: what the roles of porteirod say to each other.
 *
 * Each role has a table of the messages it takes on each of its sockets: id,
 * size bounds, whether a descriptor comes along, and who handles it. What is
 * not in the table, or out of its bounds, is refused, and the socket is hung
 * up. Bodies are base/pack; ids are only ever appended.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/ipc.h"

/* Raised with every change of ids or bodies. Roles are one binary, so a difference means a mixed
 * start. */
#define MESSAGE_VERSION 1

enum message_id {
	/* parent → role */
	MSG_HELLO = 1,  /* version, role, uid, gid; the configuration */
	MSG_PEER,       /* role; a socket to it */
	MSG_PING,       /* nothing */
	MSG_CONF,       /* nothing; the new configuration */
	MSG_LISTEN,     /* to web: nothing; the listening socket */
	MSG_RELOAD,     /* to web: plan's path; the open plan file */
	MSG_ROLE_STATE, /* to web: role, string why it is down, "" when it is not */
	/* role → parent */
	MSG_READY,      /* wants a plan? */
	MSG_FAILED,     /* why */
	MSG_PONG,       /* nothing */
	MSG_PEER_STUCK, /* role */
	MSG_RELOADED,   /* ok, why */
	/* web → engine, and back */
	MSG_REQUEST, /* number, api_request; the plan for API_PLAN_APPLY */
	MSG_ANSWER,  /* number, HTTP status, content type, inline body; or the body as a memfd */
	/* engine → enforce, and back */
	MSG_LOAD,     /* keep what is in the kernel?; the ruleset */
	MSG_PUT,      /* prefix, class */
	MSG_COMPARE,  /* now */
	MSG_SET_OPEN, /* open */
	MSG_IS_OPEN,  /* nothing */
	MSG_COUNTERS, /* nothing */
	MSG_RESULT,   /* of which message, code, why, then what it returns */
	MSG_LINKS,    /* enforce → engine: a network interface came or went */
};

enum message_fd { FD_NONE, FD_MUST, FD_MAY };

struct message_rule {
	uint32_t id; /* 0 ends the table */
	const char *name;
	size_t least, most; /* bytes of the body */
	enum message_fd fd;
	/* Takes m->fd by setting it to -1; else it is closed afterwards. 0, or -EBADMSG. */
	int (*handle)(void *ctx, struct ipc_message *m);
};

/* 0; -EBADMSG for what the table does not allow or the handler could not read. */
int message_dispatch(const struct message_rule *rules, void *ctx, struct ipc_message *m);

/* A socket to another process on the loop. Embedded; all zero: closed. */
struct poll_box;
struct link {
	struct poll_box *box;
	int fd;
	bool open;
	const char *peer;
	const struct message_rule *rules;
	void *ctx;
	void (*lost)(void *ctx); /* the peer hung up, or was hung up on; the link is closed */
	struct ipc_message *buffer;
};

/* Takes `fd`. A link that is open is closed first, without lost(). */
int link_open(struct link *l, uv_loop_t *loop, int fd, const char *peer,
	      const struct message_rule *rules, void *ctx, void (*lost)(void *ctx));
void link_close(struct link *l);
/* -ENOTCONN when closed; on other failures the link is lost. */
int link_send(struct link *l, uint32_t id, const void *body, size_t len, int fd);
