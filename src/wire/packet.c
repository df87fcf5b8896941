/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/packet.h"

#include "wire/bytes.h"

#define ETH_BYTES   14
#define VLAN_BYTES  4
#define PPPOE_BYTES 6
#define IP4_BYTES   20
#define IP6_BYTES   40
#define TCP_BYTES   20

enum ether_type {
	ETHER_IP4 = 0x0800,
	ETHER_VLAN = 0x8100,
	ETHER_IP6 = 0x86dd,
	ETHER_PPPOE = 0x8864,
	ETHER_QINQ = 0x88a8,
	ETHER_QINQ_OLD = 0x9100,
};

enum ppp_protocol { PPP_IP4 = 0x21, PPP_IP6 = 0x57 };

enum ip_protocol {
	IP_HOP_BY_HOP = 0,
	IP_TCP = 6,
	IP_ROUTING = 43,
	IP_FRAGMENT = 44,
	IP_AUTH = 51,
	IP_DESTINATION = 60,
	IP_MOBILITY = 135,
};

/* A frame, and how much of it belongs to the IP packet in it. */
struct span_of {
	const uint8_t *frame;
	size_t end;      /* of what is there to be read */
	size_t declared; /* end of the packet by its own header; may lie beyond `end` */
	bool first;      /* first of several fragments */
};

static bool is_vlan(unsigned type)
{
	return type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD;
}

static bool find_ppp(const uint8_t *frame, size_t len, size_t *at, enum family *ret)
{
	size_t ppp = *at + PPPOE_BYTES;
	unsigned protocol;

	if (len < ppp + 1)
		return false;
	if (frame[ppp] & 1) { /* RFC 1661 6.5: protocol field compression */
		protocol = frame[ppp];
		*at = ppp + 1;
	} else {
		if (len < ppp + 2)
			return false;
		protocol = be16(frame + ppp);
		*at = ppp + 2;
	}
	*ret = protocol == PPP_IP4 ? FAMILY_V4 : FAMILY_V6;
	return protocol == PPP_IP4 || protocol == PPP_IP6;
}

/* True if the frame says that it carries IP; then where and which. */
static bool find_ip(const uint8_t *frame, size_t len, size_t *ret_at, enum family *ret)
{
	size_t at = ETH_BYTES;
	unsigned type;

	if (len < ETH_BYTES)
		return false;
	type = be16(frame + at - 2);
	for (int i = 0; i < PACKET_VLANS_MAX && is_vlan(type); i++) {
		at += VLAN_BYTES;
		if (len < at)
			return false;
		type = be16(frame + at - 2);
	}
	*ret_at = at;
	if (type == ETHER_PPPOE)
		return find_ppp(frame, len, ret_at, ret);
	*ret = type == ETHER_IP4 ? FAMILY_V4 : FAMILY_V6;
	return type == ETHER_IP4 || type == ETHER_IP6;
}

static void read_ports(struct packet *p, const uint8_t *tcp)
{
	p->sport = be16(tcp);
	p->dport = be16(tcp + 2);
	p->port_known = true;
}

static enum packet_kind read_tcp(struct packet *p, const struct span_of *s, size_t at)
{
	const uint8_t *tcp = s->frame + at;
	size_t there = s->end > at ? s->end - at : 0;

	p->tcp_offset = at;
	if (there < TCP_BYTES) {
		if (s->first && there >= 4)
			read_ports(p, tcp);
		return s->first ? PACKET_HIDDEN : PACKET_UNPARSED;
	}
	read_ports(p, tcp);
	p->seq = be32(tcp + 4);
	p->ack_seq = be32(tcp + 8);
	p->fin = tcp[13] & 0x01;
	p->syn = tcp[13] & 0x02;
	p->rst = tcp[13] & 0x04;
	p->ack = tcp[13] & 0x10;

	size_t header = (size_t)(tcp[12] >> 4) * 4;
	size_t data = at + (header < TCP_BYTES ? TCP_BYTES : header);
	p->payload = s->declared > data ? s->declared - data : 0;
	return PACKET_TCP;
}

static enum packet_kind read_ip4(struct packet *p, const uint8_t *frame, size_t len, size_t at)
{
	const uint8_t *ip = frame + at;

	if (len - at < IP4_BYTES)
		return PACKET_UNPARSED;

	size_t header = (size_t)(ip[0] & 0x0f) * 4, total = be16(ip + 2);
	if (ip[0] >> 4 != 4 || header < IP4_BYTES || header > len - at || total < header)
		return PACKET_UNPARSED;

	unsigned fragment = be16(ip + 6);
	if ((fragment & 0x1fff) != 0 || ip[9] != IP_TCP)
		return PACKET_OTHER;

	p->src = addr_from_bytes(FAMILY_V4, ip + 12);
	p->dst = addr_from_bytes(FAMILY_V4, ip + 16);
	struct span_of s = {
		.frame = frame,
		.end = total < len - at ? at + total : len,
		.declared = at + total,
		.first = fragment & 0x2000,
	};
	return read_tcp(p, &s, at + header);
}

/* Bytes of an extension header whose first eight are at `h`; 0 if it is not walked. */
static size_t extension_bytes(uint8_t type, const uint8_t *h)
{
	switch (type) {
	case IP_HOP_BY_HOP:
	case IP_ROUTING:
	case IP_DESTINATION:
	case IP_MOBILITY:
		return 8 + (size_t)h[1] * 8;
	case IP_AUTH: /* RFC 4302 2.2: in 4-byte units, minus 2 */
		return 8 + (size_t)h[1] * 4;
	case IP_FRAGMENT: /* RFC 8200 4.5: byte 1 is reserved, not a length */
		return 8;
	default:
		return 0;
	}
}

static bool is_extension(uint8_t type)
{
	static const uint8_t none[2];

	return extension_bytes(type, none) != 0;
}

/* Walk from the header of type `next` at `at` to TCP. */
static enum packet_kind read_chain(struct packet *p, struct span_of *s, size_t at, uint8_t next)
{
	for (int i = 0; is_extension(next); i++) {
		const uint8_t *h = s->frame + at;

		if (i == PACKET_IP6_EXT_MAX)
			return PACKET_UNPARSED;
		if (at + 8 > s->end)
			return s->first ? PACKET_HIDDEN : PACKET_UNPARSED;
		if (next == IP_FRAGMENT) {
			if ((be16(h + 2) & 0xfff8) != 0)
				return PACKET_OTHER;
			if (h[3] & 1)
				s->first = true;
		}
		at += extension_bytes(next, h);
		next = h[0];
	}
	return next == IP_TCP ? read_tcp(p, s, at) : PACKET_OTHER;
}

static enum packet_kind read_ip6(struct packet *p, const uint8_t *frame, size_t len, size_t at)
{
	const uint8_t *ip = frame + at;

	if (len - at < IP6_BYTES || ip[0] >> 4 != 6)
		return PACKET_UNPARSED;

	struct span_of s = { .frame = frame, .declared = at + IP6_BYTES + be16(ip + 4) };
	if (be16(ip + 4) == 0 && ip[6] == IP_HOP_BY_HOP)
		s.declared = len;
	s.end = s.declared < len ? s.declared : len;
	p->src = addr_from_bytes(FAMILY_V6, ip + 8);
	p->dst = addr_from_bytes(FAMILY_V6, ip + 24);
	return read_chain(p, &s, at + IP6_BYTES, ip[6]);
}

struct packet packet_parse(const uint8_t *frame, size_t len)
{
	struct packet p = { .kind = PACKET_OTHER };
	enum family family;
	size_t at;

	if (!find_ip(frame, len, &at, &family))
		return p;
	p.ip_offset = at;
	p.kind = family == FAMILY_V4 ? read_ip4(&p, frame, len, at) : read_ip6(&p, frame, len, at);
	return p;
}
