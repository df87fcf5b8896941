/* SPDX-License-Identifier: BSD-2-Clause */
/* Bodies between our own processes, by their first byte: none is believed. */
#include <stdint.h>
#include <stdlib.h>

#include "base/pack.h"
#include "model/plan_pack.h"
#include "prog/call.h"
#include "tell/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct plan *plan = NULL;
	struct api_request request;
	struct call_result result;
	struct filter_count count;
	struct call_put put;

	if (bytes == 0)
		return 0;
	struct unpack u = unpack_from(data + 1, bytes - 1);

	switch (data[0] % 5) {
	case 0:
		(void)api_request_unpack(&u, &request);
		break;
	case 1:
		(void)call_put_unpack(&u, &put);
		break;
	case 2:
		(void)call_result_unpack(&u, &result);
		break;
	case 3:
		while (u.left && call_count_unpack(&u, &count) == 0)
			;
		break;
	default:
		if (plan_unpack(data + 1, bytes - 1, &plan) == 0)
			plan_free(plan);
	}
	return 0;
}
