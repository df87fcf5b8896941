/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/verbs.h"

#include <stddef.h>

#include "prog/verb_provider.h"

const struct verb verbs[] = {
	{ "check", "find every fault of a network plan", verb_check },
	{ "declare", "sign a declaration of the migration index", verb_declare },
	{ "flows", "decode flow export from files and count the mail ports", verb_flows },
	{ "key", "make or show the key that signs declarations", verb_key },
	{ "verify", "check a declaration", verb_verify },
	{ "why", "say what is done to an address, and by which line of the plan", verb_why },
	{ NULL, NULL, NULL },
};
