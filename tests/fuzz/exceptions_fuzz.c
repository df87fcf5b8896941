/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of exceptions: what is read is whole and canonical, or the line is named. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "wire/exceptions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct exceptions e = { 0 };
	struct why why = { 0 };

	if (exceptions_parse((const char *)data, bytes, "list", &e, &why) < 0) {
		assert(strncmp(why.text, "list:", 5) == 0);
		return 0;
	}
	for (size_t i = 0; i < e.count; i++) {
		assert(e.exception[i].until.s > 0 && e.exception[i].reason[0]);
		assert(e.exception[i].prefix.addr.bits <= prefix_last(e.exception[i].prefix));
	}
	exceptions_done(&e);
	return 0;
}
