/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client: one request to the daemon's API, over its Unix socket.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"
#include "base/why.h"

#define CLIENT_SOCKET "/run/porteiro/api.sock"

struct client {
	const char *verb;   /* for messages: "porteiro VERB: …" */
	const char *socket; /* NULL: $PORTEIRO_SOCKET, or the usual place */
	bool json;          /* answers are printed as they came */
	long timeout_ms;    /* 0: as long as it takes */
};

struct ask {
	const char *method, *path; /* path with its query */
	const char *type;          /* of the body; NULL: there is none */
	const char *body;
	size_t len;
	const char *header; /* one more, "Name: value"; NULL: none */
};

struct reply {
	long status;
	char *text; /* the body, with a NUL behind it */
	size_t len;
	json_t *json; /* NULL if it is not JSON */
};
void reply_free(struct reply *r);
OWNABLE(reply)

/* 0 whatever the status; -ENOTCONN with `why` when no daemon answers, -ETIMEDOUT, -ENOMEM. */
int client_ask(const struct client *c, const struct ask *a, struct reply **ret, struct why *why);
/*
 * The same for a verb: failures and problems are told on standard error, and
 * with c->json a good answer is printed. Returns an exit code; *ret only for EXIT_DONE.
 */
int client_do(const struct client *c, const struct ask *a, struct reply **ret);
/* Tell the problem in a reply; returns the exit code that goes with it. */
int client_tell_problem(const struct client *c, const struct reply *r);

/* Members of answers, for printing: "" and 0 where they are missing. */
const char *reply_string(const json_t *j, const char *name);
double reply_number(const json_t *j, const char *name);
bool reply_flag(const json_t *j, const char *name);
/* A count of addresses for people: "120", or "4096 /64s" for IPv6. */
#define COUNT_TEXT_MAX 40
const char *count_text(double addresses, bool v6, char ret[static COUNT_TEXT_MAX]);

/*
 * The options that every verb of the daemon has: --help, --json, --socket PATH, and up to
 * CLIENT_OPTIONS_MAX more of its own, each with one argument or none.
 */
#define CLIENT_OPTIONS_MAX 6

struct client_option {
	const char *name;
	const char **value; /* NULL for a flag */
	bool *flag;
};
/*
 * -1: go on, `optind` stands at the first argument; else the exit code (--help, misuse).
 * The arguments left must be from `least` to `most`.
 */
int client_options(int argc, char **argv, struct client *c, const struct client_option *own_options,
		   const char *usage, int least, int most);
