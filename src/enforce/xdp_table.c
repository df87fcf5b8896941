/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table in the kernel: put in place whole, changed in place, read back.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include "enforce/xdp_table.h"

static size_t bytes_of(uint32_t lines)
{
	return (size_t)lines * sizeof(struct filter_line);
}

void xdp_table_unmap(struct xdp_filter *x)
{
	if (x->mapped)
		munmap(x->mapped, bytes_of(x->mapped_lines));
	x->mapped = NULL;
	x->mapped_id = 0;
}

/* The map by its id, mapped into memory in place of the one before. */
static int map_lines(struct xdp_filter *x, uint32_t id, struct why *why)
{
	struct bpf_map_info info = { 0 };
	uint32_t bytes = sizeof(info);
	own_fd int fd = xdp_lines_open(x, id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &bytes) < 0)
		return why_set(why, -errno, "cannot open table %u: %s", id, strerror(errno));
	void *at = mmap(NULL, bytes_of(info.max_entries * FILTER_PAGE_LINES),
			PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return why_set(why, -errno, "cannot map table %u: %s", id, strerror(errno));
	xdp_table_unmap(x);
	x->mapped = at;
	x->mapped_lines = info.max_entries * FILTER_PAGE_LINES;
	x->mapped_id = id;
	return 0;
}

int xdp_table_map(struct xdp_filter *x, struct table *ret, struct why *why)
{
	uint32_t zero = 0, id = 0;
	int r;

	if (bpf_map_lookup_elem(xdp_tables_fd(x), &zero, &id) < 0)
		return why_set(why, -errno, "no ruleset is loaded");
	if (id != x->mapped_id) {
		r = map_lines(x, id, why);
		if (r < 0)
			return r;
	}
	r = table_over(x->mapped, x->mapped_lines, ret);
	return r < 0 ? why_set(why, r, "table %u is not one of ours", id) : 0;
}

bool xdp_table_loaded(struct xdp_filter *x)
{
	uint32_t zero = 0, id = 0;

	return bpf_map_lookup_elem(xdp_tables_fd(x), &zero, &id) == 0;
}

/* A kernel array holding the lines of `t`. */
static int fill_lines(const struct table *t, uint32_t capacity, int *ret, struct why *why)
{
	own_fd int fd = xdp_lines_make(capacity);

	if (fd < 0)
		return why_set(why, fd, "cannot make a table of %u lines: %s", capacity,
			       strerror(-fd));
	void *at = mmap(NULL, bytes_of(capacity), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return why_set(why, -errno, "cannot map a table: %s", strerror(errno));
	memcpy(at, t->line, bytes_of(t->used));
	munmap(at, bytes_of(capacity));
	*ret = take_fd(&fd);
	return 0;
}

static uint32_t capacity_for(uint32_t lines)
{
	uint32_t capacity = FILTER_PAGE_LINES;

	while (capacity < lines)
		capacity *= 2;
	return capacity;
}

static struct table_clock clocks(void)
{
	return (struct table_clock){ wall_now(), mono_now() };
}

static int class_row(struct xdp_filter *x, const struct class *c, uint32_t *ret, struct why *why)
{
	char name[CLASS_NAME_MAX];

	return names_row(x->names, xdp_map_fd(x, MAP_NAMES), class_name(c, name), ret, why);
}

static int build(struct xdp_filter *x, const struct ruleset *rs, struct table **ret,
		 struct why *why)
{
	own_mem uint32_t *counter = calloc(rs->classes_count, sizeof(*counter));
	int r = 0;

	if (!counter)
		return why_set(why, -ENOMEM, "out of memory");
	for (size_t i = 0; r == 0 && i < rs->classes_count; i++)
		r = class_row(x, &rs->classes[i], &counter[i], why);
	if (r < 0)
		return r;
	r = table_build(rs, counter, clocks(), ret);
	return r < 0 ? why_set(why, r, "cannot build the packet table: %s", strerror(-r)) : 0;
}

/* The swap: from here on every packet sees the new table; when it returns none sees the old. */
static int show(struct xdp_filter *x, int lines_fd, struct why *why)
{
	uint32_t zero = 0;
	int r = xdp_lines_pin(x, lines_fd);

	if (r < 0)
		return why_set(why, r, "cannot pin the table: %s", strerror(-r));
	if (bpf_map_update_elem(xdp_tables_fd(x), &zero, &lines_fd, BPF_ANY) < 0)
		return why_set(why, -errno, "cannot put the table in force: %s", strerror(errno));
	r = xdp_lines_pinned(x);
	return r < 0 ? why_set(why, r, "cannot pin the table: %s", strerror(-r)) : 0;
}

int xdp_load(struct filter *f, const struct ruleset *rs, struct why *why)
{
	struct xdp_filter *x = xdp_of(f);
	own(table) struct table *t = NULL;
	own_fd int fd = -1;
	bool links = x->links_wait;
	int r;

	r = build(x, rs, &t, why);
	if (r < 0)
		return r;
	if (t->used + x->o.spare_lines > x->capacity) {
		r = xdp_object_grow(x, capacity_for(t->used + x->o.spare_lines), why);
		if (r < 0)
			return r;
		links = true;
	}
	r = fill_lines(t, x->capacity, &fd, why);
	if (r == 0)
		r = show(x, fd, why);
	if (r == 0 && links)
		r = xdp_links_update(x, why);
	if (r < 0)
		return r;
	x->links_wait = false;
	return links ? xdp_object_tidy(x) : 0;
}

/* The row for a class, and first for the one beneath it if it is a restriction. */
static int intern(struct xdp_filter *x, struct table *t, const struct ruleset *rs,
		  const struct class *c, uint32_t *ret, struct why *why)
{
	uint32_t counter, under = 0;
	int r = 0;

	if (c->cause == CAUSE_RESTRICTION && c->under < rs->classes_count &&
	    rs->classes[c->under].cause != CAUSE_RESTRICTION)
		r = intern(x, t, rs, &rs->classes[c->under], &under, why);
	if (r == 0)
		r = class_row(x, c, &counter, why);
	if (r < 0)
		return r;
	r = table_intern(t, table_row_of(c, counter, (uint16_t)under, clocks()), ret);
	return r < 0 ? why_set(why, r, "no class row is left in the table in force") : 0;
}

int xdp_put(struct filter *f, const struct ruleset *rs, struct prefix prefix,
	    const struct class *class, struct why *why)
{
	struct xdp_filter *x = xdp_of(f);
	char text[PREFIX_TEXT_MAX];
	struct table t;
	uint32_t row;
	int r;

	r = xdp_table_map(x, &t, why);
	if (r == 0)
		r = intern(x, &t, rs, class, &row, why);
	if (r < 0)
		return r;
	r = table_put(&t, prefix, row);
	if (r < 0)
		return why_set(why, r, "cannot write %s in place: %s", prefix_text(prefix, text),
			       r == -ENOSPC ? "the spare room is used up" : strerror(-r));
	return 0;
}
