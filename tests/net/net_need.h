/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_need: a network namespace of the test's own, or the exit code with which
 * it must end. It vanishes with the process, whatever happens.
 */
#pragma once

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef TEST_SKIPPED
#define TEST_SKIPPED 77
#endif

static inline int net_need(void)
{
	const char *must = getenv("PORTEIRO_MUST_RUN");

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	perror("no network namespace here");
	return must && strstr(must, "net") ? 1 : TEST_SKIPPED;
}

/* A shell command that must succeed. */
static inline void net_do(const char *command)
{
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		exit(1);
	}
}
