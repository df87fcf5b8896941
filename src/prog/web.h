/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * web: the role that reads what comes from outside: HTTP, JSON and YAML.
 *
 *   web.c       the role: messages, start
 *   web_http.c  connections and requests
 *   web_plan.c  YAML → the packed plan that the engine takes
 */
#pragma once

#include <microhttpd.h>

#include "prog/role.h"
#include "tell/api.h"

#define WEB_CONNECTIONS_MAX 128
#define WEB_HELD_MAX        (256u << 20) /* bytes of bodies under way, all requests together */
#define WEB_IDLE_S          30

enum request_state { REQUEST_READING, REQUEST_WAITING, REQUEST_ANSWERED };

/* One HTTP request; lives from its first byte to its last. */
struct request {
	struct web *web;
	struct request *next;
	struct MHD_Connection *connection;
	uint64_t number;
	enum request_state state;
	const struct api_route *route; /* NULL: there is none, see problem */
	char path[API_PATH_MAX];
	char allow[64];
	bool refused; /* problem is set: the rest of the body is thrown away */
	struct problem problem;
	uint8_t *body;
	size_t len, room;
	/* the answer */
	unsigned status;
	char type[40];
	char *answer;
	size_t answer_len;
};

struct web {
	struct role_base base; /* first: role_ping() counts on it */
	struct link engine;
	struct MHD_Daemon *http;
	uv_poll_t poll;
	uv_timer_t timer;
	struct request *requests;
	uint64_t last_number;
	size_t held;
	uint64_t reload; /* number of the request that a reload waits for; 0: none */
	char role_why[ROLE_COUNT_][WHY_BYTES];
};

/* --- web_http.c --- */
int web_listen(struct web *w, int fd, struct why *why);
/* The engine's word on request `number`; `body` is copied. */
void web_answer(struct web *w, uint64_t number, unsigned status, const char *type, const void *body,
		size_t len);
/* Every request under way gets a problem: the engine that had them is gone. */
void web_engine_lost(struct web *w);
/* Let libmicrohttpd do what there is to do. */
void web_run(struct web *w);

/* --- web_plan.c --- */
/*
 * Parse, and pack with the text and the warnings into a sealed memfd. Returns
 * the descriptor; -EINVAL with the problem, and *ret_faults for its "faults"
 * member (a new reference, or NULL).
 */
int web_pack_plan(const char *text, size_t len, const char *name, struct problem *p,
		  json_t **ret_faults);
