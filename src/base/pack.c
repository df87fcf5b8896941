/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pack.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NULL_STRING UINT32_MAX

void pack_raw(struct pack *p, const void *bytes, size_t len)
{
	if (p->failed || len == 0)
		return;
	if (p->room - p->len < len) {
		size_t room = (p->len + len) * 2 + 64;
		uint8_t *larger = realloc(p->bytes, room);

		if (!larger) {
			p->failed = true;
			return;
		}
		p->bytes = larger;
		p->room = room;
	}
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
}

void pack_u8(struct pack *p, uint8_t v)
{
	pack_raw(p, &v, sizeof(v));
}

void pack_u16(struct pack *p, uint16_t v)
{
	v = htole16(v);
	pack_raw(p, &v, sizeof(v));
}

void pack_u32(struct pack *p, uint32_t v)
{
	v = htole32(v);
	pack_raw(p, &v, sizeof(v));
}

void pack_u64(struct pack *p, uint64_t v)
{
	v = htole64(v);
	pack_raw(p, &v, sizeof(v));
}

void pack_i64(struct pack *p, int64_t v)
{
	pack_u64(p, (uint64_t)v);
}

void pack_blob(struct pack *p, const void *bytes, size_t len)
{
	if (len >= NULL_STRING) {
		p->failed = true;
		return;
	}
	pack_u32(p, (uint32_t)len);
	pack_raw(p, bytes, len);
}

void pack_string(struct pack *p, const char *s)
{
	if (s)
		pack_blob(p, s, strlen(s));
	else
		pack_u32(p, NULL_STRING);
}

int pack_result(const struct pack *p)
{
	return p->failed ? -ENOMEM : 0;
}

void pack_done(struct pack *p)
{
	free(p->bytes);
	*p = (struct pack){ 0 };
}

struct unpack unpack_from(const void *bytes, size_t len)
{
	return (struct unpack){ .bytes = bytes, .left = len };
}

static const uint8_t *step(struct unpack *u, size_t len)
{
	if (u->failed || len > u->left) {
		u->failed = true;
		return NULL;
	}
	const uint8_t *at = u->bytes;

	u->bytes += len;
	u->left -= len;
	return at;
}

bool unpack_raw(struct unpack *u, void *ret, size_t len)
{
	const uint8_t *at = step(u, len);

	if (!at)
		memset(ret, 0, len);
	else if (len)
		memcpy(ret, at, len);
	return at != NULL;
}

uint8_t unpack_u8(struct unpack *u)
{
	uint8_t v;

	unpack_raw(u, &v, sizeof(v));
	return v;
}

uint16_t unpack_u16(struct unpack *u)
{
	uint16_t v;

	unpack_raw(u, &v, sizeof(v));
	return le16toh(v);
}

uint32_t unpack_u32(struct unpack *u)
{
	uint32_t v;

	unpack_raw(u, &v, sizeof(v));
	return le32toh(v);
}

uint64_t unpack_u64(struct unpack *u)
{
	uint64_t v;

	unpack_raw(u, &v, sizeof(v));
	return le64toh(v);
}

int64_t unpack_i64(struct unpack *u)
{
	return (int64_t)unpack_u64(u);
}

uint32_t unpack_below(struct unpack *u, uint32_t count)
{
	uint32_t v = unpack_u32(u);

	if (v < count)
		return v;
	u->failed = true;
	return 0;
}

const uint8_t *unpack_blob(struct unpack *u, size_t max, size_t *len)
{
	uint32_t n = unpack_u32(u);

	*len = 0;
	if (n > max)
		u->failed = true;
	const uint8_t *at = step(u, n);

	if (at)
		*len = n;
	return at;
}

void unpack_string(struct unpack *u, char *ret, size_t room)
{
	size_t len;
	const uint8_t *at = unpack_blob(u, room - 1, &len);

	if (at && memchr(at, '\0', len)) {
		u->failed = true;
		len = 0;
	}
	if (at && len)
		memcpy(ret, at, len);
	ret[len] = '\0';
}

char *unpack_strdup(struct unpack *u, size_t max)
{
	struct unpack peek = *u;
	size_t len;

	if (unpack_u32(&peek) == NULL_STRING && !peek.failed) {
		*u = peek;
		return NULL;
	}
	const uint8_t *at = unpack_blob(u, max, &len);

	if (!at)
		return NULL;
	if (memchr(at, '\0', len)) {
		u->failed = true;
		return NULL;
	}
	char *copy = malloc(len + 1);

	if (!copy) {
		u->failed = true;
		return NULL;
	}
	memcpy(copy, at, len);
	copy[len] = '\0';
	return copy;
}

uint32_t unpack_count(struct unpack *u, size_t each)
{
	uint32_t n = unpack_u32(u);

	if (n <= u->left / (each ? each : 1))
		return n;
	u->failed = true;
	return 0;
}

int unpack_end(const struct unpack *u)
{
	return u->failed || u->left ? -EBADMSG : 0;
}
