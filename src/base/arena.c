/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (256 * 1024 - 64) /* with malloc's own bytes still within whole pages */

struct block {
	struct block *next;
	size_t room, used;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *block; /* the one being filled; full ones behind it */
};

struct arena *arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	while (a->block) {
		struct block *b = a->block;

		a->block = b->next;
		free(b);
	}
	free(a);
}

static struct block *block_add(struct arena *a, size_t bytes)
{
	size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
	struct block *b = malloc(sizeof(*b) + room);

	if (!b)
		return NULL;
	*b = (struct block){ .next = a->block, .room = room };
	a->block = b;
	return b;
}

static void *take_bytes(struct arena *a, size_t bytes, size_t align)
{
	struct block *b = a->block;
	size_t start = b ? (b->used + align - 1) / align * align : 0;

	if (bytes > PTRDIFF_MAX / 2)
		return NULL;
	if (!b || start > b->room || bytes > b->room - start) {
		b = block_add(a, bytes);
		start = 0;
	}
	if (!b)
		return NULL;
	b->used = start + bytes;
	return b->bytes + start;
}

void *arena_get(struct arena *a, size_t bytes)
{
	void *p = take_bytes(a, bytes, alignof(max_align_t));

	return p ? memset(p, 0, bytes) : NULL;
}

char *arena_text(struct arena *a, const char *bytes, size_t len)
{
	char *p = take_bytes(a, len + 1, 1);

	if (!p)
		return NULL;
	memcpy(p, bytes, len);
	p[len] = '\0';
	return p;
}
