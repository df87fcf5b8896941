/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro counters: what was refused and let through, and what the daemon did. */
#include <stdio.h>

#include "prog/client.h"
#include "prog/verbs.h"

static const char usage[] =
    "usage: porteiro counters [OPTION]...\n\n"
    "Counts packets by class: segment, cause, mode, inbound mode, strictness. They are kept\n"
    "by the kernel over every change of the plan and every restart of the daemon.\n\n"
    "  --json         the daemon's answer as JSON instead of text\n"
    "  --socket PATH  the daemon's socket\n\n"
    "Exit codes: 0 done, 1 the daemon could not do it, 2 usage error.\n";

int verb_counters(int argc, char **argv)
{
	const struct ask ask = { .method = "GET", .path = "/v1/counters" };
	struct client c = { .verb = "counters" };
	own(reply) struct reply *r = NULL;
	int code = client_options(argc, argv, &c, NULL, usage, 0, 0);
	const char *name;
	json_t *x;
	size_t i;

	if (code >= 0)
		return code;
	code = client_do(&c, &ask, &r);
	if (code != EXIT_DONE || c.json)
		return code;
	printf("%-48s %12s %12s %12s %12s\n", "class", "rejected", "dropped", "monitored",
	       "passed");
	json_array_foreach(json_object_get(r->json, "classes"), i, x)
	    printf("%-48s %12.0f %12.0f %12.0f %12.0f\n", reply_string(x, "class"),
		   reply_number(x, "rejected"), reply_number(x, "dropped"),
		   reply_number(x, "monitored"), reply_number(x, "passed"));
	putchar('\n');
	json_object_foreach(json_object_get(r->json, "daemon"), name, x)
	    printf("%-48s %12.0f\n", name, json_number_value(x));
	return code;
}
