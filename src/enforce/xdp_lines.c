/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pin of the table in force, by which another process finds it again:
 * opening a map by its number takes CAP_SYS_ADMIN, opening a pin does not.
 *
 * A new table is pinned as "next" before it is put in force and takes the name
 * of the old one after, so that at every moment one of the two is the one in
 * force; which, its number says.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "enforce/xdp_table.h"

#define LINES_PIN "lines"
#define NEXT_PIN  "lines-next"

static int open_pin(const struct xdp_filter *x, const char *name, uint32_t id)
{
	struct bpf_map_info info = { 0 };
	uint32_t bytes = sizeof(info);
	char path[PIN_BYTES];
	int r = pin_path(path, x->dir, "", name);

	if (r < 0)
		return r;
	own_fd int fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &bytes) < 0)
		return -errno;
	return info.id == id ? take_fd(&fd) : -ENOENT;
}

int xdp_lines_open(const struct xdp_filter *x, uint32_t id)
{
	int fd = x->dir ? open_pin(x, LINES_PIN, id) : -ENOENT;

	if (fd < 0 && x->dir)
		fd = open_pin(x, NEXT_PIN, id);
	return fd < 0 ? bpf_map_get_fd_by_id(id) : fd;
}

int xdp_lines_pin(const struct xdp_filter *x, int fd)
{
	char path[PIN_BYTES];
	int r = x->dir ? pin_path(path, x->dir, "", NEXT_PIN) : 0;

	return r < 0 || !x->dir ? r : pin_replace(fd, path);
}

int xdp_lines_pinned(const struct xdp_filter *x)
{
	char next[PIN_BYTES], path[PIN_BYTES];
	int r = x->dir ? pin_path(next, x->dir, "", NEXT_PIN) : 0;

	if (r == 0 && x->dir)
		r = pin_path(path, x->dir, "", LINES_PIN);
	if (r < 0 || !x->dir)
		return r;
	return rename(next, path) < 0 ? -errno : 0;
}
