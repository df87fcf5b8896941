/* SPDX-License-Identifier: BSD-2-Clause */
/* Published set-up files: whatever is in them, no more servers than there is room for, and sane
 * ports. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "wire/clientconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct clientconfig c;
	struct why why;

	for (int kind = CLIENTCONFIG_AUTOCONFIG; kind <= CLIENTCONFIG_APPLE; kind++) {
		memset(&why, 0, sizeof(why));
		if (clientconfig_parse((enum clientconfig_kind)kind, (const char *)data, bytes, &c,
				       &why) < 0) {
			assert(why.text[0]);
			continue;
		}
		assert(c.count >= 0 && c.count <= CLIENTCONFIG_SERVERS);
		for (int i = 0; i < c.count; i++)
			assert(c.server[i].port >= 0 && c.server[i].port < 65536 &&
			       strlen(c.server[i].host) < sizeof(c.server[i].host));
	}
	return 0;
}
