/* SPDX-License-Identifier: BSD-2-Clause */
/* API requests: "METHOD PATH\nBODY". What is accepted survives packing; what is not has a problem.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tell/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void packs(const struct api_request *r)
{
	own_pack struct pack p = { 0 };
	struct api_request back;

	assert(api_request_pack(r, &p) == 0);
	struct unpack u = unpack_from(p.bytes, p.len);
	assert(api_request_unpack(&u, &back) == 0);
	assert(back.op == r->op && back.id == r->id && back.until.s == r->until.s);
	assert(strcmp(back.reason, r->reason) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 1), allow[64];
	const struct api_route *route;
	struct api_request r;
	struct problem p = { 0 };

	if (!text)
		return 0;
	memcpy(text, data, bytes);
	text[bytes] = '\0';
	char *line = strchr(text, '\n'), *space = strchr(text, ' ');
	if (line && space && space < line) {
		*line = *space = '\0';
		const char *body = line + 1;
		size_t len = bytes - (size_t)(body - text);

		if (api_find(text, space + 1, &route, allow, &p) == 0 &&
		    api_parse(route, space + 1, NULL, 0, body, len, &r, &p) == 0) {
			packs(&r);
		} else {
			json_t *j = problem_json(&p);

			assert(j && *p.detail);
			json_decref(j);
		}
	}
	free(text);
	return 0;
}
