/* SPDX-License-Identifier: BSD-2-Clause */
#include "enforce/xdp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "enforce/xdp_table.h"

#define OPEN_PIN "open-2" /* as in xdp_object.c */

static int switch_set(int fd, bool open, struct why *why)
{
	uint32_t zero = 0, value = open;

	if (bpf_map_update_elem(fd, &zero, &value, BPF_ANY) < 0)
		return why_set(why, -errno, "cannot turn the switch: %s", strerror(errno));
	return 0;
}

static int switch_get(int fd, bool *ret, struct why *why)
{
	uint32_t zero = 0, value;

	if (bpf_map_lookup_elem(fd, &zero, &value) < 0)
		return why_set(why, -errno, "cannot read the switch: %s", strerror(errno));
	*ret = value != 0;
	return 0;
}

static int switch_pinned(const char *pin_dir, struct why *why)
{
	const char *dir = pin_dir ? pin_dir : XDP_PIN_DIR;
	char path[PIN_BYTES];
	int r = pin_path(path, dir, "", OPEN_PIN), fd;

	if (r < 0)
		return why_set(why, r, "%s is too long", dir);
	fd = bpf_obj_get(path);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return why_set(why, -ENOENT, "no packet filter is loaded (nothing in %s)", dir);
	return why_set(why, -errno, "cannot reach the packet filter in %s: %s", dir,
		       strerror(errno));
}

struct undoing {
	struct xdp_filter x;
	int interfaces;
};

static int undo_where(void *arg, const struct xdp_where *w)
{
	struct undoing *u = arg;
	int r = xdp_detach(&u->x.filter, w->ifname, NULL);

	u->interfaces += r == 0;
	return r;
}

/* The switch is gone but not the filter: whoever asks to open wants it open, so take it away. */
static int undo_all(const char *pin_dir, struct why *why)
{
	own_mem char *dir = strdup(pin_dir ? pin_dir : XDP_PIN_DIR);
	struct undoing u = { .x.dir = dir };

	if (!dir)
		return why_set(why, -ENOMEM, "out of memory");
	if (access(dir, F_OK) < 0)
		return -ENOENT; /* why already says that nothing is there */
	int r = xdp_where(&u.x.filter, undo_where, &u, why);
	if (r == 0 && u.interfaces == 0)
		return -ENOENT;
	return r;
}

int xdp_set_open(const char *pin_dir, bool open, struct why *why)
{
	own_fd int fd = switch_pinned(pin_dir, why);

	if (fd == -ENOENT && open)
		return undo_all(pin_dir, why);
	return fd < 0 ? fd : switch_set(fd, open, why);
}

int xdp_is_open(const char *pin_dir, bool *ret, struct why *why)
{
	own_fd int fd = switch_pinned(pin_dir, why);

	return fd < 0 ? fd : switch_get(fd, ret, why);
}

static int op_set_open(struct filter *f, bool open, struct why *why)
{
	return switch_set(xdp_map_fd(xdp_of(f), MAP_OPEN), open, why);
}

static int op_is_open(struct filter *f, bool *ret, struct why *why)
{
	return switch_get(xdp_map_fd(xdp_of(f), MAP_OPEN), ret, why);
}

static int count_row(struct xdp_filter *x, uint32_t row, struct filter_counter *cpu, int cpus,
		     struct filter_count *ret, uint64_t *syn, struct why *why)
{
	if (bpf_map_lookup_elem(xdp_map_fd(x, MAP_COUNTERS), &row, cpu) < 0)
		return why_set(why, -errno, "cannot read counters: %s", strerror(errno));
	*ret = (struct filter_count){ 0 };
	memcpy(ret->class, x->names->name[row].text, sizeof(ret->class));
	for (int i = 0; i < cpus; i++) {
		ret->rejected += cpu[i].rejected;
		ret->dropped += cpu[i].dropped;
		ret->monitored += cpu[i].monitored;
		ret->passed += cpu[i].passed;
		*syn += cpu[i].syn;
	}
	return 0;
}

static int op_counters(struct filter *f, filter_count_fn fn, void *arg, struct why *why)
{
	struct xdp_filter *x = xdp_of(f);
	int cpus = libbpf_num_possible_cpus(), r = 0;
	own_mem struct filter_counter *cpu = cpus < 0 ? NULL : calloc((size_t)cpus, sizeof(*cpu));
	struct filter_count c;
	uint64_t syn = 0;

	if (!cpu)
		return why_set(why, -ENOMEM, "out of memory");
	for (uint32_t row = 0; r == 0 && row < x->names->n; row++) {
		r = count_row(x, row, cpu, cpus, &c, &syn, why);
		if (r == 0 && (c.rejected || c.dropped || c.monitored || c.passed))
			r = fn(arg, &c);
	}
	return r < 0 ? r : 0;
}

static const struct {
	const char *name, *help;
} stats[FILTER_STAT_COUNT] = {
	[FILTER_STAT_UNPARSED] = { "unparsed", "packets that claim to be IP and can not be read" },
	[FILTER_STAT_SYN25] = { "syn25", "connection attempts to TCP port 25 that came by" },
	[FILTER_STAT_SYN465] = { "syn465", "connection attempts to TCP port 465 that came by" },
	[FILTER_STAT_SYN587] = { "syn587", "connection attempts to TCP port 587 that came by" },
	[FILTER_STAT_RESETS] = { "resets", "TCP resets sent" },
	[FILTER_STAT_RESETS_LIMITED] = { "resets_limited",
					 "packets dropped in silence, resets being rate-limited" },
	[FILTER_STAT_RESETS_UNFIT] = { "resets_unfit",
				       "packets dropped in silence, no reset being possible" },
	[FILTER_STAT_OPENED] = { "opened", "packets passed because everything is open" },
	[FILTER_STAT_LINES_NEW] = { "lines_new", "lines that accounting began for" },
	[FILTER_STAT_LINES_EVICTED] = { "lines_evicted", "idle lines that made room for others" },
	[FILTER_STAT_LINES_FULL] = { "lines_full", "attempts not accounted for: no room" },
	[FILTER_STAT_LINES_LOST] = { "lines_lost", "evicted lines whose counts were lost" },
};

/* SYNs are counted by class, so that the packet program needs one look-up for both. */
static int syn_of_classes(struct xdp_filter *x, int cpus, uint64_t *ret, struct why *why)
{
	own_mem struct filter_counter *cpu = calloc((size_t)cpus, sizeof(*cpu));
	struct filter_count c;
	int r = cpu ? 0 : why_set(why, -ENOMEM, "out of memory");

	for (uint32_t row = 0; r == 0 && row < x->names->n; row++)
		r = count_row(x, row, cpu, cpus, &c, ret, why);
	return r;
}

int xdp_stats(struct filter *f, struct xdp_stat *ret, struct why *why)
{
	int cpus = libbpf_num_possible_cpus();
	own_mem struct filter_stats *cpu = cpus < 0 ? NULL : calloc((size_t)cpus, sizeof(*cpu));
	uint32_t zero = 0;

	if (!cpu)
		return why_set(why, -ENOMEM, "out of memory");
	if (bpf_map_lookup_elem(xdp_map_fd(xdp_of(f), MAP_STATS), &zero, cpu) < 0)
		return why_set(why, -errno, "cannot read statistics: %s", strerror(errno));
	for (int s = 0; s < FILTER_STAT_COUNT; s++) {
		ret[s] = (struct xdp_stat){ stats[s].name, stats[s].help, 0 };
		for (int i = 0; i < cpus; i++)
			ret[s].n += cpu[i].n[s];
	}
	return syn_of_classes(xdp_of(f), cpus, &ret[FILTER_STAT_SYN25].n, why);
}

static void op_free(struct filter *f)
{
	struct xdp_filter *x = xdp_of(f);

	xdp_let_go(f);
	xdp_table_unmap(x);
	xdp_object_drop(x);
	free(x->names);
	free(x->dir);
	free(x);
}

static const struct filter_ops ops = {
	.name = "xdp",
	.load = xdp_load,
	.put = xdp_put,
	.compare = xdp_compare,
	.set_open = op_set_open,
	.is_open = op_is_open,
	.counters = op_counters,
	.free = op_free,
};

static int start(struct xdp_filter *x, struct why *why)
{
	int r = x->dir ? pin_dir_make(x->dir, why) : 0;

	if (r == 0)
		r = xdp_object_need(x, OBJECT_XDP, why);
	if (r == 0)
		r = names_read(xdp_map_fd(x, MAP_NAMES), &x->names, why);
	if (r < 0)
		return r;
	/* A table of a layout that we do not know stays in force until ours is loaded. */
	x->links_wait = !xdp_table_loaded(x);
	return x->links_wait ? 0 : xdp_links_update(x, why);
}

int xdp_filter_open(const struct xdp_options *o, struct filter **ret, struct why *why)
{
	struct xdp_filter *x = calloc(1, sizeof(*x));
	own(filter) struct filter *f = x ? &x->filter : NULL;

	if (!x)
		return why_set(why, -ENOMEM, "out of memory");
	x->filter.ops = &ops;
	x->o = *o;
	x->capacity = FILTER_PAGE_LINES;
	if (o->pin_dir) {
		x->dir = strdup(o->pin_dir);
		if (!x->dir)
			return why_set(why, -ENOMEM, "out of memory");
	}
	int r = start(x, why);
	if (r < 0)
		return r;
	*ret = take(f);
	return 0;
}

static int remove_where(void *arg, const struct xdp_where *w)
{
	return xdp_detach(arg, w->ifname, NULL);
}

struct removal {
	const char *dir;
};

static int remove_pin(void *arg, const char *name)
{
	const struct removal *m = arg;
	char path[PIN_BYTES];

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	int r = pin_path(path, m->dir, "", name);
	return r < 0 ? r : unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int xdp_remove(const char *pin_dir, struct why *why)
{
	struct xdp_filter x = { .dir = (char *)(pin_dir ? pin_dir : XDP_PIN_DIR) };
	struct removal m = { x.dir };
	int r;

	if (access(x.dir, F_OK) < 0)
		return 0;
	r = xdp_where(&x.filter, remove_where, &x.filter, why);
	if (r == 0)
		r = pin_each(x.dir, "", remove_pin, &m);
	if (r == 0 && rmdir(x.dir) < 0 && errno != ENOENT)
		r = -errno;
	return r < 0 ? why_set(why, r, "cannot remove %s: %s", x.dir, strerror(-r)) : 0;
}
