/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry: one prefix and who speaks of it, as the compiler sorts them. Internal
 * to decide/compile.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"

enum layer { LAYER_SEGMENT, LAYER_EXCEPTION, LAYER_RESTRICTION };

struct entry {
	addr_bits first;
	uint32_t index; /* of the segment; of the restriction's force; 0 for exceptions */
	uint8_t len, layer;
};

/* IPv4 fills the room from the front, IPv6 from the back. */
struct entries {
	struct entry *room;
	size_t room_count;
	size_t count[FAMILY_COUNT_];
};

/* 0 or -ENOMEM; `room` entries can be added. Ended with entries_done(). */
int entries_init(struct entries *e, size_t room);
void entries_done(struct entries *e);

void entries_add(struct entries *e, struct prefix p, enum layer layer, size_t index);

/* The first of e->count[f]. */
static inline struct entry *entries_of(const struct entries *e, enum family f)
{
	return f == FAMILY_V4 ? e->room : e->room + e->room_count - e->count[FAMILY_V6];
}

/*
 * Each family into the order of prefix_compare(), those of equal prefix in any.
 * A radix sort: several times as fast as qsort() at a million. 0 or -ENOMEM.
 */
int entries_sort(struct entries *e);
