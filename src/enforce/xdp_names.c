/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which counter row belongs to which class name. The pinned map is the truth;
 * a name once written there keeps its row for ever.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "enforce/xdp_priv.h"

#define BUCKETS (4 * FILTER_NAMES)

static uint32_t hash_of(const char *text)
{
	uint32_t h = 2166136261;

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 16777619;
	return h;
}

/* The bucket that holds the name, or the free one where it belongs. */
static uint16_t *bucket_of(struct names *n, const char *name)
{
	uint32_t at = hash_of(name) % BUCKETS;

	while (n->bucket[at] && strcmp(n->name[n->bucket[at] - 1].text, name) != 0)
		at = (at + 1) % BUCKETS;
	return &n->bucket[at];
}

int names_row(struct names *n, int map_fd, const char *name, uint32_t *ret, struct why *why)
{
	uint16_t *bucket = bucket_of(n, name);
	struct filter_name row = { 0 };

	if (*bucket) {
		*ret = *bucket - 1U;
		return 0;
	}
	if (n->n == FILTER_NAMES)
		return why_set(why, -ENOSPC,
			       "more than %u class names have been counted: no row for %s",
			       FILTER_NAMES, name);
	strncpy(row.text, name, sizeof(row.text) - 1);
	if (bpf_map_update_elem(map_fd, &n->n, &row, BPF_ANY) < 0)
		return why_set(why, -errno, "cannot write the counter name %s: %s", name,
			       strerror(errno));
	n->name[n->n] = row;
	*bucket = (uint16_t)(n->n + 1);
	*ret = n->n++;
	return 0;
}

int names_read(int map_fd, struct names **ret, struct why *why)
{
	own_mem struct names *n = calloc(1, sizeof(*n));
	uint32_t row;

	if (!n)
		return -ENOMEM;
	for (; n->n < FILTER_NAMES; n->n++) {
		struct filter_name *name = &n->name[n->n];

		if (bpf_map_lookup_elem(map_fd, &n->n, name) < 0)
			return why_set(why, -errno, "cannot read counter names: %s",
				       strerror(errno));
		name->text[sizeof(name->text) - 1] = '\0';
		if (!name->text[0])
			break;
		*bucket_of(n, name->text) = (uint16_t)(n->n + 1);
	}
	/* Row 0 is "no rule": what the program counts there before any table is loaded, too. */
	int r = names_row(n, map_fd, "-", &row, why);
	if (r < 0)
		return r;
	*ret = take(n);
	return 0;
}
