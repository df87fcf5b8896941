/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exceptions: a list of exceptions as a text file, one a line.
 *
 *   # prefix, last day or instant it holds (UTC), why
 *   192.0.2.7,        2027-06-30,           mail server of the school
 *   2001:db8:7::/48,  2027-01-15T12:00:00Z, trial until the meeting, then we see
 *
 * The reason is the rest of the line. Blank lines and lines that begin with #
 * do not count. A bare address is a /32 or /128. Pure.
 */
#pragma once

#include <stddef.h>

#include "base/why.h"
#include "model/record.h"

struct exceptions {
	struct exception *exception; /* `id` is the line, from 1 */
	size_t count;
};

/* 0; -EINVAL with `why` as "name:line: …"; -ENOMEM. *ret is ended with exceptions_done(). */
int exceptions_parse(const char *bytes, size_t len, const char *name, struct exceptions *ret,
		     struct why *why);
void exceptions_done(struct exceptions *e);
