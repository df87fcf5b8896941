/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp_table: the operations of the xdp filter that concern its table.
 * For the files xdp*.c; the contracts are in enforce/filter.h.
 */
#pragma once

#include "enforce/xdp_priv.h"

int xdp_load(struct filter *f, const struct ruleset *rs, struct why *why);
int xdp_put(struct filter *f, const struct ruleset *rs, struct prefix prefix,
	    const struct class *class, struct why *why);
int xdp_compare(struct filter *f, const struct ruleset *rs, struct wall now,
		struct filter_drift *ret, struct why *why);

/* The table in force, as memory; -ENOENT when none is. */
int xdp_table_map(struct xdp_filter *x, struct table *ret, struct why *why);
void xdp_table_unmap(struct xdp_filter *x);
bool xdp_table_loaded(struct xdp_filter *x);

/* --- xdp_lines.c: the pin of the table in force --- */
/* The map with this number; needs CAP_SYS_ADMIN only where it is not pinned. */
int xdp_lines_open(const struct xdp_filter *x, uint32_t id);
/* Before a table is put in force, and after. 0 or a negative errno. */
int xdp_lines_pin(const struct xdp_filter *x, int fd);
int xdp_lines_pinned(const struct xdp_filter *x);
