/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/udp.h"

#include "wire/reader.h"

#define PROTOCOL_UDP 17

static bool is_vlan(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

static bool ip4_open(struct reader *r, struct udp *u)
{
	struct reader h = *r;
	uint8_t version_ihl = reader_u8(&h);
	size_t ihl = (version_ihl & 15u) * 4;

	reader_u8(&h);
	uint16_t total = reader_u16(&h);
	reader_u16(&h);
	uint16_t fragment = reader_u16(&h) & 0x3fff;
	reader_u8(&h);
	uint8_t protocol = reader_u8(&h);
	reader_u16(&h);
	const uint8_t *src = reader_take(&h, 4);
	if (!src || version_ihl >> 4 != 4 || ihl < 20 || total < ihl || fragment ||
	    protocol != PROTOCOL_UDP)
		return false;
	u->src = addr_from_bytes(FAMILY_V4, src);
	if (total < reader_left(r))
		r->end = r->at + total; /* what follows is Ethernet padding */
	return reader_take(r, ihl) != NULL;
}

static bool ip6_open(struct reader *r, struct udp *u)
{
	uint32_t version = reader_u32(r) >> 28;
	uint16_t payload = reader_u16(r);
	uint8_t next = reader_u8(r);

	reader_u8(r);
	const uint8_t *src = reader_take(r, 16);
	if (!reader_take(r, 16) || version != 6 || next != PROTOCOL_UDP)
		return false;
	u->src = addr_from_bytes(FAMILY_V6, src);
	if (payload < reader_left(r))
		r->end = r->at + payload;
	return true;
}

bool udp_parse(const uint8_t *frame, size_t len, struct udp *ret)
{
	struct reader r = reader_of(frame, len);
	struct udp u = { 0 };

	reader_take(&r, 12);
	uint16_t type = reader_u16(&r);
	for (int i = 0; i < 2 && is_vlan(type); i++) {
		reader_u16(&r);
		type = reader_u16(&r);
	}
	if (!(type == 0x0800 ? ip4_open(&r, &u) : type == 0x86dd && ip6_open(&r, &u)))
		return false;
	u.sport = reader_u16(&r);
	u.dport = reader_u16(&r);
	uint16_t datagram = reader_u16(&r);
	reader_u16(&r);
	if (r.short_ || datagram < 8)
		return false;
	u.payload = r.at;
	u.len = reader_left(&r) < datagram - 8u ? reader_left(&r) : datagram - 8u;
	*ret = u;
	return true;
}
