/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro status: what is in force, since when, and whether all is well. */
#include <stdio.h>

#include "prog/client.h"
#include "prog/verbs.h"

static const char usage[] = "usage: porteiro status [OPTION]...\n\n"
			    "Says what is in force, since when and by whom.\n\n"
			    "  --json         the daemon's answer as JSON instead of text\n"
			    "  --socket PATH  the daemon's socket\n\n"
			    "Exit codes: 0 all is well, 1 something is not, or no daemon answers, "
			    "2 usage error.\n";

static void tell_plan(const json_t *status)
{
	const json_t *plan = json_object_get(status, "plan");
	const json_t *rules = json_object_get(status, "ruleset");
	char v4[COUNT_TEXT_MAX], v6[COUNT_TEXT_MAX];

	if (!json_is_object(plan)) {
		puts("No plan has been applied: everything passes.");
		return;
	}
	printf("Plan %.0f of %s, applied %s by %s.\n", reply_number(plan, "id"),
	       reply_string(plan, "operator"), reply_string(plan, "at"), reply_string(plan, "by"));
	printf("Closed: %s IPv4 addresses, %s IPv6. Exceptions: %.0f. Restrictions: %.0f.\n",
	       count_text(reply_number(rules, "closed_v4"), false, v4),
	       count_text(reply_number(rules, "closed_v6"), true, v6),
	       reply_number(status, "exceptions"), reply_number(status, "restrictions"));
	printf("Ruleset %s.\n", reply_string(rules, "hash"));
}

static int tell_health(const json_t *status)
{
	const json_t *last = json_object_get(status, "reconcile");

	if (!reply_flag(status, "enforcing")) {
		puts("The enforce role is away; what is in force stays in force.");
		return EXIT_NO;
	}
	if (*reply_string(last, "failed")) {
		printf("The filter: %s\n", reply_string(last, "failed"));
		return EXIT_NO;
	}
	if (!*reply_string(last, "at"))
		puts("Not yet compared with the kernel.");
	else if (reply_number(last, "ranges") + reply_number(last, "objects") > 0)
		printf("Compared with the kernel %s: %s; put right.\n", reply_string(last, "at"),
		       reply_string(last, "first"));
	else
		printf("Compared with the kernel %s: equal.\n", reply_string(last, "at"));
	return EXIT_DONE;
}

int verb_status(int argc, char **argv)
{
	const struct ask ask = { .method = "GET", .path = "/v1/status" };
	struct client c = { .verb = "status" };
	own(reply) struct reply *r = NULL;
	int code = client_options(argc, argv, &c, NULL, usage, 0, 0);

	if (code >= 0)
		return code;
	code = client_do(&c, &ask, &r);
	if (code != EXIT_DONE)
		return code;
	if (c.json)
		return reply_flag(r->json, "enforcing") &&
			       !*reply_string(json_object_get(r->json, "reconcile"), "failed")
			   ? EXIT_DONE
			   : EXIT_NO;
	printf("porteirod %s since %s, back end %s.\n", reply_string(r->json, "version"),
	       reply_string(r->json, "started"), reply_string(r->json, "backend"));
	if (reply_flag(r->json, "open"))
		printf("EVERYTHING IS OPEN (journal entry %.0f) until porteiro resume.\n",
		       reply_number(r->json, "open_entry"));
	tell_plan(r->json);
	return tell_health(r->json);
}
