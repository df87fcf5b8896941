/* SPDX-License-Identifier: BSD-2-Clause */
#include "decide/entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

#define DIGITS 18 /* length, 16 bytes of address, family: least significant first */

static unsigned digit(const struct entry *e, unsigned d)
{
	if (d == 0)
		return e->len;
	if (d == DIGITS - 1)
		return e->family;
	return (uint8_t)(e->first >> (8 * (d - 1)));
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

int entries_sort(struct entry *entries, size_t count)
{
	static const size_t zero[DIGITS][256];
	size_t counts[DIGITS][256];
	own_mem struct entry *other = malloc((count + 1) * sizeof(*other));
	struct entry *from = entries, *to = other;

	if (!other)
		return -ENOMEM;
	memcpy(counts, zero, sizeof(counts));
	for (size_t i = 0; i < count; i++)
		for (unsigned d = 0; d < DIGITS; d++)
			counts[d][digit(&entries[i], d)]++;

	for (unsigned d = 0; count > 0 && d < DIGITS; d++) {
		struct entry *swap = from;

		if (counts[d][digit(&from[0], d)] == count)
			continue; /* the same digit everywhere orders nothing */
		pass(from, to, count, d, counts[d]);
		from = to;
		to = swap;
	}
	if (from != entries)
		memcpy(entries, from, count * sizeof(*entries));
	return 0;
}
