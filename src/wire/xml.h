/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xml: text made safe to stand in XML and HTML, in content and in quoted attributes.
 *
 * Bytes that are not UTF-8, and the characters XML 1.0 has no way to say
 * (section 2.2: most control characters, U+FFFE and U+FFFF), become U+FFFD.
 */
#pragma once

#include <stdio.h>

void xml_escape(const char *text, FILE *out);
