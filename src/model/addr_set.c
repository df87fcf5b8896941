/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/addr_set.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_FIRST 64

static size_t v4_home(size_t room, uint32_t a)
{
	return (a * 0x9e3779b97f4a7c15u >> 32) & (room - 1);
}

static size_t v6_home(size_t room, addr_bits a)
{
	uint64_t h = (uint64_t)a ^ (uint64_t)(a >> 64) * 0x9e3779b97f4a7c15u;

	return (h * 0xd6e8feb86659fd93u >> 32) & (room - 1);
}

static size_t v4_slot(const uint32_t *slots, size_t room, uint32_t a)
{
	size_t i = v4_home(room, a);

	while (slots[i] && slots[i] != a)
		i = (i + 1) & (room - 1);
	return i;
}

static size_t v6_slot(const addr_bits *slots, size_t room, addr_bits a)
{
	size_t i = v6_home(room, a);

	while (slots[i] && slots[i] != a)
		i = (i + 1) & (room - 1);
	return i;
}

static int v4_grow(struct addr_set *s)
{
	size_t room = s->v4_room ? s->v4_room * 2 : ROOM_FIRST;
	uint32_t *slots = calloc(room, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < s->v4_room; i++)
		if (s->v4[i])
			slots[v4_slot(slots, room, s->v4[i])] = s->v4[i];
	free(s->v4);
	s->v4 = slots;
	s->v4_room = room;
	return 0;
}

static int v6_grow(struct addr_set *s)
{
	size_t room = s->v6_room ? s->v6_room * 2 : ROOM_FIRST;
	addr_bits *slots = calloc(room, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < s->v6_room; i++)
		if (s->v6[i])
			slots[v6_slot(slots, room, s->v6[i])] = s->v6[i];
	free(s->v6);
	s->v6 = slots;
	s->v6_room = room;
	return 0;
}

static int v4_add(struct addr_set *s, uint32_t a)
{
	bool known = s->v4_zero;

	if (a == 0) {
		s->v4_zero = true;
		return !known;
	}
	if (s->v4_count * 2 >= s->v4_room && v4_grow(s) < 0)
		return -ENOMEM;
	size_t i = v4_slot(s->v4, s->v4_room, a);
	if (s->v4[i])
		return 0;
	s->v4[i] = a;
	s->v4_count++;
	return 1;
}

static int v6_add(struct addr_set *s, addr_bits a)
{
	bool known = s->v6_zero;

	if (a == 0) {
		s->v6_zero = true;
		return !known;
	}
	if (s->v6_count * 2 >= s->v6_room && v6_grow(s) < 0)
		return -ENOMEM;
	size_t i = v6_slot(s->v6, s->v6_room, a);
	if (s->v6[i])
		return 0;
	s->v6[i] = a;
	s->v6_count++;
	return 1;
}

int addr_set_add(struct addr_set *s, struct addr a)
{
	return a.family == FAMILY_V4 ? v4_add(s, (uint32_t)a.bits) : v6_add(s, a.bits);
}

void addr_set_prefetch(const struct addr_set *s, struct addr a)
{
	if (a.family == FAMILY_V4 && s->v4_room)
		__builtin_prefetch(&s->v4[v4_home(s->v4_room, (uint32_t)a.bits)]);
	else if (a.family == FAMILY_V6 && s->v6_room)
		__builtin_prefetch(&s->v6[v6_home(s->v6_room, a.bits)]);
}

size_t addr_set_count(const struct addr_set *s)
{
	return s->v4_count + s->v6_count + s->v4_zero + s->v6_zero;
}

void addr_set_done(struct addr_set *s)
{
	free(s->v4);
	free(s->v6);
	*s = (struct addr_set){ 0 };
}
