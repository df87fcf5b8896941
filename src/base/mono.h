/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mono: instants and spans as types of their own, so that they never mix.
 *
 * A `struct mono` is an instant on the boot-time clock, for intervals; a
 * `struct wall` is seconds since 1970 UTC, for what people and records say.
 * Pure code takes either as an argument named `now` and never asks for it.
 */
#pragma once

#include <stdint.h>
#include <time.h>

struct mono {
	int64_t ns;
};
struct span {
	int64_t ns;
};
struct wall {
	int64_t s; /* seconds since 1970-01-01T00:00:00Z */
};

#define SPAN_MS(n) ((struct span){ (int64_t)(n)*1000000 })
#define SPAN_S(n)  ((struct span){ (int64_t)(n)*1000000000 })

static inline struct mono mono_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (struct mono){ t.tv_sec * 1000000000LL + t.tv_nsec };
}

static inline struct wall wall_now(void)
{
	return (struct wall){ time(NULL) };
}

static inline struct mono mono_add(struct mono at, struct span by)
{
	return (struct mono){ at.ns + by.ns };
}

static inline struct span mono_since(struct mono from, struct mono to)
{
	return (struct span){ to.ns - from.ns };
}

static inline struct mono mono_max(struct mono a, struct mono b)
{
	return a.ns > b.ns ? a : b;
}
