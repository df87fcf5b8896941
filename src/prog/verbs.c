/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/verbs.h"

#include <stddef.h>

const struct verb verbs[] = {
	{ NULL, NULL, NULL },
};
