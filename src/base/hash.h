/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash: a fast hash for tables in memory.
 *
 * Multiply-and-fold over eight bytes at a time. The seed is random per process
 * so that nobody can aim for collisions. Not for anything stored, shared or
 * secret: accounts are hashed with SipHash under the provider's key.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t hash_load(const char *p, size_t len)
{
	uint64_t v = 0;

	if (len) /* an empty string may have no address */
		memcpy(&v, p, len < 8 ? len : 8);
	return v;
}

static inline uint64_t hash_bytes(const char *p, size_t len, uint64_t seed)
{
	uint64_t h = seed ^ (len * 0x9e3779b97f4a7c15ULL);

	for (; len > 8; p += 8, len -= 8)
		h = hash_fold(h ^ hash_load(p, 8), 0xd6e8feb86659fd93ULL);
	return hash_fold(h ^ hash_load(p, len), 0xa0761d6478bd642fULL);
}
