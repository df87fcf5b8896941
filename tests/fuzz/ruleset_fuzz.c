/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flat bytes of a ruleset, as if from an enemy. Nothing random has the
 * right hash, so each input is tried twice: as it is, and with its hash put right,
 * which is what an enemy would do. Whatever is believed must stand every look.
 */
#include <assert.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void look(const struct ruleset *rs, FILE *nowhere)
{
	char name[CLASS_NAME_MAX];

	for (enum family f = 0; f < FAMILY_COUNT_; f++)
		for (size_t i = 0; i < ruleset_ranges(rs, f); i++) {
			struct ruleset_range r = ruleset_range_at(rs, f, i);

			assert(r.first.bits <= r.last);
			assert(ruleset_class(rs, r.first) == r.class);
			assert(ruleset_class(rs, (struct addr){ r.last, f }) == r.class);
			class_name(ruleset_class_at(rs, r.class, (struct wall){ 1 }), name);
			ruleset_is_smarthost(rs, r.first);
		}
	assert(ruleset_text(rs, nowhere) == 0 && ruleset_json(rs, nowhere) == 0);
	assert(ruleset_compare(rs, rs, NULL, NULL).same);
}

static void try(const uint8_t *data, size_t bytes, FILE *nowhere)
{
	own(ruleset) struct ruleset *rs = NULL;
	own_mem uint8_t *again = NULL;
	struct why why = { 0 };
	size_t len;

	if (ruleset_decode(data, bytes, &rs, &why) < 0) {
		assert(!rs && why.text[0]);
		return;
	}
	look(rs, nowhere);
	assert(ruleset_encode(rs, &again, &len) == 0);
	assert(len == bytes && memcmp(again, data, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	own_mem uint8_t *copy = malloc(bytes + 1);
	own_file FILE *nowhere = fopen("/dev/null", "w");

	assert(copy && nowhere);
	try(data, bytes, nowhere);
	if (bytes >= RULESET_HASH_BYTES) {
		memcpy(copy, data, bytes);
		crypto_generichash(copy + bytes - RULESET_HASH_BYTES, RULESET_HASH_BYTES, copy,
				   bytes - RULESET_HASH_BYTES, NULL, 0);
		try(copy, bytes, nowhere);
	}
	return 0;
}
