/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/index_command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char index_command_options[] =
    "  -c, --config FILE      what the tags, ports and networks mean (YAML)\n"
    "      --since DATE       first day counted, e.g. 2026-11-01\n"
    "      --until DATE       last day counted\n"
    "      --tag TAG=CHANNEL  25, 587, 465, webmail, other or ignore; may be repeated\n"
    "      --port PORT=CHANNEL\n"
    "      --own NET          addresses that may relay without a password\n"
    "      --dynamic NET      addresses of home customers\n"
    "      --webmail NET      where the webmail stands\n"
    "      --realm DOMAIN     of user names without one\n"
    "      --base FILE        all accounts, one a line: gives the index of the whole base\n"
    "      --quiet-days N     days without port 25 that make an account migrated (14)\n"
    "      --window-days N    at most so many days are looked at (90)\n"
    "      --year YEAR        of the first line of every log that does not say\n"
    "      --workers N        files read at once (one for each core)\n"
    "      --json, --csv      for programs\n";

enum {
	OPT_SINCE = 256,
	OPT_UNTIL,
	OPT_TAG,
	OPT_PORT,
	OPT_OWN,
	OPT_DYNAMIC,
	OPT_WEBMAIL,
	OPT_REALM,
	OPT_BASE,
	OPT_QUIET,
	OPT_WINDOW,
	OPT_YEAR,
	OPT_WORKERS,
	OPT_JSON,
	OPT_CSV
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "since", required_argument, NULL, OPT_SINCE },
	{ "until", required_argument, NULL, OPT_UNTIL },
	{ "tag", required_argument, NULL, OPT_TAG },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "own", required_argument, NULL, OPT_OWN },
	{ "dynamic", required_argument, NULL, OPT_DYNAMIC },
	{ "webmail", required_argument, NULL, OPT_WEBMAIL },
	{ "realm", required_argument, NULL, OPT_REALM },
	{ "base", required_argument, NULL, OPT_BASE },
	{ "quiet-days", required_argument, NULL, OPT_QUIET },
	{ "window-days", required_argument, NULL, OPT_WINDOW },
	{ "year", required_argument, NULL, OPT_YEAR },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "csv", no_argument, NULL, OPT_CSV },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int number(const char *text, const char *name, int low, int high, int *ret, struct why *why)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < low || v > high)
		return why_set(why, -EINVAL, "--%s: '%s' is not a number from %d to %d", name, text,
			       low, high);
	*ret = (int)v;
	return 0;
}

static int day(const char *text, const char *name, int64_t *ret, struct why *why)
{
	if (stamp_day_parse(slice_of(text), ret))
		return 0;
	return why_set(why, -EINVAL, "--%s: '%s' is not a date like 2026-11-21", name, text);
}

static int option(struct index_command *c, int opt, char *arg, struct why *why)
{
	struct mailsite *s = c->site;

	switch (opt) {
	case OPT_SINCE:
		return day(arg, "since", &c->run.span.from, why);
	case OPT_UNTIL:
		return day(arg, "until", &c->run.span.to, why);
	case OPT_TAG:
		return mailsite_tag(s, slice_of(arg), why);
	case OPT_PORT:
		return mailsite_port(s, slice_of(arg), why);
	case OPT_OWN:
		return mailsite_network(&s->own, slice_of(arg), why);
	case OPT_DYNAMIC:
		return mailsite_network(&s->dynamic, slice_of(arg), why);
	case OPT_WEBMAIL:
		return mailsite_network(&s->webmail, slice_of(arg), why);
	case OPT_REALM:
		return mailsite_realm(s, arg, why);
	case OPT_BASE:
		c->run.base = arg;
		return 0;
	case OPT_QUIET:
		return number(arg, "quiet-days", 0, 3650, &s->quiet_days, why);
	case OPT_WINDOW:
		return number(arg, "window-days", 1, 3650, &s->window_days, why);
	case OPT_YEAR:
		return number(arg, "year", 1970, 9998, &c->run.year, why);
	case OPT_WORKERS:
		return number(arg, "workers", 1, 64, &c->run.workers, why);
	case OPT_JSON:
		c->form = FORM_JSON;
		return 0;
	case OPT_CSV:
		c->form = FORM_CSV;
		return 0;
	default:
		return -EINVAL;
	}
}

/* The configuration comes first, wherever --config stands: options have the last word. */
static int config(struct index_command *c, int argc, char **argv, struct why *why)
{
	const char *path = NULL;
	int opt;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
		if (opt == 'c')
			path = optarg;
	opterr = 1;
	optind = 1;
	return path ? mailsite_load(path, &c->site, why) : mailsite_new(&c->site);
}

int index_command(struct index_command *c, int argc, char **argv, struct why *why)
{
	int opt, r = config(c, argc, argv, why);

	c->run.span = (struct maillog_span){ INT64_MIN, INT64_MAX };

	while (r == 0 && (opt = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (opt == 'h')
			c->help = true;
		else if (opt != 'c')
			r = option(c, opt, optarg, why);
	}
	if (r < 0 || c->help)
		return r;
	c->run.paths = argv + optind;
	c->run.paths_count = argc - optind;
	if (c->run.span.from > c->run.span.to)
		return why_set(why, -EINVAL, "--since is after --until");
	if (!c->run.paths_count)
		return why_set(why, -EINVAL, "no log given; '-' reads standard input");
	return 0;
}

void index_command_done(struct index_command *c)
{
	mailsite_free(c->site);
	c->site = NULL;
}

int index_command_run(struct index_command *c, struct index_run **ret, struct why *why)
{
	c->run.site = c->site;
	c->run.now = time(NULL);
	c->run.progress = isatty(STDERR_FILENO) != 0;
	if (c->site->timezone) {
		setenv("TZ", c->site->timezone, 1);
		tzset();
	}
	return index_run(&c->run, ret, why);
}
