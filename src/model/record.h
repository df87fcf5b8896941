/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record: the decisions about single lines that live in the store, as the
 * compiler takes them: exceptions and restrictions.
 */
#pragma once

#include <stdint.h>

#include "base/mono.h"
#include "model/addr.h"
#include "model/mode.h"

/* A line that keeps port 25 although its segment is closed. It only ever opens. */
struct exception {
	uint64_t id; /* row in the store, or the line of an exceptions file */
	struct prefix prefix;
	struct wall until; /* last second it holds; never 0: an exception expires */
	char reason[200];
	char by[64]; /* who granted it */
};

/* A timed block of one line after verified abuse. It ends by itself. */
struct restriction {
	uint64_t id;
	struct prefix prefix;
	struct wall until; /* never 0 */
	enum mode mode;    /* MODE_REJECT or MODE_DROP */
	char reason[200];
};
