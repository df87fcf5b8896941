/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * lines_abi: the accounts of subscriber lines, as lines.h keeps them and
 * enforce/xdp_lines.c reads them.
 *
 * A line is an IPv4 address or an IPv6 /64. Accounts stand in sets of four. Each
 * set has a head, which says at one glance who is in and when they were last
 * heard, and a body with the counts: a stranger who finds the set full touches
 * half a cache line and nothing more. Numbers in host order.
 */
#pragma once

#include <linux/types.h>

#define LINES_WAYS     4
#define LINES_SETS_MIN 64

struct lines_account {
	__u64 key;    /* IPv4 address, or the first 64 bits of IPv6 */
	__u32 family; /* 4, 6; 0: free */
	__u32 refused;
	__u32 syn25, syn465, syn587; /* SYN without ACK; they stop at their largest value */
	__u32 since_s;   /* boot-time clock, units of 2^30 ns: when the account was opened */
	__u64 sketch[4]; /* distinct servers called on 25: 256-bit linear counting */
};

/* The lock guards the body as well. */
struct lines_head {
	struct bpf_spin_lock lock;
	__u32 full_at;          /* when it was last found full: 64 jiffies each */
	__u32 seen[LINES_WAYS]; /* units of 2^30 ns on the boot-time clock */
	__u16 tag[LINES_WAYS];  /* of the key's hash; 0: free. The body has the key */
};

struct lines_body {
	struct lines_account way[LINES_WAYS];
};

_Static_assert(sizeof(struct lines_account) == 64, "an account is a cache line");
_Static_assert(sizeof(struct lines_head) == 32, "two heads are a cache line");
