/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pack: numbers and strings ⇄ bytes, for messages between our own processes
 * and for records in the store.
 *
 * Integers are little-endian and fixed in width, strings and blobs carry a
 * 32-bit length. The reader trusts nothing: every length is checked against
 * what is left, and the first fault sticks, so a caller decodes a whole
 * message and asks once, with unpack_end(), whether all of it was there and
 * nothing besides.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A writer into memory that grows; all zero to begin with, then pack_done(). */
struct pack {
	uint8_t *bytes;
	size_t len, room;
	bool failed; /* out of memory: sticks, pack_result() tells */
};

void pack_u8(struct pack *p, uint8_t v);
void pack_u16(struct pack *p, uint16_t v);
void pack_u32(struct pack *p, uint32_t v);
void pack_u64(struct pack *p, uint64_t v);
void pack_i64(struct pack *p, int64_t v);
void pack_raw(struct pack *p, const void *bytes, size_t len); /* without a length */
void pack_blob(struct pack *p, const void *bytes, size_t len);
void pack_string(struct pack *p, const char *s); /* NULL is kept apart from "" */
int pack_result(const struct pack *p);           /* 0 or -ENOMEM */
void pack_done(struct pack *p);

#define own_pack __attribute__((cleanup(pack_done)))

/* A reader over borrowed memory. */
struct unpack {
	const uint8_t *bytes;
	size_t left;
	bool failed;
};

struct unpack unpack_from(const void *bytes, size_t len);
uint8_t unpack_u8(struct unpack *u);
uint16_t unpack_u16(struct unpack *u);
uint32_t unpack_u32(struct unpack *u);
uint64_t unpack_u64(struct unpack *u);
int64_t unpack_i64(struct unpack *u);
/* A value that must lie below `count`, as enums and indices do; 0 on failure. */
uint32_t unpack_below(struct unpack *u, uint32_t count);
bool unpack_raw(struct unpack *u, void *ret, size_t len);
/* Borrowed from the reader's memory, `*len` at most `max`; NULL on failure. */
const uint8_t *unpack_blob(struct unpack *u, size_t max, size_t *len);
/* Into a buffer of `room` bytes; a string that is too long or holds a NUL is a fault. */
void unpack_string(struct unpack *u, char *ret, size_t room);
/* A malloc()ed copy of at most `max` bytes; NULL for a packed NULL and on failure. */
char *unpack_strdup(struct unpack *u, size_t max);
/* The number of things that follow, each at least `each` bytes: never more than fit. */
uint32_t unpack_count(struct unpack *u, size_t each);
/* 0 if everything was there and nothing is left, else -EBADMSG. */
int unpack_end(const struct unpack *u);
