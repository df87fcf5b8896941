/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * problem: why a request was not done, as problem details (RFC 9457).
 *
 *     {"type": "urn:porteiro:problem:invalid", "title": "…", "status": 422,
 *      "detail": "until: 2020-01-01 is in the past", "field": "until"}
 */
#pragma once

#include <jansson.h>

#include "base/why.h"

enum problem_kind {
	PROBLEM_MALFORMED,   /* 400: not JSON, an unknown parameter */
	PROBLEM_NOT_FOUND,   /* 404 */
	PROBLEM_METHOD,      /* 405 */
	PROBLEM_CHANGED,     /* 412: what the caller saw is no longer so */
	PROBLEM_LARGE,       /* 413 */
	PROBLEM_MEDIA,       /* 415 */
	PROBLEM_INVALID,     /* 422: a field or the plan is not valid */
	PROBLEM_INTERNAL,    /* 500 */
	PROBLEM_FILTER,      /* 502: the kernel refused; what was in force still is */
	PROBLEM_UNAVAILABLE, /* 503: a role is away, or another change is under way */
	PROBLEM_FULL,        /* 507: the store's disk is full */
	PROBLEM_COUNT_
};

#define PROBLEM_FIELD_MAX 40

struct problem {
	enum problem_kind kind;
	char detail[WHY_BYTES];
	char field[PROBLEM_FIELD_MAX]; /* "" when it is about no single field */
};

/* Fill and return -EINVAL: `return problem_set(p, PROBLEM_INVALID, "until", "…");` */
int problem_set(struct problem *p, enum problem_kind kind, const char *field, const char *format,
		...) __attribute__((format(printf, 4, 5)));
unsigned problem_status(enum problem_kind kind);
const char *problem_name(enum problem_kind kind);
/* A new reference; NULL only for want of memory. */
json_t *problem_json(const struct problem *p);
