/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * addr_set: exact distinct addresses, both families in one set.
 *
 * For counting; not ordered, nothing is removed. At worst half full: 8 bytes
 * an IPv4 address, 32 an IPv6 address. Not for per-line sketches: those have a
 * fixed size elsewhere.
 */
#pragma once

#include <stddef.h>

#include "model/addr.h"

struct addr_set {
	uint32_t *v4; /* slots, open addressing; 0: free, so 0.0.0.0 and :: are kept apart */
	addr_bits *v6;
	size_t v4_room, v6_room; /* powers of two, or 0 */
	size_t v4_count, v6_count;
	bool v4_zero, v6_zero;
};

/* 1 if it was not in the set, 0 if it was, -ENOMEM (then the set is as before). */
int addr_set_add(struct addr_set *s, struct addr a);
/* Ask for the memory that adding `a` will look at, some dozens of instructions ahead. */
void addr_set_prefetch(const struct addr_set *s, struct addr a);
size_t addr_set_count(const struct addr_set *s);
void addr_set_done(struct addr_set *s);
