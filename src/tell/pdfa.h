/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pdfa: turn the PDF that Cairo writes into one that archives accept.
 *
 * Cairo embeds its fonts but writes no XMP, no output intent and no file id.
 * They are added behind it as an incremental update (ISO 32000-1 7.5.6), which
 * makes the file declare PDF/A-2b (ISO 19005-2). Works on Cairo's own output
 * only: classic cross-reference table, one catalogue on objects of its own.
 */
#pragma once

#include <stddef.h>

#include "base/why.h"

struct pdfa_words {
	const char *title, *author, *language; /* UTF-8; language as in "pt-BR" */
	const char *created;                   /* YYYY-MM-DDThh:mm:ssZ */
};

/* malloc()ed bytes of the whole file. -EINVAL if `pdf` is not what Cairo writes. */
int pdfa_finish(const char *pdf, size_t len, const struct pdfa_words *words, char **ret,
		size_t *ret_len, struct why *why);
