/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/mode.h"

#include <string.h>

static const char *const names[MODE_COUNT_] = {
	[MODE_OFF] = "off",
	[MODE_MONITOR] = "monitor",
	[MODE_REJECT] = "reject",
	[MODE_DROP] = "drop",
};

const char *mode_name(enum mode m)
{
	return names[m];
}

bool mode_parse(const char *name, enum mode *ret)
{
	for (int m = 0; m < MODE_COUNT_; m++) {
		if (strcmp(name, names[m]) == 0) {
			*ret = (enum mode)m;
			return true;
		}
	}
	return false;
}
