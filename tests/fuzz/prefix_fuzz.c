/* SPDX-License-Identifier: BSD-2-Clause */
/* Prefix text: whatever is read as a prefix comes back the same from its own text. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 1), again[PREFIX_TEXT_MAX];
	struct prefix p, q;

	if (!text)
		return 0;
	memcpy(text, data, bytes);
	text[bytes] = '\0';
	if (prefix_parse(text, &p) == PREFIX_OK) {
		assert(prefix_holds(p, p.addr));
		assert(prefix_parse(prefix_text(p, again), &q) == PREFIX_OK);
		assert(prefix_compare(p, q) == 0);
	}
	free(text);
	return 0;
}
