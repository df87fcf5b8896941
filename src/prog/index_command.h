/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * index_command: the command line that `porteiro index` and `porteiro stragglers` share.
 */
#pragma once

#include "prog/index_run.h"

enum form { FORM_TEXT, FORM_JSON, FORM_CSV };

struct index_command {
	struct mailsite *site;
	struct index_run_options run;
	enum form form;
	bool help;
};

/* Parse; with `help` nothing else is set. -EINVAL with the reason. */
int index_command(struct index_command *c, int argc, char **argv, struct why *why);
void index_command_done(struct index_command *c);

/* Set the zone, and run. */
int index_command_run(struct index_command *c, struct index_run **ret, struct why *why);

/* The lines of --help that are the same for both. */
extern const char index_command_options[];
