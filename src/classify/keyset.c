/* SPDX-License-Identifier: BSD-2-Clause */
#include "classify/keyset.h"

#include <errno.h>
#include <stdlib.h>

void keyset_done(struct keyset *s)
{
	free(s->slot);
	*s = (struct keyset){ 0 };
}

static inline size_t slot_of(const uint64_t *slot, size_t room, uint64_t key)
{
	size_t i = (size_t)key & (room - 1);

	while (slot[i] && slot[i] != key)
		i = (i + 1) & (room - 1);
	return i;
}

static int grow(struct keyset *s)
{
	size_t room = s->room ? s->room * 2 : 16;
	uint64_t *slot = calloc(room, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	for (size_t i = 0; i < s->room; i++)
		if (s->slot[i])
			slot[slot_of(slot, room, s->slot[i])] = s->slot[i];
	free(s->slot);
	s->slot = slot;
	s->room = room;
	return 0;
}

int keyset_add(struct keyset *s, uint64_t key)
{
	if (key == 0) {
		bool had = s->has_zero;
		s->has_zero = true;
		return !had;
	}
	if ((s->count + 1) * 4 > s->room * 3) {
		int r = grow(s);
		if (r < 0)
			return r;
	}
	size_t i = slot_of(s->slot, s->room, key);
	if (s->slot[i])
		return 0;
	s->slot[i] = key;
	s->count++;
	return 1;
}

bool keyset_has(const struct keyset *s, uint64_t key)
{
	if (key == 0)
		return s->has_zero;
	return s->room && s->slot[slot_of(s->slot, s->room, key)];
}

int keyset_merge(struct keyset *into, const struct keyset *from)
{
	into->has_zero |= from->has_zero;
	for (size_t i = 0; i < from->room; i++) {
		int r = from->slot[i] ? keyset_add(into, from->slot[i]) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}
