/* SPDX-License-Identifier: BSD-2-Clause */
/* embedded: text files that were compiled in by tools/embed.py. */
#pragma once

struct embedded {
	const char *name; /* the file's, without folder; NULL in the last row */
	const char *text;
};

extern const struct embedded setup_files[]; /* src/tell/setup/ */
