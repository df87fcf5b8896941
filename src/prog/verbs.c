/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/verbs.h"

#include <stddef.h>

#include "prog/verb_index.h"
#include "prog/verb_provider.h"

const struct verb verbs[] = {
	{ "apply", "put a plan in force, after showing whom it touches", verb_apply },
	{ "audit", "check a provider's submission service from outside", verb_audit },
	{ "autoconfig", "write the files that set up users' mail programs", verb_autoconfig },
	{ "check", "find every fault of a network plan", verb_check },
	{ "classify", "say what the lines behind a capture are like", verb_classify },
	{ "compile", "print the ruleset that a plan comes to", verb_compile },
	{ "counters", "say what was refused and let through", verb_counters },
	{ "declare", "sign a declaration of the migration index", verb_declare },
	{ "exception", "let an address keep port 25 for a time", verb_exception },
	{ "flows", "decode flow export from files and count the mail ports", verb_flows },
	{ "index", "count from mail logs how many users have left port 25", verb_index },
	{ "journal", "say what was decided and done, by whom; check that record", verb_journal },
	{ "key", "make or show the key that signs declarations", verb_key },
	{ "lab", "a small real network with Porteiro in the middle, to watch and try", verb_lab },
	{ "lease", "bring in who had which address, and forget it again", verb_lease },
	{ "lint-mail", "say which name in a mail log proves which port", verb_lint_mail },
	{ "listen-mail", "look on at Postfix as its policy service, for exact ports",
	  verb_listen_mail },
	{ "open", "open everything at once, until resume", verb_open },
	{ "reconcile", "compare what should be in force with what is, and put it right",
	  verb_reconcile },
	{ "replay", "run the frames of a capture past a plan", verb_replay },
	{ "resume", "take open back: what the plan closes is closed again", verb_resume },
	{ "status", "say what is in force, since when and by whom", verb_status },
	{ "stragglers", "list the accounts that still submit by port 25", verb_stragglers },
	{ "verify", "check a declaration", verb_verify },
	{ "who", "say which line had an address at a time", verb_who },
	{ "why", "say what is done to an address, and by which line of the plan", verb_why },
	{ NULL, NULL, NULL },
};
