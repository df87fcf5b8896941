/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp: an Ethernet frame → the UDP datagram in it, with who sent it.
 *
 * For captures of export traffic: up to two VLAN tags, IPv4 with options, IPv6
 * without extension headers. Fragments are not put together: a fragment has
 * no payload here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"

struct udp {
	struct addr src;
	uint16_t sport, dport; /* host order */
	const uint8_t *payload;
	size_t len; /* captured; by the UDP header there may have been more */
};

bool udp_parse(const uint8_t *frame, size_t len, struct udp *ret);
