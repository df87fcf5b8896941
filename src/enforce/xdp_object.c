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
	case MAP_COUNT_:
		break;
	}
	return NULL;
}

static const char *const pins[MAP_COUNT_] = {
	[MAP_OPEN] = "open-2",   [MAP_STATS] = "stats-1", [MAP_COUNTERS] = "counters-2",
	[MAP_NAMES] = "names-1", [MAP_TRACE] = NULL, /* of this process only */
};

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

struct other_tables {
	const struct xdp_filter *x;
	const char *dir;
};

/* Tables of another capacity than the present one are of the past. */
static int drop_tables(void *arg, const char *name)
{
	const struct other_tables *o = arg;
	char path[PIN_BYTES];

	if (strtoul(name, NULL, 10) == o->x->capacity)
		return 0;
	int r = pin_path(path, o->dir, TABLES_PIN, name);
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

int xdp_object_tidy(struct xdp_filter *x)
{
	struct other_tables o = { x, x->dir };

	return x->dir ? pin_each(x->dir, TABLES_PIN, drop_tables, &o) : 0;
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
