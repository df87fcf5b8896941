/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro open --all and porteiro resume: the emergency exit, and back.
 *
 * Through the daemon, so that it is journalled. Where none answers within a
 * second, opening is done here, on what is in force in the kernel, and a file in
 * the state directory tells the next start of the daemon not to close again, or
 * not to open again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mono.h"
#include "base/text.h"
#include "prog/backend.h"
#include "prog/client.h"
#include "prog/marker.h"
#include "prog/user.h"
#include "prog/verbs.h"

#define PATIENCE_MS 1000

static const char open_usage[] =
    "usage: porteiro open --all [OPTION]...\n\n"
    "Opens port 25 for everybody at once, until porteiro resume. Works with the daemon dead,\n"
    "and stays over its restart.\n\n"
    "  --reason TEXT  why, for the journal\n"
    "  --config FILE  the daemon's configuration, for when it is dead\n"
    "  --json         the answer as JSON instead of text\n"
    "  --socket PATH  the daemon's socket\n\n"
    "Exit codes: 0 done, 1 it could not be done, 2 usage error.\n";

static const char resume_usage[] =
    "usage: porteiro resume [OPTION]...\n\n"
    "Takes porteiro open --all back: what the plan closes is closed again.\n\n"
    "  --reason TEXT  why, for the journal\n"
    "  --config FILE  the daemon's configuration, for when it is dead\n"
    "  --json         the answer as JSON instead of text\n"
    "  --socket PATH  the daemon's socket\n\n"
    "Exit codes: 0 done, 1 it could not be done, 2 usage error.\n";

static int load_conf(const char *path, struct conf *ret, struct why *why)
{
	own(text) struct text *t = NULL;
	int r = text_read(path ? path : CONF_DEFAULT_PATH, CONF_FILE_MAX, &t);

	if (r == -ENOENT && !path) {
		conf_defaults(ret);
		return 0;
	}
	if (r < 0)
		return why_set(why, r, "cannot read %s: %s", path ? path : CONF_DEFAULT_PATH,
			       strerror(-r));
	return conf_parse(t->bytes, t->len, path ? path : CONF_DEFAULT_PATH, ret, why);
}

/*
 * Opening: the kernel first, then the marker. Closing: the marker first, as without
 * it a store that says "open" would open again at the next start.
 */
static int force(const struct conf *c, bool open, const char *reason, struct why *why)
{
	char by[64];
	int r = open ? backend_set_open(c, true, why) : 0;

	if (r < 0)
		return r;
	user_name(getuid(), by, sizeof(by));
	r = marker_write(c->state_dir, open ? MARK_OPEN : MARK_RESUMED, by, reason);
	if (r < 0)
		return why_set(why, r, "%scannot leave a mark in %s%s: %s",
			       open ? "open, but " : "", c->state_dir,
			       open ? ", so a restart may close again" : "", strerror(-r));
	return open ? 0 : backend_set_open(c, false, why);
}

static int without_daemon(const struct client *c, const char *config, const char *reason, bool open,
			  const struct why *daemon)
{
	static struct conf conf;
	struct why why = { 0 };
	struct mono begun = mono_now();
	int r = load_conf(config, &conf, &why);

	if (r == 0)
		r = force(&conf, open, reason, &why);
	if (r < 0) {
		fprintf(stderr, "porteiro %s: %s; and without it: %s\n", c->verb, daemon->text,
			why.text);
		return EXIT_NO;
	}
	double ms = (double)mono_since(begun, mono_now()).ns / 1e6;
	if (c->json)
		printf("{\"open\":%s,\"daemon\":false,\"in_force_ms\":%.3f}\n",
		       open ? "true" : "false", ms);
	else
		printf("%s, without the daemon (%s); in force after %.1f ms.\n",
		       open ? "Everything is open" : "Closed again as last loaded", daemon->text,
		       ms);
	return EXIT_DONE;
}

static int turn(struct client *c, const char *reason, const char *config, bool open)
{
	own(reply) struct reply *r = NULL;
	struct why why = { 0 };
	json_t *j = reason ? json_pack("{s:s}", "reason", reason) : json_object();
	own_mem char *body = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	if (!body) {
		fprintf(stderr, "porteiro %s: the reason must be UTF-8 text\n", c->verb);
		return EXIT_USAGE;
	}
	const struct ask ask = {
		"POST", open ? "/v1/open" : "/v1/resume", "application/json", body, strlen(body),
		NULL
	};
	c->timeout_ms = open ? PATIENCE_MS : 0;
	int code = client_ask(c, &ask, &r, &why);
	if (code == 0 && r->status >= 400 && r->status < 500)
		return client_tell_problem(c, r);
	if (code == 0 && r->status >= 500) /* the daemon is there and can not: do it past it */
		why_set(&why, -EIO, "%s", reply_string(r->json, "detail"));
	if (code < 0 || r->status >= 500)
		return open || code < 0 ? without_daemon(c, config, reason, open, &why)
					: client_tell_problem(c, r);
	if (c->json)
		puts(r->text);
	else
		printf("%s; in force after %.1f ms.\n",
		       open ? "Everything is open until porteiro resume"
			    : "The plan is in force again",
		       reply_number(r->json, "in_force_ms"));
	return EXIT_DONE;
}

int verb_open(int argc, char **argv)
{
	struct client c = { .verb = "open" };
	const char *reason = NULL, *config = NULL;
	bool all = false;
	const struct client_option options[] = { { "all", NULL, &all },
						 { "reason", &reason, NULL },
						 { "config", &config, NULL },
						 { NULL, NULL, NULL } };
	int r = client_options(argc, argv, &c, options, open_usage, 0, 0);

	if (r >= 0)
		return r;
	if (!all) {
		fputs(
		    "porteiro open: opens everything, and so wants to hear --all; for one address "
		    "see porteiro exception\n",
		    stderr);
		return EXIT_USAGE;
	}
	return turn(&c, reason, config, true);
}

int verb_resume(int argc, char **argv)
{
	struct client c = { .verb = "resume" };
	const char *reason = NULL, *config = NULL;
	const struct client_option options[] = { { "reason", &reason, NULL },
						 { "config", &config, NULL },
						 { NULL, NULL, NULL } };
	int r = client_options(argc, argv, &c, options, resume_usage, 0, 0);

	return r >= 0 ? r : turn(&c, reason, config, false);
}
