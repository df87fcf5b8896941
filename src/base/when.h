/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * when: an instant as text and back (RFC 3339, always UTC).
 */
#pragma once

#include <stdbool.h>

#include "base/mono.h"

#define WHEN_TEXT_MAX 24

/* "2026-12-31T23:59:59Z"; years 0 to 9999, others are cut to these. */
const char *when_text(struct wall w, char ret[static WHEN_TEXT_MAX]);
/* "2026-12-31T23:59:59Z", or "2026-12-31", which is that day's last second. */
bool when_parse(const char *text, struct wall *ret);
