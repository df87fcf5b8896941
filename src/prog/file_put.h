/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file_put: write a whole file so that nobody ever sees half of it.
 *
 * The bytes go to a new file beside the old one, to the disk, and then take its
 * name. "-" is standard output.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/why.h"

enum file_put_how {
	FILE_PUT_REPLACE, /* take the place of what is there */
	FILE_PUT_NEW,     /* -EEXIST if anything is there */
};

int file_put(const char *path, const void *bytes, size_t len, mode_t mode, enum file_put_how how,
	     struct why *why);

/* Add one piece at the end, in one write, with the file locked and synced. Creates it (0644). */
int file_append(const char *path, const void *bytes, size_t len, struct why *why);
