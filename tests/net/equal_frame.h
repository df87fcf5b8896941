/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * equal_frame: random frames that Linux forwards unless a filter refuses them.
 *
 * What Linux itself discards before any hook, and so no nft rule can see, is
 * left out, with the reason:
 *   - IPv4: a version that is not 4, fewer than five words of header, a wrong
 *     header checksum, a total length below the header or beyond the frame
 *     (ip_rcv); a time to live of 1; options that are malformed; addresses that
 *     are no unicast (martians)
 *   - IPv6: a payload length beyond the frame (ip6_rcv), a hop-by-hop header, at
 *     the start, that is cut off; a hop limit of 1
 * For all of these the reference and the packet program are held against each
 * other elsewhere (tests/packets), truncated at every byte.
 *
 * What nft can not tell apart is left out too (nft.h says it to the operator):
 * authentication and mobility headers, more than eight extension headers, a second fragment
 * header, and a fragment that ends two to seven bytes into an extension header.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/ruleset.h"

#define EQUAL_FRAME_BYTES 1024

struct equal_frame {
	size_t len;
	uint32_t id; /* IPv4 identification, IPv6 flow label, and source port where there is one */
	int answerable; /* a reset to it can be made: checksums hold and it is no fragment */
	uint8_t bytes[EQUAL_FRAME_BYTES];
};

/* Addresses by the ruleset's borders, others outside all of its prefixes. `id` from 1 to 65535. */
void equal_frame_make(const struct ruleset *rs, uint64_t *random, uint32_t id,
		      const uint8_t to_mac[6], struct equal_frame *ret);
