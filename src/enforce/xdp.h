/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp: the filter in the kernel's receive path (bpf/filter.bpf.c), as a
 * `struct filter` (enforce/filter.h) that is also told which interfaces it
 * stands at.
 *
 *     own(filter) struct filter *f = NULL;
 *     struct xdp_options o = XDP_OPTIONS;
 *     r = xdp_filter_open(&o, &f, &why);
 *     r = f->ops->load(f, ruleset, &why);
 *     r = xdp_attach(f, &(struct xdp_at){ .ifname = "eth1" }, NULL, &why);
 *
 * Everything that must outlive the process is pinned under one directory:
 * table, counters, switch, links. Opening finds what is there and puts this
 * program's version of the packet program in the place of the old one, by
 * bpf_link update, with table and counters kept; nothing passes unfiltered
 * meanwhile. Freeing the filter only lets go of descriptors.
 *
 * Needs CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON (or root), and a bpffs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "bpf/filter_abi.h"
#include "enforce/filter.h"

#define XDP_PIN_DIR "/sys/fs/bpf/porteiro"

struct xdp_options {
	const char *pin_dir;   /* NULL: nothing is pinned, all ends with the process */
	uint32_t resets_per_s; /* resets sent per second and CPU; 0: no limit */
	uint32_t spare_lines;  /* room for exceptions written in place, 64 bytes each */
	bool lines_off;        /* no per-line accounting */
	uint32_t lines;        /* lines accounted for at once, rounded up to a power of two */
	uint32_t lines_idle_s; /* after this silence a line makes room for another; 0: at once */
	bool tracing;          /* for tests and replay: keep what was seen in the last frame */
};

#define XDP_OPTIONS                                                                 \
	{                                                                           \
		.pin_dir = XDP_PIN_DIR, .resets_per_s = 20000, .spare_lines = 8192, \
		.lines = 65536, .lines_idle_s = 64,                                 \
	}

/*
 * Open, and take over what is pinned. The caller frees *ret with filter_free().
 * Fails with `why` when the kernel will not load the programs.
 */
int xdp_filter_open(const struct xdp_options *o, struct filter **ret, struct why *why);

enum xdp_how { XDP_ANY, XDP_NATIVE, XDP_GENERIC, XDP_TC, XDP_HOW_COUNT_ };
const char *xdp_how_name(enum xdp_how how); /* "any", "native", "generic", "tc" */

struct xdp_at {
	const char *ifname;
	enum filter_side side;
	enum xdp_how how; /* XDP_ANY: the best that the interface can do */
	bool fix;         /* switch off offloads that hide packets from XDP, instead of refusing */
};

/*
 * Filter what comes in at an interface. Attaching again where the filter stands is
 * no error: it is put there as asked. *ret_how says how it was done (may be NULL).
 * -ENODEV without such an interface; -EBUSY when another XDP program is there;
 * -EPERM when VLAN or LRO offload is on and `fix` is not: `why` names it.
 */
int xdp_attach(struct filter *f, const struct xdp_at *at, enum xdp_how *ret_how, struct why *why);
/* Take it away again; no error where there is nothing, nor where the interface has gone. */
int xdp_detach(struct filter *f, const char *ifname, struct why *why);

/* Take an unpinned filter from all its interfaces. */
void xdp_let_go(struct filter *f);

/* One call per interface where the filter is pinned; `alive` is false when it has vanished. */
struct xdp_where {
	const char *ifname;
	enum filter_side side;
	enum xdp_how how;
	bool alive;
};
typedef int (*xdp_where_fn)(void *arg, const struct xdp_where *where);
int xdp_where(struct filter *f, xdp_where_fn fn, void *arg, struct why *why);

/*
 * The switch, without a filter or a daemon: open everything, or take that back. Works on
 * what is pinned under `pin_dir` (NULL: XDP_PIN_DIR). -ENOENT when nothing is. Where the switch is
 * missing but the filter is not, opening takes the filter from every interface.
 */
int xdp_set_open(const char *pin_dir, bool open, struct why *why);
int xdp_is_open(const char *pin_dir, bool *ret, struct why *why);

/* Take everything away: links, tables, counters. For uninstalling and for tests. */
int xdp_remove(const char *pin_dir, struct why *why);

/* What is counted beside the classes, summed over CPUs; names and meanings in xdp_stats.c. */
struct xdp_stat {
	const char *name, *help;
	uint64_t n;
};
/* Fills FILTER_STAT_COUNT rows. */
int xdp_stats(struct filter *f, struct xdp_stat *ret, struct why *why);
