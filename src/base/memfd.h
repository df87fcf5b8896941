/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memfd: a block of bytes handed to another process as a sealed descriptor.
 *
 * Sealed against writing, growing and shrinking before it is sent; the
 * receiver checks the seals before mapping, so that nobody can change the
 * bytes between the check and the use, or cut the file under the mapping.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A read-only view of a sealed memfd; memfd_unmap() ends it. */
struct memfd_view {
	const uint8_t *bytes; /* never NULL; len may be 0 */
	size_t len;
	void *mapping;
};

/* Returns a descriptor (the caller closes it) or a negative errno. */
int memfd_from(const char *name, const void *bytes, size_t len);
/* -EPERM if the seals are missing, -EFBIG above `max`. The descriptor may be closed at once. */
int memfd_map(int fd, size_t max, struct memfd_view *ret);
void memfd_unmap(struct memfd_view *v);

#define own_view __attribute__((cleanup(memfd_unmap)))
