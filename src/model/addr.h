/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * addr: an IPv4 or IPv6 address, and a prefix of either, as one type.
 *
 * The bits are held as numbers in host order, so that addresses sort, compare
 * and add like numbers; an IPv4 address stands in the low 32 bits. The family
 * is part of the address: ::ffff:192.0.2.1 is not 192.0.2.1.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum family { FAMILY_V4, FAMILY_V6, FAMILY_COUNT_ };

typedef unsigned __int128 addr_bits;

struct addr {
	addr_bits bits; /* host order */
	enum family family;
};

struct prefix {
	struct addr addr; /* the first address: host bits are zero */
	uint8_t len;      /* 0 to 32 or 0 to 128 */
};

#define ADDR_TEXT_MAX   48 /* longest address text with its NUL (INET6_ADDRSTRLEN is 46) */
#define PREFIX_TEXT_MAX 52

enum prefix_fault {
	PREFIX_OK,
	PREFIX_NO_ADDRESS, /* neither an IPv4 nor an IPv6 address before the slash */
	PREFIX_BAD_LENGTH, /* length missing where demanded, not a number, or too long */
	PREFIX_HOST_BITS,  /* bits set behind the length; *ret holds the prefix without them */
};

static inline unsigned family_bits(enum family f)
{
	return f == FAMILY_V4 ? 32 : 128;
}

/* All bits of the family set: the last address there is. */
static inline addr_bits family_last(enum family f)
{
	return f == FAMILY_V4 ? (addr_bits)UINT32_MAX : ~(addr_bits)0;
}

/* True and *ret filled if `text` is exactly one address (RFC 4291 2.2 / dotted quad). */
bool addr_parse(const char *text, struct addr *ret);
/* From and to network order bytes: 4 for IPv4, 16 for IPv6. */
struct addr addr_from_bytes(enum family f, const uint8_t *bytes);
void addr_to_bytes(struct addr a, uint8_t *ret);
/* Canonical text (RFC 5952) into a buffer of ADDR_TEXT_MAX; returns the buffer. */
const char *addr_text(struct addr a, char ret[static ADDR_TEXT_MAX]);

/* An address alone counts as /32 or /128. */
enum prefix_fault prefix_parse(const char *text, struct prefix *ret);
const char *prefix_text(struct prefix p, char ret[static PREFIX_TEXT_MAX]);
const char *prefix_fault_text(enum prefix_fault fault);

/* IPv4 written as IPv6 (::ffff:192.0.2.1): no packet carries such an address. */
static inline bool prefix_v4_mapped(struct prefix p)
{
	return p.addr.family == FAMILY_V6 && p.len >= 96 && p.addr.bits >> 32 == 0xffff;
}

/* The last address of the prefix. */
static inline addr_bits prefix_last(struct prefix p)
{
	unsigned host = family_bits(p.addr.family) - p.len;

	return host >= 128 ? ~(addr_bits)0 : p.addr.bits | (((addr_bits)1 << host) - 1);
}

static inline bool prefix_holds(struct prefix p, struct addr a)
{
	return a.family == p.addr.family && a.bits >= p.addr.bits && a.bits <= prefix_last(p);
}

/* Family, then first address, then shorter first: <0, 0, >0 as for qsort(). */
int prefix_compare(struct prefix a, struct prefix b);
