/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table: a ruleset as the lines that the packet program walks, and back.
 *
 * The layout is bpf/filter_abi.h; the walk itself is bpf/walk_abi.h, compiled here
 * too. Pure: a table is memory, whether malloc()ed while being built or the
 * kernel's own, mapped. Reading never trusts the lines: an entry that points
 * outside is class 0, as in the packet program.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/own.h"
#include "base/why.h"
#include "bpf/filter_abi.h"
#include "model/ruleset.h"

struct table {
	struct filter_line *line;
	uint32_t room; /* lines there are */
	uint32_t used; /* while building; then in the head */
	bool grows;    /* ours to realloc(); else -ENOSPC at the end */
	uint32_t half; /* a half line still free, 0 if none */
};

/* The two clocks, read at one moment, so that ends of restrictions can be carried over. */
struct table_clock {
	struct wall wall;
	struct mono boot;
};

/*
 * Build all lines of a ruleset. `counter[i]` is the counter row of class i.
 * -ENOMEM, or -E2BIG above FILTER_LINES_MAX.
 */
int table_build(const struct ruleset *rs, const uint32_t *counter, struct table_clock now,
		struct table **ret);
void table_free(struct table *t);
OWNABLE(table)

/* A table over lines that belong to somebody else; -EPROTO if there is no sound head. */
int table_over(struct filter_line *line, uint32_t room, struct table *ret);

static inline struct filter_head *table_head(const struct table *t)
{
	return (struct filter_head *)&t->line[FILTER_HEAD];
}

/* The class row an address leads to, by the packet program's own walk. */
uint32_t table_class(const struct table *t, struct addr a);
bool table_is_smarthost(const struct table *t, struct addr a);
/* The row, NULL out of range. */
const struct filter_class *table_row(const struct table *t, uint32_t class);

/* Every range, ascending, neighbours joined: decoded from the entries, not by walking. */
typedef int (*table_range_fn)(void *arg, struct addr first, addr_bits last, uint32_t class);
int table_ranges(const struct table *t, enum family f, table_range_fn fn, void *arg);
int table_smarthosts(const struct table *t, enum family f, table_range_fn fn, void *arg);

/*
 * The row that says this, made from a spare row if there is none; its number in
 * *ret. `under` is a row number. -ENOSPC without a spare row.
 */
int table_intern(struct table *t, struct filter_class want, uint32_t *ret);
struct filter_class table_row_of(const struct class *c, uint32_t counter, uint16_t under,
				 struct table_clock now);
/*
 * Give a prefix a class, in place, while packets are being judged by these very
 * lines: new lines are written to spare room, then one 8-byte store shows them.
 * A line once in use is never used again. -ENOSPC without change when the spare
 * room is not enough.
 */
int table_put(struct table *t, struct prefix prefix, uint32_t class);
