/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * filter_abi: what filter.bpf.c and enforce/xdp.c say to each other.
 *
 * Compiled twice, for two machines: only fixed-width kernel types, no pointers,
 * no implicit padding; the asserts below are the contract. Numbers are in host
 * order, times on the boot-time clock. A layout that changes gets a new number
 * in the name of its map's pin (XDP_PIN_* in enforce/xdp.c), so that an upgrade
 * never reads old bytes in a new way.
 *
 * The table. One generation of the ruleset is one array of 64-byte lines, so
 * that everything (both families, classes, smarthosts) changes at once when
 * another array takes its place:
 *
 *   lines 0 to 8191          IPv4 root: an entry for each value of the first 16 bits
 *   lines 8192 to 16383      IPv6 root: the same
 *   line 16384               struct filter_head
 *   from 16385               class rows, then nodes, then spare lines for put()
 *
 * One map value holds 65536 lines: what lies in the first of them, the roots, the
 * classes and mostly everything, is reached by adding to a pointer, without a look-up.
 *
 * An entry is 64 bits: kind in bits 0 to 3, a class A in bits 4 to 19, and
 *
 *   LEAF    everything below is A
 *   NEAR    A, but B below a prefix of 1 to 16 bits that starts here
 *   POINTS  A, but B in up to three cells of the next 8 bits (repeated to fill)
 *   BITS    A, but B in the cells that a 256-bit map marks; two maps share a line
 *   SET     A, but B at up to 32 values of the next 16 bits
 *   FULL    256 entries in 32 lines, one for each value of the next 8 bits
 *   NODE    A, but an entry of its own for each cell that a 256-bit map marks
 *   PATH    A, but what the entry in the line says where masked bits agree
 *   SIEVE   A, unless a map of the next 12 to 16 bits marks the place: then the entry below
 *
 * The first five end the walk. A SIEVE ends it for nearly all who are not excepted
 * with one more memory access, to a map so small that it stays in the cache: 128 KB
 * for 65536 random exceptions in a /8, where entries alone would take 512.
 */
#pragma once

#include <linux/types.h>

#define FILTER_V4_ROOT    0
#define FILTER_V6_ROOT    8192
#define FILTER_HEAD       16384
#define FILTER_ROWS       16385 /* two class rows a line; 65536 rows end before the page does */
#define FILTER_PAGE_LINES 65536 /* lines in one map value: what 5.15 takes at most, 4 MB */
#define FILTER_LINES_MAX  (1 << 26)
#define FILTER_MAGIC      0x70727431 /* "prt1" */
#define FILTER_WALK_STEPS 16         /* entries after the root entry that a walk can meet */

enum filter_kind {
	FILTER_LEAF,
	FILTER_NEAR,
	FILTER_POINTS,
	FILTER_BITS,
	FILTER_SET,
	FILTER_FULL,
	FILTER_NODE,
	FILTER_PATH,
	FILTER_SIEVE,
};

/* Fields of an entry: kind, class A, class B, and by kind: */
#define FILTER_KIND(e)     ((__u32)(e)&15)
#define FILTER_A(e)        ((__u32)((e) >> 4) & 0xffff)
#define FILTER_B(e)        ((__u32)((e) >> 20) & 0xffff)
#define FILTER_AB(k, a, b) ((__u64)(k) | (__u64)(a) << 4 | (__u64)(b) << 20)
#define FILTER_REST        36 /* bit from which the rest is: */
/* NEAR: bits 36 to 51 the prefix left-aligned, bits 52 to 55 how many bits to ignore (0 to 15) */
#define FILTER_NEAR_BITS(e)  ((__u32)((e) >> 36) & 0xffff)
#define FILTER_NEAR_SKIP(e)  ((__u32)((e) >> 52) & 15)
#define FILTER_NEAR_SKIP_BIT 52
/* POINTS: three cells in bits 36 to 59 */
#define FILTER_POINT(e, i) ((__u32)((e) >> (36 + 8 * (i))) & 0xff)
/* BITS, SET: bits 36 to 62 number a half line; a SET of over 16 (bit 63) starts at an even one */
#define FILTER_HALF(e)  ((__u32)((e) >> 36) & 0x7ffffff)
#define FILTER_SET_WIDE (1ULL << 63)
/* FULL, NODE, PATH, SIEVE: bits 36 to 62 number the first line */
#define FILTER_FIRST(e) ((__u32)((e) >> 36) & 0x7ffffff)
/* NODE: words 0 to 3 map, word 4 how many cells words 0, 0-1, 0-2 mark (16 bits each), children
 * from word 5 on, over the line's end into the next. */
#define FILTER_NODE_CHILDREN 5
/* SIEVE: word 0 of the first line is the entry below, from the second line on stands a map of
 * the next 16 bits less those that B says. */
#define FILTER_SIEVE_CELL(e, bits) ((bits) >> (FILTER_B(e) & 15))
/* PATH: words 0, 1 bits; 2, 3 mask; 4 the entry below; 5 how many bytes to go on, 1 to 14. */

struct filter_line {
	__u64 word[8];
};

#define FILTER_HEAD_INBOUND    1 /* some class has an inbound mode */
#define FILTER_HEAD_SMARTHOSTS 2 /* there are smarthosts */
#define FILTER_HEAD_STRICT     4 /* some class is strict */

struct filter_page {
	struct filter_line line[FILTER_PAGE_LINES];
};

struct filter_head {
	__u32 magic;
	__u32 flags;
	__u32 spare;
	__u32 class_room;    /* rows, from line FILTER_ROWS on */
	__u32 class_count;   /* rows in use */
	__u32 used;          /* lines in use; what follows is spare */
	__u64 smarthosts[2]; /* entries, from the first bit on: class 1 is a smarthost */
	__u8 hash[24];       /* of the ruleset: the first bytes of its hash */
};

struct filter_class {
	__u64 until_ns; /* restrictions: from here on row `under` holds; 0: no end */
	__s64 until_s;  /* the same on the wall clock, for reading back */
	__u32 counter;  /* index in filter_counters */
	__u16 under;
	__u8 mode;    /* enum mode, model/mode.h */
	__u8 inbound; /* enum mode */
	__u8 strict;
	__u8 pad[7];
};

enum filter_side { FILTER_SUBSCRIBER, FILTER_UPLINK };

/* One per class name and CPU; the index of a name never changes (filter_names). */
struct filter_counter {
	__u64 rejected, dropped, monitored, passed;
	__u64 syn; /* SYN without ACK among them; those that no class was asked for: SYN25 */
};

#define FILTER_NAMES      8192 /* class names that can ever be counted */
#define FILTER_NAME_BYTES 80
struct filter_name {
	char text[FILTER_NAME_BYTES]; /* "": row not in use */
};

/* What is counted beside the classes, per CPU. Names and meanings: enforce/xdp_stat.h. */
enum filter_stat {
	FILTER_STAT_UNPARSED,
	FILTER_STAT_SYN25,
	FILTER_STAT_SYN465,
	FILTER_STAT_SYN587,
	FILTER_STAT_RESETS,
	FILTER_STAT_RESETS_LIMITED,
	FILTER_STAT_RESETS_UNFIT,
	FILTER_STAT_OPENED,
	FILTER_STAT_LINES_NEW,
	FILTER_STAT_LINES_EVICTED,
	FILTER_STAT_LINES_FULL,
	FILTER_STAT_LINES_LOST,
	FILTER_STAT_COUNT,
};

struct filter_stats {
	__u64 n[FILTER_STAT_COUNT];
};

/* What the program saw in one frame; written only when loaded with filter_trace. */
enum filter_seen { FILTER_OTHER, FILTER_UNPARSED, FILTER_TCP, FILTER_HIDDEN };

struct filter_trace {
	__u8 seen;      /* enum filter_seen */
	__u8 family;    /* 4 or 6; 0 unless TCP or HIDDEN */
	__u8 verdict;   /* as enum mode: off is pass */
	__u8 syn_first; /* SYN without ACK */
	__u16 dport;    /* 0 unless known */
	__u8 pad[2];
	__u32 counter; /* of the class that decided */
	__u32 opened;  /* passed only because everything is open */
	__u64 src[2];  /* left-aligned */
};

struct filter_bucket {
	__u64 saved_ns; /* time saved up for resets */
	__u64 last_ns;
};

_Static_assert(sizeof(struct filter_line) == 64, "filter_line");
_Static_assert(sizeof(struct filter_head) == 64, "filter_head must fill its line");
_Static_assert(sizeof(struct filter_class) == 32, "two filter_class fill a line");
_Static_assert(sizeof(struct filter_counter) == 40, "filter_counter");
_Static_assert(sizeof(struct filter_trace) == 32, "filter_trace");
