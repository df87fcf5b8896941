/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * addr_set: exact distinct addresses, both families in one set.
 *
 * For counting; not ordered, nothing is removed. 32 bytes an address at worst
 * half full. Not for per-line sketches: those have a fixed size elsewhere.
 */
#pragma once

#include <stddef.h>

#include "model/addr.h"

struct addr_set {
	struct addr *slots; /* family FAMILY_COUNT_: free */
	size_t room;        /* power of two, or 0 */
	size_t count;
};

/* 1 if it was not in the set, 0 if it was, -ENOMEM (then the set is as before). */
int addr_set_add(struct addr_set *s, struct addr a);
void addr_set_done(struct addr_set *s);
