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
	uint8_t family, len, layer;
};

/*
 * Into the order of prefix_compare(). A radix sort: a million prefixes in the
 * time qsort() takes for a tenth of them, in room for as many again. 0 or -ENOMEM.
 */
int entries_sort(struct entry *entries, size_t count);
