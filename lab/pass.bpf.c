/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* pass: lets every packet by. Stands at the subscribers' end of the lab's wires (world.py says
 * why). */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

const char pass_license[] SEC("license") = "Dual BSD/GPL";
