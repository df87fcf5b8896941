/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * declaration_pdf: a declaration on one sheet of A4, for people to sign by hand.
 *
 * PDF/A-2b, fonts embedded, in pt-BR, pt-MZ or en. It says the same figures as
 * the signed document and its digest, so that the two can be laid side by side.
 */
#pragma once

#include "base/why.h"
#include "wire/declaration.h"

_Bool declaration_pdf_language(const char *lang);

/* Write the sheet to `path`. */
int declaration_pdf(const struct declaration *d, const char *lang, const char *path,
		    struct why *why);
