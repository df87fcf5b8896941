/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/rules.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "decide/compile.h"
#include "prog/plan_file.h"
#include "prog/verbs.h"

#define EXCEPTIONS_BYTES_MAX (256u << 20) /* some millions of lines */

/* Tell stderr, and be done with it. */
static int refuse(const char *verb, const struct why *why)
{
	fprintf(stderr, "porteiro %s: %s\n", verb, why->text);
	return EXIT_USAGE;
}

int exceptions_file_open(const char *verb, const char *path, struct exceptions *ret)
{
	own(text) struct text *t = NULL;
	struct why why = { 0 };
	int r = text_read(path, EXCEPTIONS_BYTES_MAX, &t);

	if (r < 0)
		why_set(&why, r, "%s: %s", path, strerror(-r));
	else
		r = exceptions_parse(t->bytes, t->len, path, ret, &why);
	return r < 0 ? refuse(verb, &why) : 0;
}

int rules_load(const char *verb, const char *plan_path, const char *exceptions_path,
	       struct wall now, struct ruleset **ret)
{
	own(plan) struct plan *plan = NULL;
	struct exceptions list = { 0 };
	struct why why = { 0 };
	int r = plan_file_open(verb, plan_path, &plan);

	if (r == 0 && exceptions_path)
		r = exceptions_file_open(verb, exceptions_path, &list);
	if (r != 0)
		return r;
	const struct compile_input in = { .plan = plan,
					  .exceptions = list.exception,
					  .exceptions_count = list.count };

	r = compile(&in, now, ret, &why);
	exceptions_done(&list);
	return r < 0 ? refuse(verb, &why) : 0;
}
