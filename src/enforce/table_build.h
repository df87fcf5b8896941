/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_build: making entries, for table.c (a whole table) and table_edit.c
 * (a part of one in use). Not for others.
 */
#pragma once

#include "enforce/table.h"

#define TABLE_CELLS 256
/* Addresses of both families as 128 bits, left-aligned, so that one builder serves both. */
#define TABLE_V4_SHIFT 96

/* What to build from: ascending starts, each with a class, the first at the start of all. */
struct source {
	const struct interval4 *v4;
	const struct interval6 *v6; /* left-aligned, where v4 is NULL */
};

/* A part of it: intervals i up to j, clipped to the `depth`-bit prefix at `start`. */
struct part {
	addr_bits start;
	unsigned depth;
	size_t i, j;
};

struct cells {
	__u64 entry[TABLE_CELLS];
};

/* The bits behind the first n. */
static inline addr_bits bits_below(unsigned n)
{
	return n >= 128 ? 0 : ~(addr_bits)0 >> n;
}

static inline __u64 leaf_of(uint32_t class)
{
	return FILTER_AB(FILTER_LEAF, class, 0);
}

/* The line, NULL out of range. */
const struct filter_line *table_line(const struct table *t, uint32_t index);
/* The entry for a part; lines it needs are taken from the table. */
int table_build_part(struct table *t, const struct source *s, struct part p, __u64 *ret);
/* The entry for 256 cells, in the smallest form that holds them. */
int table_build_cells(struct table *t, const struct cells *c, __u64 *ret);
/* A PATH: `len` bits of `start`, seen from `depth`; `onward` bytes down stands `child`. */
int table_build_path(struct table *t, uint32_t around, addr_bits start, unsigned depth,
		     unsigned len, unsigned onward, __u64 child, __u64 *ret);
