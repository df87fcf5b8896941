/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mailfile: a log file → its lines, one after another.
 *
 * Reads in pieces with a fixed buffer, so that a file may be larger than memory
 * and may be cut or rotated while it is read. A line longer than MAIL_LINE_MAX
 * is skipped and said so. What a last line without newline holds is a line too.
 */
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "base/why.h"

struct mailfile_reader {
	void *ctx;
	/* Negative stops the reading. `line` has neither newline nor CR. */
	int (*line)(void *ctx, struct slice line);
	void (*overlong)(void *ctx);
	/* Bytes of the file consumed since the last call; may be NULL. */
	void (*progress)(void *ctx, uint64_t bytes);
};

/* `path` "-" is standard input. 0, or the error of reading or of the reader. */
int mailfile_read(const char *path, const struct mailfile_reader *reader, struct why *why);

/* The file's time in seconds since 1970 UTC, or `now` for what has none. */
int64_t mailfile_time(const char *path, int64_t now);
