/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox: what a role gives up before it reads its first foreign byte.
 *
 * In this order: another user, no capabilities but those named, nothing of the
 * file system but the paths named (Landlock), no system call but those of the
 * role (seccomp). Nothing can be taken back. A refused system call returns
 * EPERM; starting another program, tracing or loading code into the kernel
 * kills the process.
 *
 * Landlock may be missing in an older kernel: then sandbox_enter() says so in
 * `ret_missing` and goes on; everything else is required when asked for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/why.h"

enum sandbox_access {
	SANDBOX_LIST,  /* see which names there are beneath it */
	SANDBOX_READ,  /* and read them */
	SANDBOX_WRITE, /* and write, create, rename and unlink them */
};

struct sandbox_path {
	const char *path;
	enum sandbox_access access;
};

struct sandbox {
	uid_t uid; /* used when started as root; 0: stay root */
	gid_t gid;
	const int *caps; /* CAP_…, ends with -1 */
	const struct sandbox_path *paths;
	unsigned paths_count;
	const char *const *syscalls; /* beyond the common ones, ends with NULL */
};

/* 0, or a negative errno with `why`. `*ret_missing` names what the kernel lacks, or is NULL. */
int sandbox_enter(const struct sandbox *s, const char **ret_missing, struct why *why);
