/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena: many small allocations that end together.
 *
 * For what one request, one file, one datagram needs while it is worked on.
 * Not for anything that grows, shrinks or outlives its maker.
 */
#pragma once

#include <stddef.h>

#include "base/own.h"

struct arena;

/* NULL when memory is out. */
struct arena *arena_new(void);
void arena_free(struct arena *a);
OWNABLE(arena)

/* Zeroed, aligned for any type; NULL when memory is out. Lives until arena_free(). */
void *arena_get(struct arena *a, size_t bytes);
/* A copy of `len` bytes with a NUL behind; NULL when memory is out. */
char *arena_text(struct arena *a, const char *bytes, size_t len);
