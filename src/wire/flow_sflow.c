/* SPDX-License-Identifier: BSD-2-Clause */
/* sFlow version 5 (sflow.org, July 2004): flow samples; counters are passed over. */
#include "wire/flow_priv.h"

#define ADDRESS_V4      1
#define ADDRESS_V6      2
#define SAMPLE_FLOW     1
#define SAMPLE_EXPANDED 3
#define RECORD_RAW      1
#define RECORD_IPV4     3
#define RECORD_IPV6     4
#define RAW_ETHERNET    1
#define RAW_IPV4        11
#define RAW_IPV6        12
#define SAMPLES_MAX     1000 /* a datagram of 64 kB holds no more that say anything */

#define ETHERTYPE_IP4 0x0800
#define ETHERTYPE_IP6 0x86dd
#define PROTOCOL_TCP  6
#define PROTOCOL_UDP  17

static void ports_read(struct reader *r, struct flow_record *f)
{
	if (f->protocol != PROTOCOL_TCP && f->protocol != PROTOCOL_UDP)
		return;
	f->sport = reader_u16(r);
	f->dport = reader_u16(r);
	if (f->protocol == PROTOCOL_TCP) {
		reader_take(r, 9);
		f->tcp_flags = reader_u8(r);
	}
}

static void ip4_read(struct reader r, struct flow_record *f)
{
	struct reader whole = r;
	uint8_t ihl = (uint8_t)((reader_u8(&r) & 15) * 4);

	reader_take(&r, 5);
	bool later_fragment = reader_u16(&r) & 0x1fff;
	reader_u8(&r);
	f->protocol = reader_u8(&r);
	reader_u16(&r);
	f->src = (struct addr){ .bits = reader_u32(&r), .family = FAMILY_V4 };
	f->dst = (struct addr){ .bits = reader_u32(&r), .family = FAMILY_V4 };
	f->has_addresses = !r.short_;
	if (r.short_ || ihl < 20 || later_fragment || !reader_take(&whole, ihl))
		return;
	ports_read(&whole, f);
}

static void ip6_read(struct reader r, struct flow_record *f)
{
	reader_take(&r, 6);
	f->protocol = reader_u8(&r);
	reader_u8(&r);
	const uint8_t *src = reader_take(&r, 16), *dst = reader_take(&r, 16);

	if (!src || !dst)
		return;
	f->src = addr_from_bytes(FAMILY_V6, src);
	f->dst = addr_from_bytes(FAMILY_V6, dst);
	f->has_addresses = true;
	/* Hop-by-hop, routing and destination options: the same shape (RFC 8200 4). */
	for (int i = 0; i < 8 && (f->protocol == 0 || f->protocol == 43 || f->protocol == 60);
	     i++) {
		f->protocol = reader_u8(&r);
		reader_take(&r, (size_t)reader_u8(&r) * 8 + 6);
	}
	if (!r.short_)
		ports_read(&r, f);
}

static void ethernet_read(struct reader r, struct flow_record *f)
{
	reader_take(&r, 12);
	uint16_t type = reader_u16(&r);

	for (int i = 0; i < 2 && (type == 0x8100 || type == 0x88a8 || type == 0x9100); i++) {
		uint16_t tag = reader_u16(&r) & 0x0fff;

		f->vlan = i == 0 ? tag : f->vlan;
		type = reader_u16(&r);
	}
	if (type == ETHERTYPE_IP4)
		ip4_read(r, f);
	else if (type == ETHERTYPE_IP6)
		ip6_read(r, f);
}

static void raw_read(struct reader r, struct flow_record *f)
{
	uint32_t protocol = reader_u32(&r);

	f->bytes = reader_u32(&r);
	reader_u32(&r); /* bytes stripped */
	struct reader header = reader_sub(&r, reader_u32(&r));

	if (protocol == RAW_ETHERNET)
		ethernet_read(header, f);
	else if (protocol == RAW_IPV4)
		ip4_read(header, f);
	else if (protocol == RAW_IPV6)
		ip6_read(header, f);
}

/* The sampled_ipv4 and sampled_ipv6 structures: the router has parsed it for us. */
static void sampled_ip_read(struct reader r, enum family family, struct flow_record *f)
{
	size_t bytes = family_bits(family) / 8;

	f->bytes = reader_u32(&r);
	f->protocol = (uint8_t)reader_u32(&r);
	const uint8_t *src = reader_take(&r, bytes), *dst = reader_take(&r, bytes);
	f->sport = (uint16_t)reader_u32(&r);
	f->dport = (uint16_t)reader_u32(&r);
	f->tcp_flags = (uint8_t)reader_u32(&r);
	if (!src || !dst)
		return;
	f->src = addr_from_bytes(family, src);
	f->dst = addr_from_bytes(family, dst);
	f->has_addresses = true;
}

static bool sample_read(struct flow_decoder *d, struct flow_source *s, struct reader r,
			bool expanded)
{
	struct flow_record f = { .exporter = flow_source_index(d, s), .packets = 1, .flows = 1 };

	reader_take(&r, expanded ? 12 : 8); /* sequence, source */
	f.sampling = reader_u32(&r);
	reader_take(&r, expanded ? 24 : 16); /* pool, drops, input, output */
	uint32_t records = reader_u32(&r);

	for (uint32_t i = 0; i < records && !r.short_; i++) {
		uint32_t format = reader_u32(&r);
		struct reader body = reader_sub(&r, reader_u32(&r));

		if (format == RECORD_RAW)
			raw_read(body, &f);
		else if (format == RECORD_IPV4 && !f.has_addresses)
			sampled_ip_read(body, FAMILY_V4, &f);
		else if (format == RECORD_IPV6 && !f.has_addresses)
			sampled_ip_read(body, FAMILY_V6, &f);
	}
	if (r.short_)
		return false;
	flow_rate_learn(s, f.sampling, 0, false);
	flow_emit(d, s, &f);
	return true;
}

static bool samples_read(struct flow_decoder *d, struct flow_source *s, struct reader *r,
			 uint32_t samples)
{
	for (uint32_t i = 0; i < samples; i++) {
		uint32_t format = reader_u32(r);
		struct reader body = reader_sub(r, reader_u32(r));

		if (r->short_)
			return false;
		if ((format == SAMPLE_FLOW || format == SAMPLE_EXPANDED) &&
		    !sample_read(d, s, body, format == SAMPLE_EXPANDED))
			return false;
	}
	return true;
}

void flow_decode_sflow(struct flow_decoder *d, struct addr exporter, struct reader r)
{
	reader_u32(&r); /* version */
	uint32_t type = reader_u32(&r);

	reader_take(&r, type == ADDRESS_V6 ? 16 : 4); /* the agent's own address */
	uint32_t sub_agent = reader_u32(&r), sequence = reader_u32(&r), uptime = reader_u32(&r);
	uint32_t samples = reader_u32(&r);
	struct flow_source *s = flow_source_get(d, exporter, sub_agent, FLOW_SFLOW5);

	if (!s) {
		d->refused++;
		return;
	}
	s->public.datagrams++;
	if (r.short_ || (type != ADDRESS_V4 && type != ADDRESS_V6) || samples > SAMPLES_MAX) {
		s->public.malformed++;
		return;
	}
	flow_sequence(s, sequence, 1, uptime);
	if (!samples_read(d, s, &r, samples))
		s->public.malformed++;
}
