/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/verbs.h"

#include <stddef.h>

const struct verb verbs[] = {
	{ "check", "find every fault of a network plan", verb_check },
	{ "why", "say what is done to an address, and by which line of the plan", verb_why },
	{ NULL, NULL, NULL },
};
