/* SPDX-License-Identifier: BSD-2-Clause */
/* Declarations, daily records and keys: hostile bytes are judged, never believed. */
#include <assert.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/declaration.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct declaration_trust trust = { .now = { 1800000000 } };
	own(record_chain) struct record_chain *chain = NULL;
	struct why why = { 0 };
	struct declaration d;
	struct signkey_public pub;
	char *text = malloc(bytes + 1);

	if (!text || sodium_init() < 0) {
		free(text);
		return 0;
	}
	memcpy(text, data, bytes);
	text[bytes] = '\0';
	if (declaration_read(text, bytes, &d, &why) == DECLARATION_OK)
		declaration_judge(&d, &trust, &why);
	else
		assert(why.text[0]);
	if (record_chain_parse(text, bytes, &chain, &why) < 0)
		assert(why.text[0]);
	signkey_public_parse(text, &pub, &why);
	free(text);
	return 0;
}
