/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules: from the files that a verb was given to a ruleset, without a daemon.
 */
#pragma once

#include "base/mono.h"
#include "model/ruleset.h"
#include "wire/exceptions.h"

/*
 * Read the plan and, unless NULL, the exceptions (wire/exceptions.h), and
 * compile them as of `now`. 0 and the ruleset; else an exit code, after stderr
 * has heard the reason from `porteiro VERB`.
 */
int rules_load(const char *verb, const char *plan_path, const char *exceptions_path,
	       struct wall now, struct ruleset **ret);

/* The exceptions alone, to be ended with exceptions_done(): 0, or an exit code as above. */
int exceptions_file_open(const char *verb, const char *path, struct exceptions *ret);
