/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api: an HTTP request → what is wanted, as one struct.
 *
 * The table of routes (api_routes) is the only place where a path, parameter
 * or field of the API is named. The parser works from it, and doc/openapi.yaml
 * is checked against it (porteirod --show-api prints it).
 *
 * Pure: bytes come in, a struct or a problem comes out. Runs in the web role,
 * which has no privileges and no store; the struct then crosses to the engine
 * packed, and is checked again there as it is unpacked.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/pack.h"
#include "model/addr.h"
#include "tell/problem.h"

#define API_BODY_MAX   65536        /* JSON */
#define API_PLAN_MAX   (128u << 20) /* YAML: a million prefixes take some 30 MB */
#define API_PATH_MAX   200
#define API_PAGE_MAX   1000
#define API_REASON_MAX 200 /* with its NUL, in bytes */
#define API_BY_MAX     64

enum api_op {
	API_HEALTH,
	API_STATUS,
	API_PLAN_GET,
	API_PLAN_APPLY,
	API_EXCEPTION_LIST,
	API_EXCEPTION_ADD,
	API_EXCEPTION_REMOVE,
	API_COUNTERS,
	API_JOURNAL,
	API_WHY,
	API_OPEN,
	API_RESUME,
	API_RECONCILE,
	API_OP_COUNT_
};

enum api_in { IN_PATH, IN_QUERY, IN_HEADER, IN_BODY };
enum api_type { TYPE_STRING, TYPE_INTEGER, TYPE_BOOLEAN };
enum api_body { BODY_NONE, BODY_JSON, BODY_JSON_OPTIONAL, BODY_YAML };

struct api_request {
	enum api_op op;
	char by[API_BY_MAX]; /* who asks; filled in by the web role from the socket */
	uint64_t asked_ns;   /* when the request was complete, struct mono */
	bool dry_run;
	bool has_if_match;
	uint8_t if_match[32]; /* hash of the ruleset the caller looked at */
	bool has_prefix;
	struct prefix prefix;
	struct wall until;
	char reason[API_REASON_MAX];
	uint64_t id, after;
	uint32_t limit;
	struct addr address;
	uint16_t port;
};

struct api_field {
	const char *name;
	enum api_in in;
	enum api_type type;
	bool required;
	int64_t least, most; /* of an integer, or of a string's length in bytes */
	const char *sentence;
	/* -EINVAL with the problem's words; kind and field are filled in by the caller. */
	int (*set)(struct api_request *r, const char *text, struct problem *p);
};

struct api_route {
	enum api_op op;
	const char *method, *path; /* "/v1/exceptions/{id}" */
	const char *name;          /* operationId */
	const char *summary;
	enum api_body body;
	const struct api_field *fields; /* ends with a row whose name is NULL */
	const unsigned *statuses;       /* what it may answer; ends with 0 */
};

extern const struct api_route api_routes[]; /* ends with a row whose path is NULL */

/* A query parameter or header as HTTP gave it; value may be NULL ("?dry_run"). */
struct api_arg {
	enum api_in in;
	const char *name, *value;
};

/*
 * Find the route; `path` without the query, percent-decoded. 0 and *ret, or -EINVAL with a problem:
 * not found, or a method not allowed (then *ret_allow names those that are).
 */
int api_find(const char *method, const char *path, const struct api_route **ret,
	     char ret_allow[static 64], struct problem *p);
size_t api_body_max(const struct api_route *route);
/*
 * Everything but a YAML body, which is not looked at. Headers that are not the
 * route's are passed over; query parameters and JSON members that are not are problems.
 */
int api_parse(const struct api_route *route, const char *path, const struct api_arg *args,
	      size_t args_count, const char *body, size_t body_len, struct api_request *ret,
	      struct problem *p);

int api_request_pack(const struct api_request *r, struct pack *ret);
int api_request_unpack(struct unpack *u, struct api_request *ret);

/* The table as JSON, for the test that holds doc/openapi.yaml against it. */
json_t *api_routes_json(void);
