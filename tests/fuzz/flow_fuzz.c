/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams of every flow protocol, several to one input: a length of two bytes before each. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/flow.h"
#include "wire/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_record(void *arg, const struct flow_record *r)
{
	uint64_t *records = arg;

	assert(!r->has_addresses || r->src.family == r->dst.family);
	assert(r->nat < FLOW_NAT_COUNT_);
	(*records)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	own(flow_decoder) struct flow_decoder *d = NULL;
	struct flow_options o = { .limits = { 4, 8, 64 } };
	struct reader r = reader_of(data, size);
	uint64_t handed = 0, counted = 0;

	if (flow_decoder_new(&o, on_record, &handed, &d) < 0)
		return 0;
	while (reader_left(&r) > 2) {
		size_t len = reader_u16(&r), left = reader_left(&r);

		len = len < left ? len : left;
		flow_decode(d, (struct addr){ .bits = len % 3, .family = FAMILY_V4 },
			    reader_take(&r, len), len);
	}
	for (size_t i = 0; i < flow_exporters(d); i++)
		counted += flow_exporter_at(d, i)->records;
	assert(counted == handed);
	return 0;
}
