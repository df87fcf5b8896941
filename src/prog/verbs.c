/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/verbs.h"

#include <stddef.h>

#include "prog/verb_index.h"
#include "prog/verb_provider.h"

const struct verb verbs[] = {
	{ "autoconfig", "write the files that set up users' mail programs", verb_autoconfig },
	{ "check", "find every fault of a network plan", verb_check },
	{ "classify", "say what the lines behind a capture are like", verb_classify },
	{ "compile", "print the ruleset that a plan comes to", verb_compile },
	{ "declare", "sign a declaration of the migration index", verb_declare },
	{ "flows", "decode flow export from files and count the mail ports", verb_flows },
	{ "index", "count from mail logs how many users have left port 25", verb_index },
	{ "key", "make or show the key that signs declarations", verb_key },
	{ "replay", "run the frames of a capture past a plan", verb_replay },
	{ "verify", "check a declaration", verb_verify },
	{ "why", "say what is done to an address, and by which line of the plan", verb_why },
	{ NULL, NULL, NULL },
};
