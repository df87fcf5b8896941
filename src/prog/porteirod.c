/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteirod: the daemon. One binary; started by hand or by systemd it is the
 * parent, and the parent starts it again in each role.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "prog/event.h"
#include "prog/journal_replay.h"
#include "prog/parent.h"
#include "prog/role.h"
#include "prog/verbs.h"
#include "store/store.h"
#include "tell/api.h"

static void usage(FILE *out)
{
	fputs("usage: porteirod [--config FILE]\n"
	      "       porteirod [--config FILE] --check-config\n"
	      "       porteirod [--config FILE] --replay\n"
	      "       porteirod --show-defaults | --show-api | --show-events\n\n"
	      "Keeps TCP port 25 closed where the network plan says so. Runs in the foreground.\n\n"
	      "  --config FILE    read FILE, not " CONF_DEFAULT_PATH "\n"
	      "  --check-config   say whether the configuration is valid, and end\n"
	      "  --replay         do the journal's decisions again, say whether they come to the "
	      "same\n"
	      "                   rulesets, and end\n"
	      "  --show-defaults  print every key with its default, and end\n"
	      "  --show-api       print the table of the API's routes as JSON, and end\n"
	      "  --show-events    print every event of the log, and end\n"
	      "  --version\n\n"
	      "Exit codes: 0 done, 1 could not start, 2 usage or configuration error.\n"
	      "See porteirod(8), porteirod.conf(5), porteiro-api(7).\n",
	      out);
}

static int show_defaults(void)
{
	for (const struct conf_key *k = conf_keys; k->name; k++)
		printf("# %s\n# %s; a change takes effect %s.\n%s%s = %s\n\n", k->sentence, k->type,
		       conf_reload_text(k->reload), k->value ? "" : "# ", k->name,
		       k->value ? k->value : "eth1 subscriber");
	return EXIT_DONE;
}

static int show_api(void)
{
	json_t *j = api_routes_json();

	json_dumpf(j, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(j);
	return EXIT_DONE;
}

static int show_events(void)
{
	for (int i = 0; i < EV_COUNT_; i++)
		printf("%s\t%s\t%s\t%s\n", events[i].id, events[i].name,
		       log_level_name(events[i].level), events[i].text);
	return EXIT_DONE;
}

static int replay(const struct conf *c)
{
	own(store) struct store *s = NULL;
	struct journal_replay r = { 0 };
	char path[CONF_PATH_MAX + 32];
	struct why why = { 0 };

	snprintf(path, sizeof(path), "%s/" STORE_NAME, c->state_dir);
	if (access(path, R_OK) < 0 || store_open(path, &s, &why) < 0) {
		fprintf(stderr, "porteirod: %s\n", *why.text ? why.text : "there is no store yet");
		return EXIT_USAGE;
	}
	if (journal_replay(s, &r, &why) < 0) {
		fprintf(stderr, "porteirod: %s\n", why.text);
		return EXIT_NO;
	}
	printf("%" PRIu64 " entries, %" PRIu64 " rulesets compiled again: all the same.\n",
	       r.entries, r.rulesets);
	return EXIT_DONE;
}

static int run_role(const char *name)
{
	enum role role;

	if (!role_parse(name, &role)) {
		fprintf(stderr, "porteirod: there is no role '%s'\n", name);
		return EXIT_USAGE;
	}
	switch (role) {
	case ROLE_CONFIG:
		return role_config();
	case ROLE_ENFORCE:
		return role_enforce();
	case ROLE_ENGINE:
		return role_engine();
	case ROLE_WEB:
		return role_web();
	default:
		return EXIT_USAGE;
	}
}

struct options {
	const char *config, *role;
	bool check, replay, defaults, api, events;
};

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'C' },
		{ "show-defaults", no_argument, NULL, 'd' },
		{ "show-api", no_argument, NULL, 'a' },
		{ "replay", no_argument, NULL, 'R' },
		{ "show-events", no_argument, NULL, 'e' },
		{ "role", required_argument, NULL, 'r' },
		{ 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "hc:", options, NULL)) != -1;) {
		switch (c) {
		case 'h':
			usage(stdout);
			return EXIT_DONE;
		case 'v':
			puts("porteirod " PORTEIRO_VERSION);
			return EXIT_DONE;
		case 'c':
			o->config = optarg;
			break;
		case 'C':
			o->check = true;
			break;
		case 'R':
			o->replay = true;
			break;
		case 'd':
			o->defaults = true;
			break;
		case 'a':
			o->api = true;
			break;
		case 'e':
			o->events = true;
			break;
		case 'r':
			o->role = optarg;
			break;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	usage(stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct why why = { 0 };
	static struct conf conf;
	int r = read_options(argc, argv, &o);

	if (r >= 0)
		return r;
	if (sodium_init() < 0)
		return EXIT_FAILURE;
	if (o.role)
		return run_role(o.role);
	if (o.defaults)
		return show_defaults();
	if (o.api)
		return show_api();
	if (o.events)
		return show_events();
	if (parent_read_conf(o.config, &conf, &why) < 0) {
		fprintf(stderr, "porteirod: %s\n", why.text);
		return EXIT_USAGE;
	}
	if (o.check) {
		printf("%s: valid\n", o.config ? o.config : CONF_DEFAULT_PATH);
		return EXIT_DONE;
	}
	if (o.replay)
		return replay(&conf);
	return parent_run(o.config, &conf);
}
