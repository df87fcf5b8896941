/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keyset: a set of 64-bit keys. Open addressing, grows by doubling at 3/4.
 *
 * Keys must already be well mixed (hashes). Zero is a key like any other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keyset {
	uint64_t *slot; /* 0: free */
	size_t room;    /* a power of two, or 0 */
	size_t count;
	bool has_zero;
};

void keyset_done(struct keyset *s);
/* 1 when added, 0 when it was there, -ENOMEM. */
int keyset_add(struct keyset *s, uint64_t key);
bool keyset_has(const struct keyset *s, uint64_t key);
int keyset_merge(struct keyset *into, const struct keyset *from);
static inline size_t keyset_size(const struct keyset *s)
{
	return s->count + s->has_zero;
}
