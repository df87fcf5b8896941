/* SPDX-License-Identifier: BSD-2-Clause */
#include "decide/entry.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

#define DIGITS_MAX 17 /* the length, then the bytes of the address: least significant first */

int entries_init(struct entries *e, size_t room)
{
	*e = (struct entries){ .room_count = room };
	e->room = malloc((room + 1) * sizeof(*e->room));
	return e->room ? 0 : -ENOMEM;
}

void entries_done(struct entries *e)
{
	free(e->room);
	*e = (struct entries){ 0 };
}

void entries_add(struct entries *e, struct prefix p, enum layer layer, size_t index)
{
	assert(e->count[FAMILY_V4] + e->count[FAMILY_V6] < e->room_count);
	e->count[p.addr.family]++;
	struct entry *to = p.addr.family == FAMILY_V4 ? e->room + e->count[FAMILY_V4] - 1
						      : entries_of(e, FAMILY_V6);

	*to = (struct entry){
		.first = p.addr.bits,
		.index = (uint32_t)index,
		.len = p.len,
		.layer = (uint8_t)layer,
	};
}

static unsigned digit(const struct entry *e, unsigned d)
{
	return d == 0 ? e->len : (uint8_t)(e->first >> (8 * (d - 1)));
}

/* One stable pass, from `from` to `to`, by a digit whose values occur `count` times. */
static void pass(const struct entry *from, struct entry *to, size_t n, unsigned d,
		 const size_t count[256])
{
	size_t place[256], sum = 0;

	for (unsigned v = 0; v < 256; v++) {
		place[v] = sum;
		sum += count[v];
	}
	for (size_t i = 0; i < n; i++)
		to[place[digit(&from[i], d)]++] = from[i];
}

static void sort(struct entry *entries, struct entry *other, size_t n, unsigned digits)
{
	size_t counts[DIGITS_MAX][256] = { 0 };
	struct entry *from = entries, *to = other;

	for (size_t i = 0; i < n; i++)
		for (unsigned d = 0; d < digits; d++)
			counts[d][digit(&entries[i], d)]++;

	for (unsigned d = 0; n > 0 && d < digits; d++) {
		struct entry *swap = from;

		if (counts[d][digit(&from[0], d)] == n)
			continue; /* the same digit everywhere orders nothing */
		pass(from, to, n, d, counts[d]);
		from = to;
		to = swap;
	}
	if (from != entries)
		memcpy(entries, from, n * sizeof(*entries));
}

int entries_sort(struct entries *e)
{
	size_t v4 = e->count[FAMILY_V4], v6 = e->count[FAMILY_V6], most = v4 > v6 ? v4 : v6;
	own_mem struct entry *other = malloc((most + 1) * sizeof(*other));

	if (!other)
		return -ENOMEM;
	for (enum family f = 0; f < FAMILY_COUNT_; f++)
		sort(entries_of(e, f), other, e->count[f], 1 + family_bits(f) / 8);
	return 0;
}
