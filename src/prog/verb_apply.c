/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro apply: show what a plan changes, then put it in force.
 *
 * Two requests: a dry run for the difference, then the apply with the hash of
 * the ruleset that the difference was taken from. If somebody else was faster
 * the daemon refuses, and nobody gets what they did not see.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "prog/client.h"
#include "prog/verbs.h"
#include "tell/api.h"

static const char usage[] =
    "usage: porteiro apply [OPTION]... PLAN\n\n"
    "Shows whom the plan would touch, and puts it in force. A plan with faults, and one\n"
    "that the filter does not take, change nothing.\n\n"
    "  --dry-run      only show the difference\n"
    "  --json         the daemon's answer as JSON instead of text\n"
    "  --socket PATH  the daemon's socket\n\n"
    "Exit codes: 0 done, 1 the daemon could not do it, 2 usage or input error.\n";

static void tell_family(const json_t *difference, const char *family, const char *name, bool v6)
{
	const json_t *d = json_object_get(difference, family);
	char closed[COUNT_TEXT_MAX], opened[COUNT_TEXT_MAX];

	if (reply_number(d, "ranges") == 0)
		return;
	printf("  %s: closes %s addresses, opens %s, in %.0f ranges\n", name,
	       count_text(reply_number(d, "closed"), v6, closed),
	       count_text(reply_number(d, "opened"), v6, opened), reply_number(d, "ranges"));
}

static void tell_ranges(const json_t *difference)
{
	size_t i;
	json_t *r;

	json_array_foreach(json_object_get(difference, "ranges"), i, r)
	    printf("  %s - %s  %s: %s, was %s\n", reply_string(r, "first"), reply_string(r, "last"),
		   reply_string(r, "segment"), reply_string(r, "after"), reply_string(r, "before"));
	if (reply_number(difference, "ranges_left_out") > 0)
		printf("  and %.0f ranges more\n", reply_number(difference, "ranges_left_out"));
}

static void tell_difference(const char *path, const json_t *answer)
{
	const json_t *d = json_object_get(answer, "difference");
	const json_t *smarthosts = json_object_get(d, "smarthosts");
	size_t i;
	json_t *w;

	json_array_foreach(json_object_get(answer, "warnings"), i, w)
	    printf("%s:%.0f: warning: %s; %s\n", path, reply_number(w, "line"),
		   reply_string(w, "wrong"), reply_string(w, "right"));
	if (reply_flag(d, "same")) {
		printf("%s changes nothing that is in force.\n", path);
		return;
	}
	printf("%s changes:\n", path);
	tell_family(d, "v4", "IPv4", false);
	tell_family(d, "v6", "IPv6", true);
	if (reply_number(smarthosts, "added") + reply_number(smarthosts, "removed") > 0)
		printf("  smarthosts: %.0f more, %.0f fewer\n", reply_number(smarthosts, "added"),
		       reply_number(smarthosts, "removed"));
	tell_ranges(d);
	printf("%.0f exceptions stay as they are.\n", reply_number(answer, "exceptions"));
	if (reply_flag(answer, "open"))
		puts("Everything is open at the moment: this takes effect with porteiro resume.");
}

/* The answer of the dry run, and the header that holds the apply to it. */
static int look(struct client *c, const struct text *plan, struct reply **ret, char *header,
		size_t room)
{
	const struct ask ask = {
		"POST", "/v1/plan?dry_run=true", "application/yaml", plan->bytes, plan->len, NULL
	};
	bool json = c->json;

	c->json = false;
	int r = client_do(c, &ask, ret);
	c->json = json;
	if (r == EXIT_DONE)
		snprintf(header, room, "If-Match: \"%s\"",
			 reply_string(json_object_get((*ret)->json, "ruleset"), "before"));
	return r;
}

static int apply(struct client *c, const char *path, const struct text *plan, bool dry_run)
{
	own(reply) struct reply *difference = NULL;
	own(reply) struct reply *done = NULL;
	char header[100];
	int r = look(c, plan, &difference, header, sizeof(header));

	if (r != EXIT_DONE)
		return r;
	if (!c->json)
		tell_difference(path, difference->json);
	else if (dry_run)
		puts(difference->text);
	if (dry_run)
		return EXIT_DONE;
	fflush(stdout);
	const struct ask ask = { "POST",      "/v1/plan", "application/yaml",
				 plan->bytes, plan->len,  header };
	r = client_do(c, &ask, &done);
	if (r == EXIT_DONE && !c->json)
		printf("Applied as plan %.0f; in force after %.1f ms.\n",
		       reply_number(done->json, "plan"), reply_number(done->json, "load_ms"));
	return r;
}

int verb_apply(int argc, char **argv)
{
	struct client c = { .verb = "apply" };
	bool dry_run = false;
	const struct client_option options[] = { { "dry-run", NULL, &dry_run },
						 { NULL, NULL, NULL } };
	own(text) struct text *plan = NULL;
	int r = client_options(argc, argv, &c, options, usage, 1, 1);

	if (r >= 0)
		return r;
	const char *path = argv[optind];
	r = text_read(path, API_PLAN_MAX, &plan);
	if (r < 0) {
		fprintf(stderr, "porteiro apply: cannot read %s: %s\n", path, strerror(-r));
		return EXIT_USAGE;
	}
	return apply(&c, strcmp(path, "-") == 0 ? "(standard input)" : path, plan, dry_run);
}
