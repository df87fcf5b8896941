/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/rules.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "decide/compile.h"
#include "prog/plan_file.h"
#include "prog/verbs.h"
#include "wire/exceptions.h"

#define EXCEPTIONS_BYTES_MAX (256u << 20) /* some millions of lines */

static int exceptions_load(const char *path, struct exceptions *ret, struct why *why)
{
	own(text) struct text *t = NULL;
	int r = text_read(path, EXCEPTIONS_BYTES_MAX, &t);

	if (r < 0)
		return why_set(why, r, "%s: %s", path, strerror(-r));
	return exceptions_parse(t->bytes, t->len, path, ret, why);
}

int rules_load(const char *verb, const char *plan_path, const char *exceptions_path,
	       struct wall now, struct ruleset **ret)
{
	own(plan) struct plan *plan = NULL;
	struct exceptions list = { 0 };
	struct why why = { 0 };
	int r = plan_file_open(verb, plan_path, &plan);

	if (r != 0)
		return r;
	if (exceptions_path)
		r = exceptions_load(exceptions_path, &list, &why);
	if (r == 0) {
		const struct compile_input in = { .plan = plan,
						  .exceptions = list.exception,
						  .exceptions_count = list.count };
		r = compile(&in, now, ret, &why);
	}
	exceptions_done(&list);
	if (r == 0)
		return 0;
	fprintf(stderr, "porteiro %s: %s\n", verb, why.text);
	return EXIT_USAGE;
}
