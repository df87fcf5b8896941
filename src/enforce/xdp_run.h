/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp_run: one frame through the real packet program, by BPF_PROG_TEST_RUN.
 *
 * The filter must have been opened with `tracing`. What is reported comes from
 * the program: the action it returned, the frame it left, and what it noted of
 * the frame before it decided. Nothing is attached; counters count.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "bpf/filter_abi.h"
#include "enforce/filter.h"

/*
 * Longer frames are cut to this before they run: the kernel takes at most a page
 * with its own room in it. Every header that the parser reads lies before.
 */
#define XDP_RUN_BYTES 3400

struct xdp_ran {
	uint32_t action;         /* XDP_PASS, XDP_DROP, XDP_TX, or a TC_ACT_ */
	uint32_t ns;             /* mean of all runs */
	struct filter_trace saw; /* all zero for a frame below 14 bytes, which is not run */
	size_t out_len;
	uint8_t out[XDP_RUN_BYTES + 256];
};

enum xdp_run_at { RUN_XDP, RUN_TC, RUN_TC_IP };

struct xdp_run {
	enum xdp_run_at at;
	enum filter_side side;
	const uint8_t *frame; /* for RUN_TC_IP it begins with the IP header */
	size_t len;
	uint32_t repeat; /* 0 and 1: once */
};

int xdp_run(struct filter *f, const struct xdp_run *run, struct xdp_ran *ret, struct why *why);
