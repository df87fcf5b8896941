/* SPDX-License-Identifier: BSD-2-Clause */
#include "enforce/xdp_run.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "enforce/xdp_priv.h"

#define ETHER_BYTES 14

static int note_take(struct xdp_filter *x, struct filter_trace *ret, struct why *why)
{
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(xdp_map_fd(x, MAP_TRACE), &zero, ret) < 0)
		return why_set(why, -errno, "cannot read what the program saw: %s",
			       strerror(errno));
	return 0;
}

int xdp_run(struct filter *f, const struct xdp_run *run, struct xdp_ran *ret, struct why *why)
{
	struct xdp_filter *x = xdp_of(f);
	const size_t len = run->len < XDP_RUN_BYTES ? run->len : XDP_RUN_BYTES;
	int prog, r;

	ret->saw = (struct filter_trace){ 0 };
	ret->action = XDP_PASS;
	ret->out_len = len;
	memcpy(ret->out, run->frame, len);
	if (len < ETHER_BYTES)
		return 0;
	prog = xdp_program_fd(x, run->at == RUN_XDP ? XDP_NATIVE : XDP_TC, run->side,
			      run->at != RUN_TC_IP, why);
	if (prog < 0)
		return prog;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = run->frame, .data_size_in = (uint32_t)len,
		    .data_out = ret->out, .data_size_out = sizeof(ret->out),
		    .repeat = run->repeat > 1 ? (int)run->repeat : 1);
	r = bpf_prog_test_run_opts(prog, &opts);
	if (r < 0)
		return why_set(why, r, "the kernel can not run a frame of %zu bytes: %s", len,
			       strerror(-r));
	ret->action = opts.retval;
	ret->ns = opts.duration;
	ret->out_len = opts.data_size_out;
	return x->o.tracing ? note_take(x, &ret->saw, why) : 0;
}
