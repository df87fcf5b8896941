/* SPDX-License-Identifier: BSD-2-Clause */
/* The first line of the input is a header, the others rows under it; then all of it a DNS query. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wire/dns_question.h"
#include "wire/flow_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct flow_text t;
	struct flow_row row;
	uint16_t type;
	uint64_t name;
	int line = 0;

	dns_question(data, size, 1, &type, &name);
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop ? stop : end) - at);

		if (line++ == 0 && flow_text_header(at, len, &t, NULL) < 0)
			return 0;
		flow_text_row(&t, at, len, &row);
		at = stop ? stop + 1 : end;
	}
	return 0;
}
