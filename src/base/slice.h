/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slice: a borrowed run of bytes, neither copied nor terminated.
 *
 * It points into a buffer that somebody else owns and must not outlive it. May
 * hold any byte, NUL too: never hand `at` to a str*() function.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *at;
	size_t len;
};

#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

static inline struct slice slice_of(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

static inline bool slice_is(struct slice s, struct slice t)
{
	return s.len == t.len && memcmp(s.at, t.at, t.len) == 0;
}

static inline bool slice_starts(struct slice s, struct slice t)
{
	return s.len >= t.len && memcmp(s.at, t.at, t.len) == 0;
}

static inline bool slice_ends(struct slice s, struct slice t)
{
	return s.len >= t.len && memcmp(s.at + s.len - t.len, t.at, t.len) == 0;
}

/* The rest behind the first `n` bytes; empty when there are fewer. */
static inline struct slice slice_from(struct slice s, size_t n)
{
	if (n > s.len)
		n = s.len;
	return (struct slice){ s.at + n, s.len - n };
}

static inline struct slice slice_cut(struct slice s, size_t len)
{
	return (struct slice){ s.at, len < s.len ? len : s.len };
}

/* Copy the first `len` bytes; none may stand nowhere, which memcpy() does not allow. */
static inline void slice_copy(void *to, struct slice s, size_t len)
{
	if (len)
		memcpy(to, s.at, len);
}

/* What stands before the first `c`; all of it when there is none. */
static inline struct slice slice_until(struct slice s, char c)
{
	const char *p = s.len ? memchr(s.at, c, s.len) : NULL;

	return p ? (struct slice){ s.at, (size_t)(p - s.at) } : s;
}

/* What stands behind the first `t`; at == NULL when it does not occur. */
static inline struct slice slice_after(struct slice s, struct slice t)
{
	const char *p = s.at ? memmem(s.at, s.len, t.at, t.len) : NULL;

	if (!p)
		return (struct slice){ NULL, 0 };
	return slice_from(s, (size_t)(p - s.at) + t.len);
}

static inline struct slice slice_trim(struct slice s)
{
	while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
		s = slice_from(s, 1);
	while (s.len &&
	       (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t' || s.at[s.len - 1] == '\r'))
		s.len--;
	return s;
}
