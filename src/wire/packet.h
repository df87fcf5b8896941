/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet: an Ethernet frame → the few facts that the policy asks for.
 *
 * Ethernet; up to two VLAN tags (0x8100, 0x88a8, 0x9100); PPPoE session with
 * two-byte or compressed one-byte protocol; IPv4 with options; IPv6 with up to
 * eight extension headers; TCP. This is the reference that the packet program
 * (bpf/parse.h) must equal, frame for frame.
 *
 * Pure; every byte is bounds-checked against the frame and against the IP
 * header's own length. The parser never judges: it says what it saw.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"

#define PACKET_VLANS_MAX   2
#define PACKET_IP6_EXT_MAX 8 /* headers walked before TCP; one more and the packet is unparsed */

enum packet_kind {
	PACKET_OTHER,    /* not IP, not TCP, or a later fragment: none of our business */
	PACKET_UNPARSED, /* claims to be IP, but IP or the TCP header due here can not be read */
	PACKET_TCP,      /* ports and flags were read */
	PACKET_HIDDEN,   /* first fragment (RFC 1858) that leaves ports or flags to the next: see
			    below */
};

struct packet {
	enum packet_kind kind;
	/* Valid for PACKET_TCP and PACKET_HIDDEN. */
	struct addr src, dst;
	/* Valid for PACKET_TCP; for PACKET_HIDDEN the destination port if `port_known`. */
	uint16_t sport, dport; /* host order */
	bool port_known;
	bool syn, ack, rst, fin;
	uint32_t seq, ack_seq;        /* host order */
	size_t ip_offset, tcp_offset; /* bytes from the frame's start */
	size_t payload;               /* TCP payload bytes by the IP length */
};

/* PACKET_HIDDEN also counts as unparsed in totals: its TCP header can not be read. */
struct packet packet_parse(const uint8_t *frame, size_t len);
