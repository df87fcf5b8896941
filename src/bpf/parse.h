/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * parse: the frame's way to a TCP port, for the packet programs.
 *
 * The rules are those of wire/packet.h, frame for frame; tests/packets holds
 * the two against each other. Headers are read by byte offsets: no bit-fields
 * that a relocation could move (struct tcphdr has changed), no vmlinux.h. The
 * common packet (no tags, no options, not TCP) leaves after four tests.
 */
#pragma once

#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "filter_abi.h"

#define ETHER_BYTES 14
#define IP4_BYTES   20
#define IP6_BYTES   40
#define TCP_BYTES   20
#define IP6_EXT_MAX 8

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define be16_at(p) bpf_ntohs(*(const __u16 *)(p))
#define be32_at(p) bpf_ntohl(*(const __u32 *)(p))

/* Stops the compiler from making a checked pointer anew, which the verifier would not know. */
#define keep(pointer) asm volatile("" : "+r"(pointer))

struct parsed {
	struct xdp_md *xdp; /* one of these two */
	struct __sk_buff *skb;
	const void *data, *end;   /* what can be read */
	__u32 ip;                 /* offset of the IP header */
	__u32 tcp;                /* offset of the TCP header */
	__u32 ppp;                /* offset of the PPPoE header, 0 without */
	__u32 stop;               /* offset where the packet ends by its IP header */
	__u64 shi, slo, dhi, dlo; /* addresses, left-aligned: read only when asked for */
	__u16 dport;
	__u8 family; /* 4 or 6 */
	__u8 seen;   /* enum filter_seen */
	__u8 flags;  /* byte 13 of TCP; 0 when hidden */
	__u8 port_known;
	__u8 chain; /* there were IPv6 extension headers */
};

static __always_inline int is_vlan(__u16 type)
{
	return type == bpf_htons(0x8100) || type == bpf_htons(0x88a8) || type == bpf_htons(0x9100);
}

/* Past the PPPoE header (RFC 2516) and the PPP protocol, which may be one byte (RFC 1661 6.5). */
static __always_inline int find_ppp(struct parsed *p, __u32 at)
{
	const __u8 *h = p->data + at;

	p->ppp = at;
	if ((const void *)(h + 7) > p->end)
		return 0;
	if (h[6] & 1) {
		p->ip = at + 7;
		p->family = h[6] == 0x21 ? 4 : 6;
		return h[6] == 0x21 || h[6] == 0x57;
	}
	if ((const void *)(h + 8) > p->end || h[6] != 0)
		return 0;
	p->ip = at + 8;
	p->family = h[7] == 0x21 ? 4 : 6;
	return h[7] == 0x21 || h[7] == 0x57;
}

/* Where IP begins, if the frame says that it carries it. `tags` in the frame are allowed. */
static __always_inline int find_ip(struct parsed *p, int tags)
{
	const void *h = p->data;
	__u32 at = ETHER_BYTES;
	__u16 type;

	if (h + ETHER_BYTES > p->end)
		return 0;
	type = *(const __u16 *)(h + 12);
	if (tags > 0 && is_vlan(type)) {
		if (h + ETHER_BYTES + 4 > p->end)
			return 0;
		type = *(const __u16 *)(h + ETHER_BYTES + 2);
		at += 4;
		if (tags > 1 && is_vlan(type)) {
			if (h + ETHER_BYTES + 8 > p->end)
				return 0;
			type = *(const __u16 *)(h + ETHER_BYTES + 6);
			at += 4;
		}
	}
	p->ppp = 0;
	p->ip = at;
	if (type == bpf_htons(0x0800))
		p->family = 4;
	else if (type == bpf_htons(0x86dd))
		p->family = 6;
	else
		return type == bpf_htons(0x8864) ? find_ppp(p, at) : 0;
	return 1;
}

/* The TCP header at p->tcp; `first` says that more fragments follow. */
static __always_inline __u8 read_tcp(struct parsed *p, int first)
{
	const __u8 *tcp = p->data + p->tcp;

	if (p->tcp + TCP_BYTES <= p->stop && (const void *)(tcp + TCP_BYTES) <= p->end) {
		p->dport = be16_at(tcp + 2);
		p->flags = tcp[13];
		p->port_known = 1;
		return FILTER_TCP;
	}
	if (!first)
		return FILTER_UNPARSED;
	if (p->tcp + 4 <= p->stop && (const void *)(tcp + 4) <= p->end) {
		keep(tcp);
		p->dport = be16_at(tcp + 2);
		p->port_known = 1;
	}
	return FILTER_HIDDEN;
}

static __always_inline __u8 read_ip4(struct parsed *p)
{
	const __u8 *ip = p->data + p->ip;
	__u32 header, total;
	__u16 fragment;

	if ((const void *)(ip + IP4_BYTES) > p->end)
		return FILTER_UNPARSED;
	header = (ip[0] & 0x0f) * 4;
	total = be16_at(ip + 2);
	if (ip[0] >> 4 != 4 || header < IP4_BYTES || total < header ||
	    (const void *)(ip + header) > p->end)
		return FILTER_UNPARSED;
	fragment = *(const __u16 *)(ip + 6);
	if (ip[9] != 6 || fragment & bpf_htons(0x1fff))
		return FILTER_OTHER;
	p->tcp = p->ip + header;
	p->stop = p->ip + total;
	return read_tcp(p, (fragment & bpf_htons(0x2000)) != 0);
}

/* Bytes of an extension header; 0 if it is none that is walked. */
static __always_inline __u32 extension_bytes(__u8 type, __u8 length)
{
	switch (type) {
	case 0:   /* hop-by-hop */
	case 43:  /* routing */
	case 60:  /* destination */
	case 135: /* mobility */
		return 8 + length * 8;
	case 51: /* RFC 4302 2.2: in 4-byte units, minus 2 */
		return 8 + length * 4;
	case 44: /* RFC 8200 4.5: byte 1 is reserved, not a length */
		return 8;
	}
	return 0;
}

/* What walk_chain() found: the offset of TCP below, and above */
#define CHAIN_SEEN(c) ((__u8)((c) >> 32)) /* FILTER_TCP: see for yourself */
#define CHAIN_FIRST   (1ULL << 40)        /* a fragment header says that more follow */
#define CHAIN_AT_MAX  0x7fff              /* eight headers of 2048 bytes, and some */

static __always_inline __u64 chain_end(__u8 seen, __u32 at, __u64 first)
{
	return at | (__u64)seen << 32 | first;
}

/* IPv6 with at least one extension header: from the header of type `next` at `at`. */
static __always_inline __u64 walk_chain(const void *data, const void *end, __u32 at, __u32 stop,
					__u32 next)
{
	__u64 first = 0;

#pragma unroll
	for (int i = 0; i <= IP6_EXT_MAX; i++) {
		const __u8 *h;

		if (!extension_bytes(next, 0))
			return chain_end(next == 6 ? FILTER_TCP : FILTER_OTHER, at, first);
		at &= CHAIN_AT_MAX; /* no change, but the same range each time to the verifier */
		h = data + at;
		if (i == IP6_EXT_MAX)
			break;
		if (at + 8 > stop || (const void *)(h + 8) > end)
			return chain_end(first ? FILTER_HIDDEN : FILTER_UNPARSED, at, first);
		if (next == 44) {
			if (*(const __u16 *)(h + 2) & bpf_htons(0xfff8))
				return chain_end(FILTER_OTHER, at, first);
			if (h[3] & 1)
				first = CHAIN_FIRST;
		}
		at += extension_bytes(next, h[1]);
		next = h[0];
	}
	return chain_end(FILTER_UNPARSED, at, first);
}

/* The same as functions of their own: the verifier checks each once, whatever stands before. */
__noinline __u64 chain_xdp(struct xdp_md *ctx, __u32 at, __u32 stop, __u32 next)
{
	return walk_chain((void *)(long)ctx->data, (void *)(long)ctx->data_end, at, stop, next);
}

__noinline __u64 chain_tc(struct __sk_buff *ctx, __u32 at, __u32 stop, __u32 next)
{
	return walk_chain((void *)(long)ctx->data, (void *)(long)ctx->data_end, at, stop, next);
}

static __always_inline __u8 read_chain(struct parsed *p, __u8 next)
{
	__u64 c = p->xdp ? chain_xdp(p->xdp, p->tcp, p->stop, next)
			 : chain_tc(p->skb, p->tcp, p->stop, next);

	if (CHAIN_SEEN(c) != FILTER_TCP)
		return CHAIN_SEEN(c);
	p->tcp = (__u32)c & CHAIN_AT_MAX;
	p->chain = 1;
	return read_tcp(p, (c & CHAIN_FIRST) != 0);
}

static __always_inline __u8 read_ip6(struct parsed *p)
{
	const __u8 *ip = p->data + p->ip;

	if ((const void *)(ip + IP6_BYTES) > p->end || ip[0] >> 4 != 6)
		return FILTER_UNPARSED;
	p->tcp = p->ip + IP6_BYTES;
	p->stop = p->tcp + be16_at(ip + 4);
	/* RFC 2675; the frame's end stops the reading then. */
	if (p->stop == p->tcp && ip[6] == 0)
		p->stop = 0xffffff;
	if (ip[6] == 6)
		return read_tcp(p, 0);
	if (ip[6] == 17)
		return FILTER_OTHER;
	return read_chain(p, ip[6]);
}

static __always_inline void parse_ip(struct parsed *p)
{
	p->seen = p->family == 4 ? read_ip4(p) : read_ip6(p);
}

/* An Ethernet frame with up to `tags` VLAN tags. */
static __always_inline void parse_frame(struct parsed *p, int tags)
{
	if (find_ip(p, tags))
		parse_ip(p);
	else
		p->seen = FILTER_OTHER;
}

static __always_inline int is_mail_port(const void *at)
{
	const __u16 port = *(const __u16 *)at;

	return port == bpf_htons(25) || port == bpf_htons(587) || port == bpf_htons(465);
}

/*
 * The frames that a network mostly carries, read in one look: plain Ethernet, a whole IP
 * header without options or extension headers, and not for mail. 0 says nothing.
 */
static __always_inline int passes_at_a_glance(const void *data, const void *end)
{
	const __u8 *ip = data + ETHER_BYTES;
	const __u16 type = data + ETHER_BYTES <= end ? *(const __u16 *)(data + 12) : 0;

	if (type == bpf_htons(0x0800) && (const void *)(ip + IP4_BYTES + TCP_BYTES) <= end) {
		if (ip[0] != 0x45 || be16_at(ip + 2) < IP4_BYTES + TCP_BYTES)
			return 0;
		return ip[9] != 6 || (!(*(const __u16 *)(ip + 6) & bpf_htons(0x1fff)) &&
				      !is_mail_port(ip + IP4_BYTES + 2));
	}
	if (type == bpf_htons(0x86dd) && (const void *)(ip + IP6_BYTES + TCP_BYTES) <= end) {
		if (ip[0] >> 4 != 6)
			return 0;
		return ip[6] == 17 || (ip[6] == 6 && be16_at(ip + 4) >= TCP_BYTES &&
				       !is_mail_port(ip + IP6_BYTES + 2));
	}
	return 0;
}
