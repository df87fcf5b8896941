/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp_priv: what the files xdp*.c share. Not for others.
 */
#pragma once

#include "enforce/table.h"
#include "enforce/xdp.h"

struct filter_bpf; /* the skeleton */

/* Programs are loaded when first needed: XDP or tc, and those of tc rarely are. */
enum xdp_object { OBJECT_XDP, OBJECT_TC, OBJECT_COUNT_ };

/* Maps that every generation of programs shares, and their pins. */
enum xdp_map {
	MAP_OPEN,
	MAP_STATS,
	MAP_COUNTERS,
	MAP_NAMES,
	MAP_TRACE,
	MAP_HEADS,
	MAP_BODIES,
	MAP_CLOSED,
	MAP_COUNT_
};

/* Class names and their counter rows: what filter_names holds, with an index over it. */
struct names {
	struct filter_name name[FILTER_NAMES];
	uint32_t n;
	uint16_t bucket[4 * FILTER_NAMES]; /* row + 1, 0 free */
};

#define XDP_UNPINNED_MAX 16

struct xdp_filter {
	struct filter filter; /* first: this is the filter */
	struct xdp_options o;
	char *dir; /* NULL: unpinned */
	struct filter_bpf *object[OBJECT_COUNT_];
	uint32_t capacity; /* lines of a table */
	struct names *names;
	/* The table in force, mapped: found by its id each time. */
	uint32_t mapped_id;
	struct filter_line *mapped;
	uint32_t mapped_lines;
	int link[XDP_UNPINNED_MAX]; /* of an unpinned filter */
	int links_n;
	/* Nothing is filtered yet by this version's programs: links wait for the first load. */
	bool links_wait;
};

static inline struct xdp_filter *xdp_of(struct filter *f)
{
	return (struct xdp_filter *)f;
}

/* xdp_object.c */
int xdp_object_need(struct xdp_filter *x, enum xdp_object which, struct why *why);
void xdp_object_drop(struct xdp_filter *x);
int xdp_program_fd(struct xdp_filter *x, enum xdp_how how, enum filter_side side, bool l2,
		   struct why *why);
/* Programs anew over tables of another capacity; *old is what they replace. */
int xdp_object_grow(struct xdp_filter *x, uint32_t capacity, struct why *why);
/* After the links run over the present tables: forget those of other capacities. */
int xdp_object_tidy(struct xdp_filter *x);
/* An empty array of table lines: its descriptor. */
int xdp_lines_make(uint32_t capacity);
int xdp_map_fd(struct xdp_filter *x, enum xdp_map which);
int xdp_tables_fd(struct xdp_filter *x);
/* Sets of accounts of lines (bpf/lines_abi.h): a power of two. */
uint32_t xdp_account_sets(const struct xdp_filter *x);

/* xdp_pin.c: a path under the directory; interface names may hold dots, pins may not. */
#define PIN_BYTES 512
int pin_path(char ret[static PIN_BYTES], const char *dir, const char *kind, const char *name);
int pin_dir_make(const char *dir, struct why *why);
/* Calls fn(arg, name) for each pin that starts with `kind`; names are decoded. */
int pin_each(const char *dir, const char *kind, int (*fn)(void *arg, const char *name), void *arg);
int pin_replace(int fd, const char *path);

/* xdp_names.c */
int names_read(int map_fd, struct names **ret, struct why *why);
/* The counter row of a name, made if new. -ENOSPC when all rows are taken. */
int names_row(struct names *n, int map_fd, const char *name, uint32_t *ret, struct why *why);

/* xdp_attach.c: the present programs in the place of whatever the pinned links run. */
int xdp_links_update(struct xdp_filter *x, struct why *why);

/* xdp_offload.c: what of the interface's offloads would hide packets; switched off if `fix`. */
int offload_check(const char *ifname, bool fix, struct why *why);
