/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/problem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *name, *title;
	unsigned status;
} kinds[PROBLEM_COUNT_] = {
	[PROBLEM_MALFORMED] = { "malformed", "The request can not be read", 400 },
	[PROBLEM_NOT_FOUND] = { "not-found", "There is no such thing", 404 },
	[PROBLEM_METHOD] = { "method", "That can not be done with this", 405 },
	[PROBLEM_CHANGED] = { "changed", "It has changed in the meantime", 412 },
	[PROBLEM_LARGE] = { "too-large", "The request is too large", 413 },
	[PROBLEM_MEDIA] = { "media-type", "The request is of a type not known here", 415 },
	[PROBLEM_INVALID] = { "invalid", "The request is not valid", 422 },
	[PROBLEM_INTERNAL] = { "internal", "Something went wrong inside", 500 },
	[PROBLEM_FILTER] = { "filter", "The filter could not be changed", 502 },
	[PROBLEM_UNAVAILABLE] = { "unavailable", "A part of the daemon is not available", 503 },
	[PROBLEM_FULL] = { "full", "There is no room to write it down", 507 },
};

int problem_set(struct problem *p, enum problem_kind kind, const char *field, const char *format,
		...)
{
	va_list args;

	p->kind = kind;
	snprintf(p->field, sizeof(p->field), "%s", field);
	va_start(args, format);
	vsnprintf(p->detail, sizeof(p->detail), format, args);
	va_end(args);
	return -EINVAL;
}

unsigned problem_status(enum problem_kind kind)
{
	return kinds[kind].status;
}

const char *problem_name(enum problem_kind kind)
{
	return kinds[kind].name;
}

/* What came from a request may have been cut inside a UTF-8 sequence, or never have been UTF-8. */
static json_t *text(const char *s)
{
	json_t *j = json_string(s);

	return j ? j : json_string("(not text)");
}

json_t *problem_json(const struct problem *p)
{
	char type[64];

	snprintf(type, sizeof(type), "urn:porteiro:problem:%s", kinds[p->kind].name);
	json_t *j = json_pack("{s:s, s:s, s:i, s:o}", "type", type, "title", kinds[p->kind].title,
			      "status", (int)kinds[p->kind].status, "detail", text(p->detail));
	if (j && *p->field)
		json_object_set_new(j, "field", text(p->field));
	return j;
}
