/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame: crafted frames for tests, from a description of what is in them.
 *
 * Checksums are right unless a test breaks them by hand afterwards; nothing
 * checks them on the way anyway.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_BYTES 4096

enum frame_link {
	LINK_PLAIN,
	LINK_VLAN,      /* 0x8100 */
	LINK_AD,        /* 0x88a8 */
	LINK_QINQ,      /* 0x88a8 0x8100 */
	LINK_QINQ_8100, /* 0x8100 0x8100 */
	LINK_QINQ_9100, /* 0x9100 0x8100 */
	LINK_PPPOE,
	LINK_PPPOE_SHORT, /* one byte of PPP protocol */
	LINK_VLAN_PPPOE,
	LINK_QINQ_PPPOE,
	LINK_QINQ_PPPOE_SHORT,
	LINK_COUNT_,
	LINK_THREE_TAGS, /* one too many */
	LINK_IP,         /* no Ethernet header at all */
};
const char *frame_link_name(enum frame_link link);

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10

struct frame_spec {
	enum frame_link link;
	bool v6;
	const char *src, *dst; /* NULL: 10.1.2.3 / 2001:db8:1::3 to 192.0.2.25 / 2001:db8:2::25 */
	uint16_t sport, dport; /* 0: 40000 to 25 */
	uint8_t flags;
	uint8_t protocol; /* 0: TCP */
	uint32_t seq, ack;
	unsigned tcp_options; /* bytes, a multiple of 4 */
	unsigned payload;
	unsigned ip_options;      /* IPv4, bytes, a multiple of 4 */
	const uint8_t *extension; /* IPv6: their types, ended by 255; 44 is a fragment header */
	unsigned fragment;        /* IPv4 and IPv6: offset in 8-byte units */
	bool more;                /* more fragments */
	uint8_t reserved;         /* IPv6 fragment header: its byte 1 */
};

struct frame {
	size_t len;
	size_t ip, tcp; /* where they begin */
	uint8_t bytes[FRAME_BYTES];
};

void frame_make(const struct frame_spec *spec, struct frame *ret);
