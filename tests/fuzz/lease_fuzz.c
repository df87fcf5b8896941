/* SPDX-License-Identifier: BSD-2-Clause */
/* The readers of leases, one by the first byte: what comes out is valid and its line is named. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "wire/lease_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int on_lease(void *arg, const struct lease *l)
{
	(void)arg;
	assert(lease_valid(l));
	assert(strlen(l->line) < sizeof(l->line) && strlen(l->session) < sizeof(l->session));
	return 0;
}

static void on_fault(void *arg, size_t line, const char *text)
{
	(void)arg;
	assert(line > 0 && text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const char *const presets[] = { "radacct", "kea", "splynx", "mkauth" };
	struct lease_sink sink = { .lease = on_lease, .fault = on_fault };
	struct lease_read_options options = { .now_s = 1000 };
	struct why why = { 0 };

	if (!bytes)
		return 0;
	struct slice file = { (const char *)data + 1, bytes - 1 };
	if (data[0] == 'i')
		lease_read_isc(file, &sink);
	else if (data[0] == 'd')
		lease_read_detail(file, &sink);
	else
		lease_read_csv(file, lease_map_preset(presets[data[0] % 4]), &options, &sink, &why);
	return 0;
}
