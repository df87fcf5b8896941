/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet: an Ethernet frame → the few facts that the policy asks for.
 *
 * This is the reference that the packet program (bpf/parse.h) must equal,
 * frame for frame. The rules, all of them:
 *
 * Link. An Ethernet header of 14 bytes; then up to two VLAN tags (0x8100,
 * 0x88a8, 0x9100); then 0x0800, 0x86dd or a PPPoE session (0x8864). PPPoE: six
 * bytes of header, then a PPP protocol of two bytes, or of one if the first
 * byte is odd (RFC 1661 6.5): 0x21 is IPv4, 0x57 IPv6. The PPPoE header's
 * version, type, code, session and length are not looked at: Linux as an access
 * concentrator does not check the first three either, and a filter that is
 * stricter than the receiver can be walked around. Everything else, a third
 * tag, and a frame that ends before it has said that it carries IP: OTHER.
 *
 * IPv4. 20 bytes, version 4, a header length of 5 words or more that is there,
 * a total length that holds the header: else UNPARSED. The packet ends at its
 * total length or where the frame ends, whichever comes first. Fragment offset
 * other than 0: OTHER. Protocol other than TCP (6): OTHER.
 *
 * IPv6. 40 bytes and version 6: else UNPARSED. The packet ends at its payload
 * length or where the frame ends, whichever comes first; a payload length of 0
 * before a hop-by-hop header means the frame's end (RFC 2675; Linux does not
 * insist on the jumbo option). Walked: hop-by-hop (0), routing (43), destination
 * (60), mobility (135), each 8 + 8 × its length byte; authentication (51), 8 + 4
 * × its length byte; fragment (44), 8 bytes whatever its reserved byte says. Each
 * needs its first 8 bytes. A fragment offset other than 0: OTHER; its M flag set
 * makes the packet a first fragment; a fragment header in a fragment is walked
 * like any other, as nothing is hidden by it. The ninth header, whatever kind:
 * UNPARSED. A next header that is neither walked nor TCP (59 and ESP too): OTHER.
 * A header that is cut off: HIDDEN in a first fragment (RFC 7112), else UNPARSED.
 *
 * TCP. 20 bytes: else HIDDEN in a first fragment (IPv4: MF set and offset 0),
 * else UNPARSED. In HIDDEN the ports are known if 4 bytes are there. The data
 * offset is not judged: below 5 words it counts as 5, beyond the packet there
 * is no payload. (Receivers drop both; nft and the packet program read the same
 * fixed places.)
 *
 * Not seen: a second fragment that overlaps the flags of the first (RFC 3128),
 * as each packet is judged alone. RFC 5722 has receivers drop such a packet in
 * IPv6, and Linux does so in IPv4 too; one that let the later bytes win could be
 * reached on port 25 that way.
 *
 * Pure; every byte is bounds-checked. The parser never judges: it says what it saw.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"

#define PACKET_VLANS_MAX   2
#define PACKET_IP6_EXT_MAX 8 /* headers walked before TCP */

enum packet_kind {
	PACKET_OTHER,    /* not IP, not TCP, or a later fragment: none of our business */
	PACKET_UNPARSED, /* claims to be IP, but IP or the TCP header due here can not be read */
	PACKET_TCP,      /* ports and flags were read */
	PACKET_HIDDEN,   /* a first fragment that leaves ports or flags to the next (RFC 1858) */
	PACKET_COUNT_
};

struct packet {
	enum packet_kind kind;
	/* Valid for PACKET_TCP and PACKET_HIDDEN. */
	struct addr src, dst;
	size_t ip_offset, tcp_offset; /* bytes from the frame's start */
	/* Valid for PACKET_TCP; for PACKET_HIDDEN the ports if `port_known`. */
	bool port_known;
	uint16_t sport, dport; /* host order */
	bool syn, ack, rst, fin;
	uint32_t seq, ack_seq; /* host order */
	size_t payload;        /* TCP payload bytes by the IP length */
};

struct packet packet_parse(const uint8_t *frame, size_t len);

/* What totals call unparsed: in both kinds a header that is due can not be read. */
static inline bool packet_is_unparsed(const struct packet *p)
{
	return p->kind == PACKET_UNPARSED || p->kind == PACKET_HIDDEN;
}
