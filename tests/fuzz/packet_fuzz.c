/* SPDX-License-Identifier: BSD-2-Clause */
/* An Ethernet frame: what is said of it lies within it, and nobody reads beyond it. */
#include <assert.h>
#include <stdint.h>

#include "wire/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_tcp(const struct packet *p, const uint8_t *data, size_t bytes)
{
	assert(p->port_known);
	assert(p->tcp_offset + 20 <= bytes);
	assert(p->tcp_offset >= p->ip_offset + 20);
	assert(p->dport == (data[p->tcp_offset + 2] << 8 | data[p->tcp_offset + 3]));
	assert(p->syn == ((data[p->tcp_offset + 13] & 2) != 0));
	if (p->src.family == FAMILY_V4)
		assert(data[p->ip_offset + 9] == 6 && p->src.bits <= UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct packet p = packet_parse(data, bytes);

	assert(p.kind < PACKET_COUNT_);
	if (p.kind == PACKET_TCP)
		check_tcp(&p, data, bytes);
	if (p.kind == PACKET_HIDDEN)
		assert(p.ip_offset + 20 <= bytes);
	if (p.kind == PACKET_OTHER || p.kind == PACKET_UNPARSED)
		assert(!p.port_known);
	return 0;
}
