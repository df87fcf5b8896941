/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool addr_parse(const char *text, struct addr *ret)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		*ret = addr_from_bytes(FAMILY_V4, bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*ret = addr_from_bytes(FAMILY_V6, bytes);
	else
		return false;
	return true;
}

struct addr addr_from_bytes(enum family f, const uint8_t *bytes)
{
	struct addr a = { .family = f };

	for (unsigned i = 0; i < family_bits(f) / 8; i++)
		a.bits = a.bits << 8 | bytes[i];
	return a;
}

void addr_to_bytes(struct addr a, uint8_t *ret)
{
	for (unsigned i = family_bits(a.family) / 8; i-- > 0; a.bits >>= 8)
		ret[i] = (uint8_t)a.bits;
}

const char *addr_text(struct addr a, char ret[static ADDR_TEXT_MAX])
{
	uint8_t bytes[16];

	addr_to_bytes(a, bytes);
	return inet_ntop(a.family == FAMILY_V4 ? AF_INET : AF_INET6, bytes, ret, ADDR_TEXT_MAX);
}

/* One to three digits and nothing else; -1 if it is not that. */
static int length_parse(const char *text)
{
	int n = 0;

	if (!*text || strlen(text) > 3 || (text[0] == '0' && text[1]))
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		n = n * 10 + (*text - '0');
	}
	return n;
}

enum prefix_fault prefix_parse(const char *text, struct prefix *ret)
{
	char head[ADDR_TEXT_MAX];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct prefix p;

	if (len >= sizeof(head))
		return PREFIX_NO_ADDRESS;
	memcpy(head, text, len);
	head[len] = '\0';
	if (!addr_parse(head, &p.addr))
		return PREFIX_NO_ADDRESS;

	unsigned bits = family_bits(p.addr.family);
	int n = slash ? length_parse(slash + 1) : (int)bits;
	if (n < 0 || (unsigned)n > bits)
		return PREFIX_BAD_LENGTH;
	p.len = (uint8_t)n;

	addr_bits given = p.addr.bits;
	p.addr.bits = n == 0 ? 0 : given >> (bits - p.len) << (bits - p.len);
	*ret = p;
	return p.addr.bits == given ? PREFIX_OK : PREFIX_HOST_BITS;
}

const char *prefix_text(struct prefix p, char ret[static PREFIX_TEXT_MAX])
{
	char head[ADDR_TEXT_MAX];

	snprintf(ret, PREFIX_TEXT_MAX, "%s/%u", addr_text(p.addr, head), p.len);
	return ret;
}

const char *prefix_fault_text(enum prefix_fault fault)
{
	switch (fault) {
	case PREFIX_OK:
		return "no fault";
	case PREFIX_NO_ADDRESS:
		return "not an IPv4 or IPv6 prefix";
	case PREFIX_BAD_LENGTH:
		return "the prefix length is not between 0 and 32 (IPv4) or 128 (IPv6)";
	case PREFIX_HOST_BITS:
		return "host bits are set";
	}
	return "unknown fault";
}

int prefix_compare(struct prefix a, struct prefix b)
{
	if (a.addr.family != b.addr.family)
		return a.addr.family < b.addr.family ? -1 : 1;
	if (a.addr.bits != b.addr.bits)
		return a.addr.bits < b.addr.bits ? -1 : 1;
	return (int)a.len - (int)b.len;
}
