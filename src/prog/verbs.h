/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs: the table of what `porteiro` can do, one row per verb.
 *
 * From it come the dispatch, the list in `porteiro --help`, shell completion
 * and the test that every verb has a manual entry. A verb lives in its own
 * file verb_<name>.c, gets argv with its own name at argv[0], answers --help
 * and --json, and returns an exit code.
 */
#pragma once

enum exit_code {
	EXIT_DONE = 0,
	EXIT_NO = 1,    /* it worked, and the answer is no */
	EXIT_USAGE = 2, /* usage or input error; nothing was changed */
};

struct verb {
	const char *name;    /* one word, or two as in "exception add" */
	const char *summary; /* one line, no full stop */
	int (*run)(int argc, char **argv);
};

extern const struct verb verbs[]; /* ends with a row whose name is NULL */

/* One file each, alphabetical. */
int verb_apply(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_compile(int argc, char **argv);
int verb_counters(int argc, char **argv);
int verb_exception(int argc, char **argv);
int verb_classify(int argc, char **argv);
int verb_flows(int argc, char **argv);
int verb_journal(int argc, char **argv);
int verb_lab(int argc, char **argv);
int verb_lease(int argc, char **argv);
int verb_open(int argc, char **argv);
int verb_reconcile(int argc, char **argv);
int verb_replay(int argc, char **argv);
int verb_resume(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_who(int argc, char **argv);
int verb_why(int argc, char **argv);
