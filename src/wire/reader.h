/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reader: a bounds-checked walk over bytes in network order.
 *
 * A read past the end returns 0 and sets `short_`; the position then stays at
 * the end, so a parser may read a whole header and ask once whether it was
 * all there. Nothing is copied: pointers stay valid as long as the bytes do.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/bytes.h"

struct reader {
	const uint8_t *at, *end;
	bool short_; /* something was asked for that was not there */
};

static inline struct reader reader_of(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	return (struct reader){ .at = at, .end = at + len };
}

static inline size_t reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

/* The next `len` bytes, or NULL if there are fewer. */
static inline const uint8_t *reader_take(struct reader *r, size_t len)
{
	if (reader_left(r) < len) {
		r->at = r->end;
		r->short_ = true;
		return NULL;
	}
	r->at += len;
	return r->at - len;
}

/* A reader over the next `len` bytes; empty and short if there are fewer. */
static inline struct reader reader_sub(struct reader *r, size_t len)
{
	const uint8_t *at = reader_take(r, len);

	return at ? reader_of(at, len)
		  : (struct reader){ .at = r->end, .end = r->end, .short_ = true };
}

static inline uint8_t reader_u8(struct reader *r)
{
	const uint8_t *b = reader_take(r, 1);

	return b ? b[0] : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
	const uint8_t *b = reader_take(r, 2);

	return b ? be16(b) : 0;
}

static inline uint32_t reader_u32(struct reader *r)
{
	const uint8_t *b = reader_take(r, 4);

	return b ? be32(b) : 0;
}

/* An unsigned number of 0 to 8 bytes (RFC 7011 6.2, reduced-size encoding). */
static inline uint64_t bytes_uint(const uint8_t *b, size_t len)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++)
		n = n << 8 | b[i];
	return n;
}
