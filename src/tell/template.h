/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * template: a page with holes, filled and escaped.
 *
 *     {{name}}                the value, escaped for XML and HTML (wire/xml.h)
 *     {{#name}}…{{/name}}     only if there is a value and it is not empty
 *     {{^name}}…{{/name}}     only if not
 *
 * Sections nest. There is no way to put a value in unescaped. Templates are ours
 * and compiled in; a fault in one is -EINVAL and a failing test.
 */
#pragma once

#include <stdio.h>

/* The value of `name`, "" if it is empty, NULL if the template may not use that name. */
typedef const char *template_lookup(void *of, const char *name);

int template_fill(const char *text, template_lookup *lookup, void *of, FILE *out);
