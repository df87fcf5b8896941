/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text: a whole file in memory, with a NUL behind its last byte.
 *
 * For configuration and other small files. Not for logs, captures or anything
 * that may be larger than memory: those are read in pieces.
 */
#pragma once

#include <stddef.h>

#include "base/own.h"

struct text {
	size_t len; /* bytes, without the NUL */
	char bytes[];
};

/* Read `path`, or standard input for "-". -EFBIG above `bytes_max`; else what open/read said. */
int text_read(const char *path, size_t bytes_max, struct text **ret);
void text_free(struct text *t);
OWNABLE(text)
