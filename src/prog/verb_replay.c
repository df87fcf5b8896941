/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro replay: what a plan would have done to the frames of a capture. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "prog/replay.h"
#include "prog/rules.h"
#include "prog/verbs.h"

static const struct kind {
	const char *name;
	replay_judge_new_fn new;
} judges[] = {
	{ "reference", replay_reference_new },
	{ "xdp", replay_xdp_new },
};
#define JUDGES (sizeof(judges) / sizeof(*judges))

static const char *const sides[] = {
	[SIDE_SUBSCRIBER] = "subscriber",
	[SIDE_UPLINK] = "uplink",
};
#define SIDES (sizeof(sides) / sizeof(*sides))

struct wanted {
	const struct kind *kind;
	enum side side;
	const char *exceptions; /* or NULL */
	bool json;
	const char *plan;
	char **files; /* to a NULL */
};

static void usage(FILE *out)
{
	fputs("usage: porteiro replay PLAN [--with ", out);
	for (size_t i = 0; i < JUDGES; i++)
		fprintf(out, "%s%s", i ? "|" : "", judges[i].name);
	fputs("] [--side subscriber|uplink]\n"
	      "                       [--exceptions FILE] [--json] FILE.pcap...\n\n"
	      "Runs each frame of the captures (pcap, pcapng; Ethernet) as if a subscriber had\n"
	      "sent it past the plan, and prints totals. '-' is standard input.\n",
	      out);
}

static int no_such(const char *option, const char *given)
{
	fprintf(stderr, "porteiro replay: --%s can not be '%s'\n", option, given);
	return EXIT_USAGE;
}

/* The exit code if this was all, or -1 to go on. */
static int take_option(struct wanted *w, int option)
{
	switch (option) {
	case 'w':
		for (size_t i = 0; i < JUDGES; i++)
			if (strcmp(judges[i].name, optarg) == 0)
				return w->kind = &judges[i], -1;
		return no_such("with", optarg);
	case 's':
		for (size_t i = 0; i < SIDES; i++)
			if (strcmp(sides[i], optarg) == 0)
				return w->side = (enum side)i, -1;
		return no_such("side", optarg);
	case 'e':
		w->exceptions = optarg;
		return -1;
	case 'j':
		w->json = true;
		return -1;
	case 'h':
		usage(stdout);
		return EXIT_DONE;
	default:
		return EXIT_USAGE;
	}
}

static int take_arguments(struct wanted *w, int argc, char **argv)
{
	static const struct option options[] = {
		{ "with", required_argument, NULL, 'w' },
		{ "side", required_argument, NULL, 's' },
		{ "exceptions", required_argument, NULL, 'e' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		int code = take_option(w, option);
		if (code >= 0)
			return code;
	}
	if (argc - optind < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	w->plan = argv[optind];
	w->files = argv + optind + 1;
	return -1;
}

static int fail(const char *file, const struct why *why)
{
	fprintf(stderr, "porteiro replay: %s%s%s\n", file ? file : "", file ? ": " : "", why->text);
	return EXIT_USAGE;
}

static int replay(const struct wanted *w)
{
	own(ruleset) struct ruleset *rs = NULL;
	own(replay_judge) struct replay_judge *judge = NULL;
	own(replay_totals) struct replay_totals *totals = NULL;
	struct wall now = wall_now();
	struct why why = { .text = "out of memory" };
	int r = rules_load("replay", w->plan, w->exceptions, now, &rs);

	if (r != 0)
		return r;
	if (w->kind->new (rs, w->side, now, &judge, &why) < 0 || replay_totals_new(&totals) < 0)
		return fail(NULL, &why);
	for (char **file = w->files; *file; file++) {
		bool cut = false;

		if (replay_file(*file, judge, totals, &cut, &why) < 0)
			return fail(*file, &why);
		if (cut)
			fprintf(stderr,
				"porteiro replay: %s: it ends inside a record; all before counts\n",
				*file);
	}
	r = w->json ? replay_totals_json(totals, stdout) : replay_totals_text(totals, stdout);
	if (r < 0 || fflush(stdout) != 0) {
		fputs("porteiro replay: can not write the totals\n", stderr);
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

int verb_replay(int argc, char **argv)
{
	struct wanted w = { .kind = &judges[0], .side = SIDE_SUBSCRIBER };
	int code = take_arguments(&w, argc, argv);

	return code >= 0 ? code : replay(&w);
}
