/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bpf_need: skip where the kernel gives no BPF, unless that is forbidden.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enforce/xdp.h"

#define TEST_SKIPPED 77

/* The filter, or the exit code with which the test must end. */
static inline int bpf_need(const struct xdp_options *o, struct filter **ret)
{
	const char *must = getenv("PORTEIRO_MUST_RUN");
	struct why why = { 0 };
	int r = xdp_filter_open(o, ret, &why);

	if (r == 0)
		return 0;
	fprintf(stderr, "no packet filter here: %s\n", why.text);
	if ((r != -EPERM && r != -EACCES) || (must && strstr(must, "bpf")))
		return 1;
	return TEST_SKIPPED;
}
