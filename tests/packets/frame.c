/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame.h"

#include <arpa/inet.h>
#include <string.h>

const char *frame_link_name(enum frame_link link)
{
	static const char *const names[] = {
		"plain",
		"vlan",
		"802.1ad",
		"qinq",
		"qinq 8100",
		"qinq 9100",
		"pppoe",
		"pppoe short",
		"vlan pppoe",
		"qinq pppoe",
		"qinq pppoe short",
		"count",
		"three tags",
		"bare ip",
	};

	return names[link];
}

static void put(struct frame *f, const void *bytes, size_t len)
{
	memcpy(f->bytes + f->len, bytes, len);
	f->len += len;
}

static void put8(struct frame *f, unsigned v)
{
	f->bytes[f->len++] = (uint8_t)v;
}

static void put16(struct frame *f, unsigned v)
{
	put8(f, v >> 8 & 0xff);
	put8(f, v & 0xff);
}

static void put32(struct frame *f, uint32_t v)
{
	put16(f, v >> 16);
	put16(f, v & 0xffff);
}

static void set16(struct frame *f, size_t at, unsigned v)
{
	f->bytes[at] = (uint8_t)(v >> 8);
	f->bytes[at + 1] = (uint8_t)v;
}

static void put_tags(struct frame *f, enum frame_link link)
{
	static const uint16_t tags[][4] = {
		[LINK_VLAN] = { 0x8100 },
		[LINK_AD] = { 0x88a8 },
		[LINK_QINQ] = { 0x88a8, 0x8100 },
		[LINK_QINQ_8100] = { 0x8100, 0x8100 },
		[LINK_QINQ_9100] = { 0x9100, 0x8100 },
		[LINK_VLAN_PPPOE] = { 0x8100 },
		[LINK_QINQ_PPPOE] = { 0x88a8, 0x8100 },
		[LINK_QINQ_PPPOE_SHORT] = { 0x88a8, 0x8100 },
		[LINK_THREE_TAGS] = { 0x88a8, 0x8100, 0x8100 },
		[LINK_IP] = { 0 },
	};

	for (int i = 0; tags[link][i]; i++) {
		put16(f, tags[link][i]);
		put16(f, 0x6000 + 100 + (unsigned)i); /* priority 3: must come back with a reset */
	}
}

/* Returns where the PPPoE length stands, 0 without. */
static size_t put_link(struct frame *f, enum frame_link link, bool v6)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	bool is_short = link == LINK_PPPOE_SHORT || link == LINK_QINQ_PPPOE_SHORT;
	size_t length_at;

	if (link == LINK_IP)
		return 0;
	put(f, macs, sizeof(macs));
	put_tags(f, link);
	if (!is_short && link != LINK_PPPOE && link != LINK_VLAN_PPPOE && link != LINK_QINQ_PPPOE) {
		put16(f, v6 ? 0x86dd : 0x0800);
		return 0;
	}
	put16(f, 0x8864);
	put16(f, 0x1100);
	put16(f, 7); /* session */
	length_at = f->len;
	put16(f, 0);
	if (is_short)
		put8(f, v6 ? 0x57 : 0x21);
	else
		put16(f, v6 ? 0x57 : 0x21);
	return length_at;
}

static uint32_t sum(uint32_t s, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		s += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void put_ip4(const struct frame_spec *s, struct frame *f)
{
	put8(f, 0x45 + s->ip_options / 4);
	put8(f, 0);
	put16(f, 0);
	put16(f, 4711);
	put16(f, s->fragment | (s->more ? 0x2000 : 0));
	put8(f, 61);
	put8(f, s->protocol ? s->protocol : 6);
	put16(f, 0);
	inet_pton(AF_INET, s->src ? s->src : "10.1.2.3", f->bytes + f->len);
	inet_pton(AF_INET, s->dst ? s->dst : "192.0.2.25", f->bytes + f->len + 4);
	f->len += 8;
	for (unsigned i = 0; i < s->ip_options; i++)
		put8(f, 1); /* no operation */
}

/* One extension header of the least size; `next` is filled in by the one that follows. */
static void put_extension(const struct frame_spec *s, struct frame *f, uint8_t type,
			  size_t *next_at)
{
	f->bytes[*next_at] = type;
	*next_at = f->len;
	put8(f, 59);
	if (type == 44) {
		put8(f, s->reserved);
		put16(f, s->fragment << 3 | s->more);
		put32(f, 4711);
		return;
	}
	put8(f, type == 51 ? 2 : 0);
	for (int i = 2; i < (type == 51 ? 16 : 8); i++)
		put8(f, 0);
}

static void put_ip6(const struct frame_spec *s, struct frame *f)
{
	size_t next_at = f->len + 6;

	put32(f, 0x60000000);
	put16(f, 0);
	put8(f, 59);
	put8(f, 61);
	inet_pton(AF_INET6, s->src ? s->src : "2001:db8:1::3", f->bytes + f->len);
	inet_pton(AF_INET6, s->dst ? s->dst : "2001:db8:2::25", f->bytes + f->len + 16);
	f->len += 32;
	for (const uint8_t *e = s->extension; e && *e != 255; e++)
		put_extension(s, f, *e, &next_at);
	f->bytes[next_at] = s->protocol ? s->protocol : 6;
}

static void put_tcp(const struct frame_spec *s, struct frame *f)
{
	f->tcp = f->len;
	put16(f, s->sport ? s->sport : 40000);
	put16(f, s->dport ? s->dport : 25);
	put32(f, s->seq);
	put32(f, s->ack);
	put8(f, (5 + s->tcp_options / 4) << 4);
	put8(f, s->flags);
	put16(f, 64240);
	put16(f, 0);
	put16(f, 0);
	for (unsigned i = 0; i < s->tcp_options; i++)
		put8(f, 1);
	for (unsigned i = 0; i < s->payload; i++)
		put8(f, 'a' + i % 26);
}

static void finish(const struct frame_spec *s, struct frame *f, size_t ppp_length_at)
{
	const size_t addresses = s->v6 ? 32 : 8, at = f->ip + (s->v6 ? 8 : 12);
	const size_t length = f->len - f->tcp;
	uint32_t pseudo = sum((uint32_t)length + 6, f->bytes + at, addresses);

	set16(f, f->tcp + 16, (uint16_t)~sum(pseudo, f->bytes + f->tcp, length));
	if (s->v6) {
		set16(f, f->ip + 4, (unsigned)(f->len - f->ip - 40));
	} else {
		set16(f, f->ip + 2, (unsigned)(f->len - f->ip));
		set16(f, f->ip + 10, (uint16_t)~sum(0, f->bytes + f->ip, 20 + s->ip_options));
	}
	if (ppp_length_at)
		set16(f, ppp_length_at, (unsigned)(f->len - ppp_length_at - 2));
}

void frame_make(const struct frame_spec *s, struct frame *f)
{
	memset(f, 0, sizeof(*f));
	size_t ppp_length_at = put_link(f, s->link, s->v6);

	f->ip = f->len;
	if (s->v6)
		put_ip6(s, f);
	else
		put_ip4(s, f);
	put_tcp(s, f);
	finish(s, f, ppp_length_at);
}
