/* SPDX-License-Identifier: BSD-2-Clause */
/* mail_scan: the few steps that all readers of log lines share. */
#pragma once

#include "base/slice.h"

/* The leading decimal number, at most UINT32_MAX; 0 when there is none. */
static inline uint32_t scan_number(struct slice s)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.len && s.at[i] >= '0' && s.at[i] <= '9' && v <= UINT32_MAX; i++)
		v = v * 10 + (uint64_t)(s.at[i] - '0');
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* A whole slice that is a port number; 0 for anything else. */
static inline uint16_t scan_port(struct slice s)
{
	uint32_t v = scan_number(s);

	if (s.len == 0 || s.len > 5 || v > UINT16_MAX)
		return 0;
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < '0' || s.at[i] > '9')
			return 0;
	return (uint16_t)v;
}

/* "address:port", "[address]:port": the last colon divides. */
static inline bool scan_endpoint(struct slice s, struct slice *address, uint16_t *port)
{
	const char *colon = s.len ? memrchr(s.at, ':', s.len) : NULL;

	if (!colon)
		return false;
	*address = slice_cut(s, (size_t)(colon - s.at));
	*port = scan_port(slice_from(s, (size_t)(colon - s.at) + 1));
	if (address->len > 1 && address->at[0] == '[') {
		*address = slice_from(*address, 1);
		address->len -= address->at[address->len - 1] == ']';
	}
	return *port != 0;
}

/* The next word up to a space; skips the space. */
static inline struct slice scan_word(struct slice *s)
{
	struct slice w = slice_until(*s, ' ');

	*s = slice_from(*s, w.len + 1);
	return w;
}

/* The next field up to `c`; skips it. */
static inline struct slice scan_field(struct slice *s, char c)
{
	struct slice f = slice_until(*s, c);

	*s = slice_from(*s, f.len + 1);
	return f;
}
