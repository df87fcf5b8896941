/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evidence: a finding in one sentence a person can check, and what would
 * change it, in the languages of the two texts and English.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/finding.h"

enum tongue { TONGUE_PT_BR, TONGUE_PT_MZ, TONGUE_EN, TONGUE_COUNT_ };

bool tongue_parse(const char *tag, enum tongue *ret); /* "pt-BR", "pt-MZ", "en" */

#define EVIDENCE_BYTES 512

/* One or two sentences, NUL-terminated, cut if need be; returns `ret`. */
const char *evidence_text(const struct finding *f, enum tongue t, char ret[static EVIDENCE_BYTES]);
