/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * gen: SYNs to port 25 from random sources, and the programs that ours is held
 * against. A frame is written once by user space; here only its source changes.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 gen_ifindex = 0;
const volatile __u32 gen_v6 = 0;
const volatile __u32 gen_sum = 0; /* of the IPv4 header's words without source and checksum */

__u64 gen_seed = 88172645463325252ULL;

static __always_inline __u64 rnd(void)
{
	__u64 x = gen_seed;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	gen_seed = x;
	return x;
}

SEC("xdp")
int gen(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 x = rnd();

	if (gen_v6) {
		__u32 *src = data + 14 + 8; /* 2001:db8::/32 stays */

		if ((void *)(src + 4) > end)
			return XDP_ABORTED;
		src[1] = (__u32)(x >> 16);
		src[2] = (__u32)x;
		src[3] = (__u32)(x >> 32);
	} else {
		__u32 *src = data + 14 + 12; /* 10.0.0.0/8 stays */

		if ((void *)(src + 1) > end)
			return XDP_ABORTED;
		*src = bpf_htonl(10 << 24 | (__u32)(x >> 20 & 0xffffff));
		/* The stack looks at the checksum before nft looks at the packet. */
		__u32 sum = gen_sum + (*src & 0xffff) + (*src >> 16);

		sum = (sum & 0xffff) + (sum >> 16);
		sum = (sum & 0xffff) + (sum >> 16);
		*((__u16 *)src - 1) = (__u16)~sum;
	}
	return bpf_redirect(gen_ifindex, 0);
}

SEC("xdp")
int bare_drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

SEC("xdp")
int bare_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

const char gen_license[] SEC("license") = "Dual BSD/GPL";
