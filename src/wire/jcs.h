/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jcs: JSON in the one form that can be signed (RFC 8785).
 *
 * Members sorted by the UTF-16 units of their names, no blanks, strings with
 * the shortest escapes, numbers as ECMAScript prints a double. Two programs
 * that mean the same document get the same bytes.
 *
 * The program must run in the C numeric locale (it never calls setlocale).
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#define JCS_NUMBER_MAX 32 /* longest number text, with its NUL */

/*
 * The canonical bytes of `j`, malloc()ed, with a NUL behind them (not counted in `ret_len`).
 * -ERANGE for an integer a double can not hold exactly (RFC 8785 3.2.2.3: beyond 2^53),
 * -EINVAL for a value JSON can not say, -ENOMEM.
 */
int jcs_text(const json_t *j, char **ret, size_t *ret_len);

/* How ECMAScript prints `d` (RFC 8785 3.2.2.3); -EINVAL for NaN and the infinities. */
int jcs_number(double d, char ret[JCS_NUMBER_MAX]);

/* The order of two member names, as strcmp: UTF-16 code units (RFC 8785 3.2.3), input is UTF-8. */
int jcs_compare(const char *a, const char *b);
