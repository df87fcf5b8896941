/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/addr_set.h"

#include <errno.h>
#include <stdlib.h>

static size_t slot_find(const struct addr_set *s, struct addr a)
{
	uint64_t h = (uint64_t)a.bits ^ (uint64_t)(a.bits >> 64) * 0x9e3779b97f4a7c15u;
	size_t i;

	h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
	i = (size_t)(h ^ h >> 29) & (s->room - 1);
	while (s->slots[i].family != FAMILY_COUNT_ &&
	       (s->slots[i].bits != a.bits || s->slots[i].family != a.family))
		i = (i + 1) & (s->room - 1);
	return i;
}

static int set_grow(struct addr_set *s)
{
	struct addr_set larger = { .room = s->room ? s->room * 2 : 64, .count = s->count };

	larger.slots = malloc(larger.room * sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < larger.room; i++)
		larger.slots[i].family = FAMILY_COUNT_;
	for (size_t i = 0; i < s->room; i++)
		if (s->slots[i].family != FAMILY_COUNT_)
			larger.slots[slot_find(&larger, s->slots[i])] = s->slots[i];
	free(s->slots);
	*s = larger;
	return 0;
}

int addr_set_add(struct addr_set *s, struct addr a)
{
	if (s->count * 2 >= s->room) {
		int r = set_grow(s);
		if (r < 0)
			return r;
	}
	size_t i = slot_find(s, a);
	if (s->slots[i].family != FAMILY_COUNT_)
		return 0;
	s->slots[i] = a;
	s->count++;
	return 1;
}

void addr_set_done(struct addr_set *s)
{
	free(s->slots);
	*s = (struct addr_set){ 0 };
}
