/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * walk_abi: from an address to its class, through the lines of filter_abi.h.
 *
 * The same code runs in the packet program and in user space (enforce/table.c),
 * which is how it is unit-tested. The includer defines
 *
 *     WALK_TABLE                → the type of a table
 *     WALK_LINE(table, index)   → struct filter_line *, NULL out of range
 *     walk_inline               → how functions are declared
 *
 * A missing line means class 0: an address that is in no rule passes.
 */
#pragma once

#include "filter_abi.h"

/* The rest of an address, left-aligned: the next bits to look at are the top bits of hi. */
struct walk_key {
	__u64 hi, lo;
};

/*
 * A word by number. The kernels before 6.6 lose track of a number that was put together
 * by "or", and the compiler would leave out a mask that it knows to change nothing.
 */
walk_inline __u64 walk_word(const struct filter_line *l, __u32 number)
{
	asm volatile("" : "+r"(number));
	return l->word[number & 7];
}

/* BPF has no population count: the classic sum of neighbours. */
walk_inline __u32 walk_ones(__u64 w)
{
	w -= w >> 1 & 0x5555555555555555ULL;
	w = (w & 0x3333333333333333ULL) + (w >> 2 & 0x3333333333333333ULL);
	w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (__u32)((w * 0x0101010101010101ULL) >> 56);
}

walk_inline void walk_advance(struct walk_key *k)
{
	k->hi = k->hi << 8 | k->lo >> 56;
	k->lo <<= 8;
}

/* Is one of the four 16-bit lanes of `word` equal to that of `lanes`? Non-zero if so. */
walk_inline __u64 walk_lane(__u64 word, __u64 lanes)
{
	__u64 d = word ^ lanes;

	return (d - 0x0001000100010001ULL) & ~d & 0x8000800080008000ULL;
}

/* 1 if any bit is set: by arithmetic, as each branch here doubles what the verifier must check. */
walk_inline __u32 walk_any(__u64 bits)
{
	return (__u32)((bits | -bits) >> 63);
}

/* Four words from `from` on: is any lane equal? */
walk_inline __u64 walk_lanes(const struct filter_line *l, __u32 from, __u64 lanes)
{
	return walk_lane(walk_word(l, from), lanes) | walk_lane(walk_word(l, from + 1), lanes) |
	       walk_lane(walk_word(l, from + 2), lanes) | walk_lane(walk_word(l, from + 3), lanes);
}

walk_inline __u32 walk_in_set(const struct filter_line *l, __u64 e, __u32 bits)
{
	const __u64 lanes = bits * 0x0001000100010001ULL;
	const __u32 from = (FILTER_HALF(e) & 1) * 4;
	__u64 found = walk_lanes(l, from, lanes);

	if (e & FILTER_SET_WIDE)
		found |= walk_lanes(l, 4, lanes);
	return walk_any(found);
}

/* The entry of a NODE's marked cell; 1 if the cell is marked. */
walk_inline int walk_node(WALK_TABLE *table, __u64 e, __u32 cell, __u64 *ret)
{
	const struct filter_line *l = WALK_LINE(table, FILTER_FIRST(e));
	__u32 at, word = cell >> 6;
	__u64 map;

	if (!l)
		return 0;
	map = walk_word(l, word);
	if (!(map >> (cell & 63) & 1))
		return 0;
	at = FILTER_NODE_CHILDREN + walk_ones(map & ((1ULL << (cell & 63)) - 1));
	if (word)
		at += (__u32)(l->word[4] >> (16 * (word - 1))) & 0xffff;
	l = WALK_LINE(table, FILTER_FIRST(e) + (at >> 3));
	if (!l)
		return 0;
	*ret = walk_word(l, at & 7);
	return 1;
}

walk_inline int walk_path(WALK_TABLE *table, __u64 e, struct walk_key *k, __u64 *ret)
{
	const struct filter_line *l = WALK_LINE(table, FILTER_FIRST(e));
	__u32 bits;

	if (!l || ((k->hi ^ l->word[0]) & l->word[2]) || ((k->lo ^ l->word[1]) & l->word[3]))
		return 0;
	*ret = l->word[4];
	bits = (__u32)l->word[5] * 8;
	if (bits >= 64) {
		k->hi = k->lo;
		k->lo = 0;
		bits -= 64;
	}
	if (bits) {
		k->hi = k->hi << (bits & 63) | k->lo >> ((64 - bits) & 63);
		k->lo <<= bits & 63;
	}
	return 1;
}

/* Is `cell` one of the three bytes of a POINTS? */
walk_inline __u32 walk_in_points(__u64 e, __u32 cell)
{
	const __u64 d = (e >> FILTER_REST & 0xffffff) ^ (cell * 0x010101ULL);

	return walk_any((d - 0x010101) & ~d & 0x808080);
}

/* One step: 1 and *e, *k moved down, or 0 and *class known. */
walk_inline int walk_step(WALK_TABLE *table, __u64 *e, struct walk_key *k, __u32 *class)
{
	const __u64 entry = *e;
	const __u32 kind = FILTER_KIND(entry), cell = (__u32)(k->hi >> 56);
	const __u32 next16 = (__u32)(k->hi >> 48);
	const struct filter_line *l;
	__u32 other = 0;

	if (kind == FILTER_FULL) {
		l = WALK_LINE(table, FILTER_FIRST(entry) + (cell >> 3));
		*e = l ? walk_word(l, cell & 7) : 0;
		walk_advance(k);
		return 1;
	}
	if (kind == FILTER_SIEVE) {
		const __u32 at = FILTER_SIEVE_CELL(entry, next16);

		l = WALK_LINE(table, FILTER_FIRST(entry) + 1 + (at >> 9));
		if (l && (walk_word(l, at >> 6) >> (at & 63) & 1)) {
			l = WALK_LINE(table, FILTER_FIRST(entry));
			*e = l ? l->word[0] : 0;
			return 1;
		}
	} else if (kind == FILTER_POINTS) {
		other = walk_in_points(entry, cell);
	} else if (kind == FILTER_BITS) {
		l = WALK_LINE(table, FILTER_HALF(entry) >> 1);
		if (l)
			other = walk_word(l, (FILTER_HALF(entry) & 1) * 4 + (cell >> 6)) >>
				    (cell & 63) &
				1;
	} else if (kind == FILTER_NEAR) {
		other = (((next16 ^ FILTER_NEAR_BITS(entry)) >> FILTER_NEAR_SKIP(entry)) - 1) >> 31;
	} else if (kind == FILTER_SET) {
		l = WALK_LINE(table, FILTER_HALF(entry) >> 1);
		if (l)
			other = walk_in_set(l, entry, next16);
	} else if (kind == FILTER_NODE) {
		if (walk_node(table, entry, cell, e)) {
			walk_advance(k);
			return 1;
		}
	} else if (kind == FILTER_PATH) {
		if (walk_path(table, entry, k, e))
			return 1;
	}
	*class = (__u32)(entry >> (4 + 16 * other)) & 0xffff; /* A or B */
	return 0;
}
