/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro exception: let an address keep port 25 for a time, list those that
 * may, and end one.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "prog/client.h"
#include "prog/verbs.h"

static const char usage[] =
    "usage: porteiro exception add ADDRESS|PREFIX --reason TEXT --until DATE [OPTION]...\n"
    "       porteiro exception list [OPTION]...\n"
    "       porteiro exception remove ID [OPTION]...\n\n"
    "An exception lets an address or prefix keep port 25 although its segment is closed. It is\n"
    "in force at once, and ends by itself.\n\n"
    "  --reason TEXT  why, for the journal\n"
    "  --until DATE   the last day (2026-12-31) or second (2026-12-31T18:00:00Z) it holds, UTC\n"
    "  --json         the daemon's answer as JSON instead of text\n"
    "  --socket PATH  the daemon's socket\n\n"
    "Exit codes: 0 done, 1 the daemon could not do it, 2 usage or input error.\n";

static int add(struct client *c, const char *prefix, const char *reason, const char *until)
{
	own(reply) struct reply *r = NULL;

	if (!reason || !until) {
		fprintf(stderr, "porteiro exception: an exception needs --%s\n",
			reason ? "until" : "reason");
		return EXIT_USAGE;
	}
	json_t *j =
	    json_pack("{s:s, s:s, s:s}", "prefix", prefix, "reason", reason, "until", until);
	own_mem char *body = j ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	if (!body) {
		fputs("porteiro exception: address, reason and date must be UTF-8 text\n", stderr);
		return EXIT_USAGE;
	}
	const struct ask ask = { "POST", "/v1/exceptions", "application/json",
				 body,   strlen(body),     NULL };
	int code = client_do(c, &ask, &r);
	if (code == EXIT_DONE && !c->json)
		printf("Exception %.0f: %s keeps port 25 until %s; in force after %.1f ms.\n",
		       reply_number(r->json, "id"), reply_string(r->json, "prefix"),
		       reply_string(r->json, "until"), reply_number(r->json, "in_force_ms"));
	return code;
}

static int list(struct client *c)
{
	const struct ask ask = { .method = "GET", .path = "/v1/exceptions" };
	own(reply) struct reply *r = NULL;
	int code = client_do(c, &ask, &r);
	size_t i;
	json_t *x;

	if (code != EXIT_DONE || c->json)
		return code;
	json_array_foreach(json_object_get(r->json, "exceptions"), i, x)
	    printf("%6.0f  %-40s until %s  by %-12s %s\n", reply_number(x, "id"),
		   reply_string(x, "prefix"), reply_string(x, "until"), reply_string(x, "by"),
		   reply_string(x, "reason"));
	if (json_array_size(json_object_get(r->json, "exceptions")) == 0)
		puts("There are no exceptions.");
	return code;
}

static int drop(struct client *c, const char *id)
{
	own(reply) struct reply *r = NULL;
	char path[64];

	if (strspn(id, "0123456789") != strlen(id) || strlen(id) > 19 || !*id) {
		fprintf(stderr, "porteiro exception: '%s' is not the number of an exception\n", id);
		return EXIT_USAGE;
	}
	snprintf(path, sizeof(path), "/v1/exceptions/%s", id);
	const struct ask ask = { .method = "DELETE", .path = path };
	int code = client_do(c, &ask, &r);
	if (code == EXIT_DONE && !c->json)
		printf("Exception %s for %s has ended.\n", id, reply_string(r->json, "prefix"));
	return code;
}

int verb_exception(int argc, char **argv)
{
	struct client c = { .verb = "exception" };
	const char *reason = NULL, *until = NULL;
	const struct client_option options[] = { { "reason", &reason, NULL },
						 { "until", &until, NULL },
						 { NULL, NULL, NULL } };
	int r = client_options(argc, argv, &c, options, usage, 1, 2);

	if (r >= 0)
		return r;
	const char *what = argv[optind], *which = argc - optind == 2 ? argv[optind + 1] : NULL;
	if (strcmp(what, "add") == 0 && which)
		return add(&c, which, reason, until);
	if (strcmp(what, "list") == 0 && !which)
		return list(&c);
	if (strcmp(what, "remove") == 0 && which)
		return drop(&c, which);
	fputs(usage, stderr);
	return EXIT_USAGE;
}
