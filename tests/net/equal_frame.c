/* SPDX-License-Identifier: BSD-2-Clause */
#include "equal_frame.h"

#include <stdbool.h>
#include <string.h>

#include "sample.h"

#define ETH 14

struct maker {
	uint64_t *random;
	const struct ruleset *rs;
	struct equal_frame *f;
	enum family family;
	uint8_t *at;         /* where the next byte goes */
	uint8_t addr[2][16]; /* source, destination */
	bool first;          /* first of several fragments */
	bool later;          /* a later fragment */
};

static uint32_t pick(struct maker *m, uint32_t n)
{
	return sample_random(m->random) % n;
}

static bool chance(struct maker *m, uint32_t percent)
{
	return pick(m, 100) < percent;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
	for (size_t i = 0; i < len; i++)
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* In the crowd of the ruleset's prefixes, or far from it. */
static void choose_address(struct maker *m, int which)
{
	struct addr a = sample_addr(m->rs, m->family, m->random);

	if (chance(m, 20))
		a.bits = m->family == FAMILY_V4
			     ? 0xc6120001u + pick(m, 60000)
			     : (((addr_bits)0x20010470 << 96) + 1 + pick(m, 60000));
	addr_to_bytes(a, m->addr[which]);
}

static uint8_t choose_flags(struct maker *m)
{
	static const uint8_t usual[] = { 0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14, 0x06, 0xc2 };

	return chance(m, 80) ? usual[pick(m, sizeof(usual))] : (uint8_t)sample_random(m->random);
}

static uint32_t choose_port(struct maker *m)
{
	static const uint16_t other[] = { 587, 465, 26, 24, 0x1900, 0, 2525 };

	return chance(m, 80) ? 25 : other[pick(m, sizeof(other) / sizeof(*other))];
}

/* A whole TCP segment; returns its length. */
static size_t make_tcp(struct maker *m, uint8_t *p)
{
	size_t options = 4 * pick(m, 5), payload = chance(m, 30) ? pick(m, 60) : 0;
	size_t len = 20 + options + payload;

	memset(p, 1, len); /* options: no-operation */
	put16(p, m->f->id);
	put16(p + 2, choose_port(m));
	put32(p + 4, sample_random(m->random));
	put32(p + 8, sample_random(m->random));
	p[12] = (uint8_t)((20 + options) / 4 << 4);
	p[13] = choose_flags(m);
	put16(p + 14, 1024);
	put16(p + 16, 0);
	put16(p + 18, pick(m, 3) * 7);
	return len;
}

static void tcp_checksum(struct maker *m, uint8_t *p, size_t len)
{
	size_t n = m->family == FAMILY_V4 ? 4 : 16;
	uint32_t s = 6 + (uint32_t)len;

	s = sum(m->addr[0], n, s);
	s = sum(m->addr[1], n, s);
	put16(p + 16, fold(sum(p, len, s)));
}

/* What stands behind the headers, of this protocol; cut off where the packet ends too soon. */
static void make_content(struct maker *m, uint8_t protocol)
{
	size_t len = make_tcp(m, m->at); /* other protocols: the same bytes, a trap */

	if (protocol == 6 && !m->later)
		tcp_checksum(m, m->at, len);
	else
		m->f->answerable = false;
	if (m->first) /* the checksum is of all fragments together */
		m->at[16] ^= 0x55;
	if (chance(m, m->first ? 50 : 10)) {
		/* Where fields end, more often than elsewhere. */
		static const uint8_t ends[] = { 0, 2, 3, 4, 8, 12, 13, 14, 16, 18, 19, 20 };
		size_t cut = chance(m, 70) ? ends[pick(m, sizeof(ends))] : pick(m, 24);

		if (cut < len) {
			len = cut;
			m->f->answerable = false;
		}
	}
	m->at += len;
}

static void make_ip4(struct maker *m, uint8_t protocol)
{
	uint8_t *ip = m->at;
	size_t options = chance(m, 30) ? 4 * pick(m, 11) : 0;
	uint32_t fragment = chance(m, 30) ? 0x4000 : 0; /* don't */

	m->first = chance(m, 25);
	if (m->first)
		fragment = 0x2000;
	m->later = !m->first && chance(m, 10);
	if (m->later)
		fragment = (chance(m, 50) ? 0x2000 : 0) | (1 + pick(m, 100));
	if (m->first)
		m->f->answerable = false;

	memset(ip, 1, 20 + options); /* options: no-operation */
	m->at += 20 + options;
	make_content(m, protocol);
	ip[0] = (uint8_t)(0x45 + options / 4);
	ip[1] = 0;
	put16(ip + 2, (uint32_t)(m->at - ip));
	put16(ip + 4, m->f->id);
	put16(ip + 6, fragment);
	ip[8] = 64;
	ip[9] = protocol;
	put16(ip + 10, 0);
	memcpy(ip + 12, m->addr[0], 4);
	memcpy(ip + 16, m->addr[1], 4);
	put16(ip + 10, fold(sum(ip, 20 + options, 0)));
}

/* One extension header; its first byte, the type of what follows, is filled in later. */
static void make_extension(struct maker *m, uint8_t type)
{
	size_t words = chance(m, 70) ? 0 : pick(m, 4);
	uint8_t *h = m->at;

	memset(h, 0, 8 + words * 8);
	switch (type) {
	case 44:
		words = 0;
		h[1] = (uint8_t)sample_random(m->random); /* reserved: not a length */
		if (m->later)
			put16(h + 2, (1 + pick(m, 100)) << 3 | pick(m, 2));
		else
			h[3] = m->first;
		put32(h + 4, m->f->id);
		break;
	case 43: /* routing, of a type nobody knows, no segments left */
		h[1] = (uint8_t)words;
		h[2] = 253;
		break;
	default: /* one option that is to be skipped by who does not know it (RFC 8200 4.2) */
		h[1] = (uint8_t)words;
		h[2] = 0x1e;
		h[3] = (uint8_t)(words * 8 + 4);
	}
	m->at += 8 + words * 8;
}

/* Up to eight; hop-by-hop only at the start, where Linux wants it, one fragment header. */
static size_t choose_chain(struct maker *m, uint8_t chain[8])
{
	static const uint8_t types[] = { 60, 43, 60 };
	size_t n = chance(m, 50) ? 0 : pick(m, 8), fragment_at = pick(m, 9);

	for (size_t i = 0; i < n; i++)
		chain[i] = i == 0 && chance(m, 30) ? 0 : types[pick(m, sizeof(types))];
	if (chance(m, 50)) {
		if (fragment_at > n)
			fragment_at = n;
		memmove(chain + fragment_at + 1, chain + fragment_at, n - fragment_at);
		chain[fragment_at] = 44;
		n++;
		m->first = chance(m, 60);
		m->later = !m->first && chance(m, 40);
	}
	return n;
}

/* End the packet in the middle of the chain, at a whole header word; never in hop-by-hop. */
static bool cut_chain(struct maker *m, const uint8_t *ip, const uint8_t *chain, size_t n)
{
	size_t bytes = (size_t)(m->at - ip) - 40, safe = chain[0] == 0 ? 8 + ip[41] * 8u : 0;

	if (n == 0 || bytes <= safe || !chance(m, 12))
		return false;
	m->at = (uint8_t *)ip + 40 + safe + 8 * pick(m, (uint32_t)((bytes - safe) / 8));
	m->f->answerable = false;
	return true;
}

static void make_ip6(struct maker *m, uint8_t protocol)
{
	uint8_t chain[9], *ip = m->at, *next = ip + 6;
	size_t n = choose_chain(m, chain);

	put32(ip, 0x60000000u | m->f->id);
	ip[7] = 64;
	memcpy(ip + 8, m->addr[0], 16);
	memcpy(ip + 24, m->addr[1], 16);
	m->at += 40;
	for (size_t i = 0; i < n; i++) {
		*next = chain[i];
		next = m->at;
		make_extension(m, chain[i]);
	}
	*next = protocol;
	if (m->first)
		m->f->answerable = false;
	if (!cut_chain(m, ip, chain, n))
		make_content(m, protocol);
	put16(ip + 4, (uint32_t)(m->at - ip) - 40);
}

void equal_frame_make(const struct ruleset *rs, uint64_t *random, uint32_t id,
		      const uint8_t to_mac[6], struct equal_frame *ret)
{
	static const uint8_t protocols[] = { 17, 1, 47, 58, 132 };
	struct maker m = { .random = random, .rs = rs, .f = ret };
	uint8_t protocol;

	*ret = (struct equal_frame){ .id = id, .answerable = true };
	memcpy(ret->bytes, to_mac, 6);
	memcpy(ret->bytes + 6, (const uint8_t[]){ 2, 0, 0, 0, 0, 1 }, 6);
	m.at = ret->bytes + ETH;
	m.family = chance(&m, 50) ? FAMILY_V6 : FAMILY_V4;
	put16(ret->bytes + 12, m.family == FAMILY_V4 ? 0x0800 : 0x86dd);
	choose_address(&m, 0);
	choose_address(&m, 1);
	protocol = chance(&m, 92) ? 6 : protocols[pick(&m, sizeof(protocols))];
	if (m.family == FAMILY_V4)
		make_ip4(&m, protocol);
	else
		make_ip6(&m, protocol);
	/* Bytes behind the packet, as short frames have them: they belong to nobody. */
	if (chance(&m, 30)) {
		size_t trailer = pick(&m, 40);

		for (size_t i = 0; i < trailer; i++)
			*m.at++ = (uint8_t)sample_random(random);
	}
	ret->len = (size_t)(m.at - ret->bytes);
}
