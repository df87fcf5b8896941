/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro reconcile: compare what should be in force with what is, now. */
#include <stdio.h>

#include "prog/client.h"
#include "prog/verbs.h"

static const char usage[] =
    "usage: porteiro reconcile [OPTION]...\n\n"
    "Compares what should be in force with what the kernel has, and puts it right. The daemon\n"
    "does so by itself from time to time; this is for not waiting.\n\n"
    "  --json         the daemon's answer as JSON instead of text\n"
    "  --socket PATH  the daemon's socket\n\n"
    "Exit codes: 0 equal, or put right; 1 it could not be done; 2 usage error.\n";

int verb_reconcile(int argc, char **argv)
{
	const struct ask ask = { .method = "POST", .path = "/v1/reconcile" };
	struct client c = { .verb = "reconcile" };
	own(reply) struct reply *r = NULL;
	int code = client_options(argc, argv, &c, NULL, usage, 0, 0);

	if (code >= 0)
		return code;
	code = client_do(&c, &ask, &r);
	if (code != EXIT_DONE || c.json)
		return code;
	if (reply_number(r->json, "ranges") + reply_number(r->json, "objects") > 0)
		printf(
		    "%.0f address ranges and %.0f other things differed, first: %s.\nPut right.\n",
		    reply_number(r->json, "ranges"), reply_number(r->json, "objects"),
		    reply_string(r->json, "first"));
	else
		puts("What is in force is what should be.");
	return code;
}
