/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * reset: the answer to a refused segment, made of the segment itself.
 *
 * RFC 9293 3.10.7.1: to a segment with ACK, a reset whose sequence number is
 * its acknowledgement number; else sequence number 0 and an acknowledgement of
 * all that it occupies (payload, SYN and FIN count). IP options and extension
 * headers are left out, VLAN tags and the PPPoE session stay as they came.
 * Included by filter.bpf.c only: each caller has seen a whole TCP header.
 */
#pragma once

struct ip4_reset {
	__u8 version_ihl, tos;
	__u16 total, id, fragment;
	__u8 ttl, protocol;
	__u16 check;
	__u32 src, dst;
};

struct ip6_reset {
	__u32 version;
	__u16 payload;
	__u8 next, hops;
	__u32 src[4], dst[4];
};

struct tcp_reset {
	__u16 sport, dport;
	__u32 seq, ack;
	__u8 offset, flags;
	__u16 window, check, urgent;
};

struct reset4 {
	struct ip4_reset ip;
	struct tcp_reset tcp;
};

struct reset6 {
	struct ip6_reset ip;
	struct tcp_reset tcp;
};

_Static_assert(sizeof(struct reset4) == 40, "reset4 has padding");
_Static_assert(sizeof(struct reset6) == 60, "reset6 has padding");

/* RFC 1071: `n` 16-bit words. */
static __always_inline __u32 sum_words(const void *at, int n)
{
	const __u16 *w = at;
	__u32 sum = 0;

	for (int i = 0; i < n; i++)
		sum += w[i];
	return sum;
}

static __always_inline __u16 sum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

static __always_inline void reset_of(const __u8 *tcp, __u32 payload, struct tcp_reset *ret)
{
	const __u8 flags = tcp[13];

	ret->sport = *(const __u16 *)(tcp + 2);
	ret->dport = *(const __u16 *)tcp;
	if (flags & TCP_ACK) {
		ret->seq = *(const __u32 *)(tcp + 8);
		ret->flags = TCP_RST;
	} else {
		ret->ack = bpf_htonl(be32_at(tcp + 4) + payload + !!(flags & TCP_SYN) +
				     !!(flags & TCP_FIN));
		ret->flags = TCP_RST | TCP_ACK;
	}
	ret->offset = 5 << 4;
}

/* Payload bytes by the IP header that ends at `stop`. */
static __always_inline __u32 payload_of(const __u8 *tcp, __u32 at, __u32 stop)
{
	__u32 header = (tcp[12] >> 4) * 4;

	at += header < TCP_BYTES ? TCP_BYTES : header;
	return stop > at ? stop - at : 0;
}

/* Offsets as the verifier believes them: what the parser can have found, and no more. */
#define RESET_IP_MAX  63
#define RESET_TCP_MAX 0x7fff

static __always_inline int make_reset4(const void *data, const void *end, __u32 ip_at, __u32 tcp_at,
				       struct reset4 *r)
{
	const __u8 *ip = data + ip_at, *tcp = data + tcp_at;

	if ((const void *)(ip + IP4_BYTES) > end || (const void *)(tcp + TCP_BYTES) > end)
		return 0;
	reset_of(tcp, payload_of(tcp, tcp_at, ip_at + be16_at(ip + 2)), &r->tcp);
	r->ip.version_ihl = 0x45;
	r->ip.total = bpf_htons(sizeof(*r));
	r->ip.fragment = bpf_htons(0x4000); /* RFC 6864: atomic, so the id may be 0 */
	r->ip.ttl = 64;
	r->ip.protocol = 6;
	r->ip.src = *(const __u32 *)(ip + 16);
	r->ip.dst = *(const __u32 *)(ip + 12);
	r->ip.check = ~sum_fold(sum_words(&r->ip, 10));
	return 1;
}

static __always_inline int make_reset6(const void *data, const void *end, __u32 ip_at, __u32 tcp_at,
				       struct reset6 *r)
{
	const __u8 *ip = data + ip_at, *tcp = data + tcp_at;
	__u32 stop;

	if ((const void *)(ip + IP6_BYTES) > end || (const void *)(tcp + TCP_BYTES) > end)
		return 0;
	stop = ip_at + IP6_BYTES + be16_at(ip + 4);
	if (be16_at(ip + 4) == 0)
		stop = end - data;
	reset_of(tcp, payload_of(tcp, tcp_at, stop), &r->tcp);
	r->ip.version = bpf_htonl(6 << 28);
	r->ip.payload = bpf_htons(sizeof(r->tcp));
	r->ip.next = 6;
	r->ip.hops = 64;
	__builtin_memcpy(r->ip.src, ip + 24, 16);
	__builtin_memcpy(r->ip.dst, ip + 8, 16);
	return 1;
}

/* The TCP checksum's pseudo header, not folded: addresses, length, protocol. */
static __always_inline __u32 pseudo4(const struct reset4 *r)
{
	return sum_words(&r->ip.src, 4) + bpf_htons(sizeof(r->tcp)) + bpf_htons(6);
}

static __always_inline __u32 pseudo6(const struct reset6 *r)
{
	return sum_words(r->ip.src, 16) + bpf_htons(sizeof(r->tcp)) + bpf_htons(6);
}

/* Is there time left for one more reset on this CPU? */
static __always_inline int reset_allowed(void)
{
	struct filter_bucket *b;
	__u64 now, saved;
	__u32 zero = 0;

	if (!filter_reset_cost_ns)
		return 1;
	b = bpf_map_lookup_elem(&filter_resets, &zero);
	if (!b)
		return 0;
	now = bpf_ktime_get_boot_ns();
	saved = b->saved_ns + (now - b->last_ns);
	if (saved > filter_reset_save_ns)
		saved = filter_reset_save_ns;
	b->last_ns = now;
	b->saved_ns = saved >= filter_reset_cost_ns ? saved - filter_reset_cost_ns : saved;
	return saved >= filter_reset_cost_ns;
}

/* A reset for this frame, if one may be sent: not to a group address, not over the limit. */
static __always_inline int reset_wanted(const __u8 *eth, const void *end, int l2)
{
	if (l2 && ((const void *)(eth + ETHER_BYTES) > end || eth[0] & 1)) {
		count(FILTER_STAT_RESETS_UNFIT);
		return 0;
	}
	if (!reset_allowed()) {
		count(FILTER_STAT_RESETS_LIMITED);
		return 0;
	}
	return 1;
}

static __always_inline int reset_failed(void)
{
	count(FILTER_STAT_RESETS_UNFIT);
	return 0;
}

static __always_inline void swap_macs(__u16 *eth)
{
	for (int i = 0; i < 3; i++) {
		__u16 t = eth[i];

		eth[i] = eth[i + 3];
		eth[i + 3] = t;
	}
}

/* The PPPoE header counts what follows it: the PPP protocol (1 or 2 bytes) and IP. */
static __always_inline __u16 ppp_length(__u32 ip_at, __u32 ppp_at, __u32 ip_bytes)
{
	return bpf_htons((__u16)(ip_at - ppp_at - 6 + ip_bytes));
}

/* 1: the frame is now the reset, to be sent back; 0: counted why not. */
__noinline int reset_xdp(struct xdp_md *ctx, __u32 ip_at, __u32 tcp_at, __u32 ppp_at, __u32 family)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const __u32 bytes = family == 4 ? sizeof(struct reset4) : sizeof(struct reset6);
	__u32 length = end - data;

	ip_at &= RESET_IP_MAX;
	tcp_at &= RESET_TCP_MAX;
	ppp_at &= RESET_IP_MAX;
	if (!reset_wanted(data, end, 1))
		return 0;
	if (family == 4) {
		struct reset4 r = { 0 };

		if (!make_reset4(data, end, ip_at, tcp_at, &r) || data + ip_at + sizeof(r) > end)
			return reset_failed();
		r.tcp.check = ~sum_fold(pseudo4(&r) + sum_words(&r.tcp, 10));
		__builtin_memcpy(data + ip_at, &r, sizeof(r));
	} else {
		struct reset6 r = { 0 };

		if (!make_reset6(data, end, ip_at, tcp_at, &r) || data + ip_at + sizeof(r) > end)
			return reset_failed();
		r.tcp.check = ~sum_fold(pseudo6(&r) + sum_words(&r.tcp, 10));
		__builtin_memcpy(data + ip_at, &r, sizeof(r));
	}
	if (data + ETHER_BYTES > end)
		return reset_failed();
	swap_macs(data);
	if (ppp_at) {
		if (data + ppp_at + 6 > end)
			return reset_failed();
		*(__u16 *)(data + ppp_at + 4) = ppp_length(ip_at, ppp_at, bytes);
	}
	if (filter_frags)
		length = bpf_xdp_get_buff_len(ctx);
	if (bpf_xdp_adjust_tail(ctx, (int)(ip_at + bytes) - (int)length))
		return reset_failed();
	count(FILTER_STAT_RESETS);
	return 1;
}

/*
 * The checksum of a packet that a local sender left to the device stays a sum of
 * the pseudo header; any other is whole. Only the kernel knows which this is, and
 * one way to ask it: a change that is no part of the pseudo header is not written
 * down where the device will sum anyway.
 */
static __always_inline int store_check(struct __sk_buff *skb, __u32 at, __u32 pseudo, __u32 rest,
				       int moved)
{
	const __u16 probe = 0x5555;
	__u16 check = probe;

	/* Behind one byte of PPP protocol the kernel can not be asked, nor leaves sums to others.
	 */
	if (at & 1) {
		check = ~sum_fold(pseudo + rest);
		return bpf_skb_store_bytes(skb, at, &check, 2, 0) == 0;
	}
	if (bpf_skb_store_bytes(skb, at, &check, 2, 0) ||
	    bpf_l4_csum_replace(skb, at, 0, bpf_htons(0x0101), 2) ||
	    bpf_skb_load_bytes(skb, at, &check, 2))
		return 0;
	if (check == probe && moved)
		return 0; /* the device would sum from where TCP was */
	check = check == probe ? sum_fold(pseudo) : (__u16)~sum_fold(pseudo + rest);
	return bpf_skb_store_bytes(skb, at, &check, 2, 0) == 0;
}

__noinline int reset_tc(struct __sk_buff *skb, __u32 ip_at, __u32 tcp_at, __u32 ppp_at,
			__u32 family)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	const int l2 = ip_at != 0;
	__u32 bytes, pseudo, rest;
	__u16 macs[6], length;
	long failed;
	int moved;

	ip_at &= RESET_IP_MAX;
	tcp_at &= RESET_TCP_MAX;
	ppp_at &= RESET_IP_MAX;
	if (!reset_wanted(data, end, l2))
		return 0;
	if (family == 4) {
		struct reset4 r = { 0 };

		if (!make_reset4(data, end, ip_at, tcp_at, &r))
			return reset_failed();
		bytes = sizeof(r);
		pseudo = pseudo4(&r);
		rest = sum_words(&r.tcp, 10);
		failed = bpf_skb_store_bytes(skb, ip_at, &r, sizeof(r), BPF_F_INVALIDATE_HASH);
	} else {
		struct reset6 r = { 0 };

		if (!make_reset6(data, end, ip_at, tcp_at, &r))
			return reset_failed();
		bytes = sizeof(r);
		pseudo = pseudo6(&r);
		rest = sum_words(&r.tcp, 10);
		failed = bpf_skb_store_bytes(skb, ip_at, &r, sizeof(r), BPF_F_INVALIDATE_HASH);
	}
	if (l2 && !failed) {
		failed = bpf_skb_load_bytes(skb, 0, macs, sizeof(macs));
		swap_macs(macs);
		failed |= bpf_skb_store_bytes(skb, 0, macs, sizeof(macs), 0);
	}
	if (ppp_at && !failed) {
		length = ppp_length(ip_at, ppp_at, bytes);
		failed = bpf_skb_store_bytes(skb, ppp_at + 4, &length, 2, 0);
	}
	moved = tcp_at != ip_at + bytes - TCP_BYTES;
	if (failed || bpf_skb_change_tail(skb, ip_at + bytes, 0) ||
	    !store_check(skb, ip_at + bytes - 4, pseudo, rest, moved))
		return reset_failed();
	count(FILTER_STAT_RESETS);
	return 1;
}
