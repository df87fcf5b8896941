/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * why: the reason of a failure, in words for a person.
 *
 * Functions whose failure a person must understand take a `struct why *why`
 * last. It is filled once, where the reason is known, and passed up untouched;
 * the same text goes to stderr, the log and the API's problem details. NULL is
 * allowed: then the words are not wanted.
 */
#pragma once

#define WHY_BYTES 240

struct why {
	int code;             /* the negative errno that was returned, 0 if none */
	char text[WHY_BYTES]; /* one sentence, no newline; cut, never overrun */
};

/* Fill and return `code`: `return why_set(why, -EINVAL, "line %u: …", n);` */
int why_set(struct why *why, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
