/* SPDX-License-Identifier: BSD-2-Clause */
/* cms: sign bytes the way Apple's devices want a profile signed (RFC 5652, DER, not detached). */
#pragma once

#include <stddef.h>

#include "base/why.h"

/* `cert` and `key` are PEM files; certificates behind the first in `cert` go along. */
int cms_sign(const char *cert, const char *key, const void *bytes, size_t len, unsigned char **ret,
	     size_t *ret_len, struct why *why);
