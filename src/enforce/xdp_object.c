/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading the packet programs over the maps that are pinned, or new ones.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/lines_abi.h"
#include "enforce/xdp_priv.h"
/* Generated code is not held to our warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "filter.skel.h"
#pragma GCC diagnostic pop

#define TABLES_PIN "tables-2-" /* and the capacity */

/* What libbpf complained of; it prints nothing by itself here, unless PORTEIRO_BPF_LOG is set. */
static char complaint[160];

static void keep_line(const char *line, size_t len)
{
	if (len >= sizeof(complaint))
		len = sizeof(complaint) - 1;
	memcpy(complaint, line, len);
	complaint[len] = '\0';
}

/* The verifier's log ends with totals; the line before says what it refused. */
static void keep_verdict(char *log)
{
	char *end = strstr(log, "\nprocessed ");

	if (!end)
		return;
	*end = '\0';
	char *line = strrchr(log, '\n');
	if (line)
		keep_line(line + 1, strlen(line + 1));
}

static int complain(enum libbpf_print_level level, const char *format, va_list args)
{
	own_mem char *text = NULL;

	if (level != LIBBPF_WARN || vasprintf(&text, format, args) < 0)
		return 0;
	if (getenv("PORTEIRO_BPF_LOG"))
		fputs(text, stderr);
	if (strstr(text, "BEGIN PROG LOAD LOG"))
		keep_verdict(text);
	else if (!complaint[0])
		keep_line(text, strcspn(text, "\n"));
	return 0;
}

static struct bpf_map *map_of(struct filter_bpf *o, enum xdp_map which)
{
	switch (which) {
	case MAP_OPEN:
		return o->maps.data_open;
	case MAP_STATS:
		return o->maps.filter_stats;
	case MAP_COUNTERS:
		return o->maps.filter_counters;
	case MAP_NAMES:
		return o->maps.filter_names;
	case MAP_TRACE:
		return o->maps.filter_trace;
	case MAP_HEADS:
		return o->maps.filter_heads;
	case MAP_BODIES:
		return o->maps.filter_bodies;
	case MAP_CLOSED:
		return o->maps.filter_closed;
	case MAP_COUNT_:
		break;
	}
	return NULL;
}

static const char *const pins[MAP_COUNT_] = {
	[MAP_OPEN] = "open-2",   [MAP_STATS] = "stats-1", [MAP_COUNTERS] = "counters-2",
	[MAP_NAMES] = "names-1", [MAP_TRACE] = NULL, /* of this process only */
};

/* Accounts of another number stand under another name: see xdp_object_tidy(). */
#define HEADS_PIN  "heads-2-"
#define BODIES_PIN "bodies-1-"
#define CLOSED_PIN "closed-1-"

uint32_t xdp_account_sets(const struct xdp_filter *x)
{
	uint32_t sets = LINES_SETS_MIN;

	while (!x->o.lines_off && sets < x->o.lines / LINES_WAYS && sets < 1u << 24)
		sets *= 2;
	return sets;
}

static int set_account_maps(struct xdp_filter *x, struct filter_bpf *o)
{
	static const struct {
		enum xdp_map map;
		const char *pin;
	} rows[] = { { MAP_HEADS, HEADS_PIN },
		     { MAP_BODIES, BODIES_PIN },
		     { MAP_CLOSED, CLOSED_PIN } };
	char path[PIN_BYTES], number[16];
	int r = 0;

	snprintf(number, sizeof(number), "%u", xdp_account_sets(x));
	for (size_t i = 0; r == 0 && i < sizeof(rows) / sizeof(*rows); i++) {
		struct bpf_map *m = map_of(o, rows[i].map);

		if (rows[i].map != MAP_CLOSED)
			r = bpf_map__set_max_entries(m, xdp_account_sets(x));
		if (r == 0 && x->dir)
			r = pin_path(path, x->dir, rows[i].pin, number)
				?: bpf_map__set_pin_path(m, path);
	}
	return r;
}

static bool is_xdp(const struct bpf_program *p)
{
	return bpf_program__type(p) == BPF_PROG_TYPE_XDP;
}

static void set_up(struct xdp_filter *x, struct filter_bpf *o, enum xdp_object which, bool frags)
{
	struct bpf_program *p;

	o->rodata->filter_reset_cost_ns = x->o.resets_per_s ? 1000000000 / x->o.resets_per_s : 0;
	o->rodata->filter_tracing = x->o.tracing;
	o->rodata->filter_frags = frags;
	o->rodata->filter_lines_on = !x->o.lines_off;
	/* In the packet program's units of 2^30 ns. */
	o->rodata->filter_idle = (uint32_t)((uint64_t)x->o.lines_idle_s * 1000000000u >> 30);
	o->rodata->filter_sets_mask = xdp_account_sets(x) - 1;
	bpf_object__for_each_program(p, o->obj)
	{
		bpf_program__set_autoload(p, is_xdp(p) == (which == OBJECT_XDP));
		if (frags && is_xdp(p))
			bpf_program__set_flags(p, bpf_program__flags(p) | BPF_F_XDP_HAS_FRAGS);
	}
}

/* Maps: those of the object loaded before, or pinned, or to be pinned. */
static int set_maps(struct xdp_filter *x, struct filter_bpf *o, const struct filter_bpf *before,
		    bool tables)
{
	char path[PIN_BYTES], capacity[16];
	int r = 0;

	for (int i = 0; r == 0 && i < MAP_COUNT_; i++) {
		struct bpf_map *m = map_of(o, (enum xdp_map)i);

		if (before)
			r = bpf_map__reuse_fd(
			    m, bpf_map__fd(map_of((struct filter_bpf *)before, (enum xdp_map)i)));
		else if (x->dir && pins[i])
			r = pin_path(path, x->dir, "", pins[i]) ?: bpf_map__set_pin_path(m, path);
	}
	if (r == 0 && !before)
		r = set_account_maps(x, o);
	if (r < 0)
		return r;
	if (before && tables)
		return bpf_map__reuse_fd(o->maps.filter_tables,
					 bpf_map__fd(before->maps.filter_tables));
	if (!x->dir)
		return 0;
	snprintf(capacity, sizeof(capacity), "%u", x->capacity);
	return pin_path(path, x->dir, TABLES_PIN, capacity)
		   ?: bpf_map__set_pin_path(o->maps.filter_tables, path);
}

int xdp_lines_make(uint32_t capacity)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "filter_lines", sizeof(uint32_t),
				sizeof(struct filter_page), capacity / FILTER_PAGE_LINES, &opts);

	return fd < 0 ? -errno : fd;
}

static int try_load(struct xdp_filter *x, enum xdp_object which, const struct filter_bpf *before,
		    bool tables, bool frags, struct filter_bpf **ret)
{
	/* libbpf 1.1 can not change the capacity of a declared inner map: this is the pattern. */
	own_fd int pattern = xdp_lines_make(x->capacity);
	struct filter_bpf *o = pattern < 0 ? NULL : filter_bpf__open();
	int r;

	complaint[0] = '\0';
	if (!o)
		return pattern < 0 ? pattern : -errno;
	set_up(x, o, which, frags);
	r = bpf_map__set_inner_map_fd(o->maps.filter_tables, pattern);
	if (r == 0)
		r = set_maps(x, o, before, tables);
	if (r == 0)
		r = filter_bpf__load(o);
	if (r < 0) {
		filter_bpf__destroy(o);
		return r;
	}
	*ret = o;
	return 0;
}

/* Frames in several buffers (jumbo) need a kernel from 5.18; older ones get none. */
static int load(struct xdp_filter *x, enum xdp_object which, const struct filter_bpf *before,
		bool tables, struct filter_bpf **ret, struct why *why)
{
	int r = -EINVAL;

	libbpf_set_print(complain);
	if (which == OBJECT_XDP)
		r = try_load(x, which, before, tables, true, ret);
	if (r < 0)
		r = try_load(x, which, before, tables, false, ret);
	if (r < 0)
		return why_set(why, r, "the kernel does not take the packet program: %s (%s)",
			       strerror(-r), complaint);
	return 0;
}

static struct filter_bpf *any_object(const struct xdp_filter *x)
{
	return x->object[OBJECT_XDP] ? x->object[OBJECT_XDP] : x->object[OBJECT_TC];
}

static int larger(void *arg, const char *name)
{
	uint32_t *best = arg, n = (uint32_t)strtoul(name, NULL, 10);

	if (n > *best && n <= FILTER_LINES_MAX)
		*best = n;
	return 0;
}

int xdp_object_need(struct xdp_filter *x, enum xdp_object which, struct why *why)
{
	if (x->object[which])
		return 0;
	if (!any_object(x) && x->dir)
		pin_each(x->dir, TABLES_PIN, larger, &x->capacity);
	return load(x, which, any_object(x), true, &x->object[which], why);
}

/* Pins of a kind that are named by a number, and the one that holds. */
struct number {
	const char *dir, *kind;
	uint32_t present;
};

/* Tables of another capacity than the present one are of the past. */
static int drop_number(void *arg, const char *name)
{
	const struct number *n = arg;
	char path[PIN_BYTES];

	if (strtoul(name, NULL, 10) == n->present)
		return 0;
	int r = pin_path(path, n->dir, n->kind, name);
	if (r == 0 && unlink(path) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

int xdp_object_grow(struct xdp_filter *x, uint32_t capacity, struct why *why)
{
	struct filter_bpf *now[OBJECT_COUNT_] = { NULL };
	const uint32_t before = x->capacity;
	int r = 0;

	x->capacity = capacity;
	for (int i = 0; r == 0 && i < OBJECT_COUNT_; i++) {
		bool first = !now[OBJECT_XDP];

		if (x->object[i])
			r = load(x, (enum xdp_object)i, first ? any_object(x) : now[OBJECT_XDP],
				 !first, &now[i], why);
	}
	for (int i = 0; i < OBJECT_COUNT_; i++) {
		filter_bpf__destroy(r < 0 ? now[i] : x->object[i]);
		if (r == 0)
			x->object[i] = now[i];
	}
	if (r < 0)
		x->capacity = before;
	return r;
}

/* So are accounts of another number than asked for now. */
static int drop_accounts(struct xdp_filter *x, const char *kind)
{
	struct number sets = { x->dir, kind, xdp_account_sets(x) };

	return pin_each(x->dir, kind, drop_number, &sets);
}

int xdp_object_tidy(struct xdp_filter *x)
{
	struct number lines = { x->dir, TABLES_PIN, x->capacity };
	int r = x->dir ? pin_each(x->dir, TABLES_PIN, drop_number, &lines) : 0;

	if (r == 0 && x->dir)
		r = drop_accounts(x, HEADS_PIN) ?: drop_accounts(x, BODIES_PIN)
						?: drop_accounts(x, CLOSED_PIN);
	return r;
}

void xdp_object_drop(struct xdp_filter *x)
{
	for (int i = 0; i < OBJECT_COUNT_; i++)
		filter_bpf__destroy(x->object[i]);
}

int xdp_program_fd(struct xdp_filter *x, enum xdp_how how, enum filter_side side, bool l2,
		   struct why *why)
{
	const bool up = side == FILTER_UPLINK;
	int r = xdp_object_need(x, how == XDP_TC ? OBJECT_TC : OBJECT_XDP, why);

	if (r < 0)
		return r;
	if (how != XDP_TC)
		return bpf_program__fd(up ? x->object[OBJECT_XDP]->progs.xdp_uplink
					  : x->object[OBJECT_XDP]->progs.xdp_subscriber);
	struct filter_bpf *o = x->object[OBJECT_TC];
	if (l2)
		return bpf_program__fd(up ? o->progs.tc_uplink : o->progs.tc_subscriber);
	return bpf_program__fd(up ? o->progs.tc_ip_uplink : o->progs.tc_ip_subscriber);
}

int xdp_map_fd(struct xdp_filter *x, enum xdp_map which)
{
	return bpf_map__fd(map_of(any_object(x), which));
}

int xdp_tables_fd(struct xdp_filter *x)
{
	return bpf_map__fd(any_object(x)->maps.filter_tables);
}
