/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro compile: the ruleset that a plan comes to, in the language that is asked for. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "enforce/nft_text.h"
#include "prog/rules.h"
#include "prog/verbs.h"

static int nft_forward(const struct ruleset *rs, FILE *out)
{
	return nft_text(rs, &(struct nft_options){ .place = NFT_FORWARD }, wall_now(), out);
}

static int nft_prerouting(const struct ruleset *rs, FILE *out)
{
	return nft_text(rs, &(struct nft_options){ .place = NFT_PREROUTING }, wall_now(), out);
}

static int nft_bridge(const struct ruleset *rs, FILE *out)
{
	return nft_text(rs, &(struct nft_options){ .place = NFT_BRIDGE }, wall_now(), out);
}

static const struct output {
	const char *name;
	int (*write)(const struct ruleset *rs, FILE *out);
} outputs[] = {
	{ "ruleset", ruleset_text },          { "json", ruleset_json },     { "nft", nft_forward },
	{ "nft-prerouting", nft_prerouting }, { "nft-bridge", nft_bridge },
};
#define OUTPUTS (sizeof(outputs) / sizeof(*outputs))

static void usage(FILE *out)
{
	fputs("usage: porteiro compile PLAN [--for ", out);
	for (size_t i = 0; i < OUTPUTS; i++)
		fprintf(out, "%s%s", i ? "|" : "", outputs[i].name);
	fputs("] [--exceptions FILE] [--json]\n\n"
	      "Prints the ruleset that PLAN comes to. --json is --for json.\n",
	      out);
}

static const struct output *output_find(const char *name)
{
	for (size_t i = 0; i < OUTPUTS; i++)
		if (strcmp(outputs[i].name, name) == 0)
			return &outputs[i];
	return NULL;
}

int verb_compile(int argc, char **argv)
{
	static const struct option options[] = {
		{ "for", required_argument, NULL, 'f' },
		{ "exceptions", required_argument, NULL, 'e' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct output *output = &outputs[0];
	const char *exceptions = NULL;
	own(ruleset) struct ruleset *rs = NULL;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'f':
		case 'j':
			output = output_find(o == 'j' ? "json" : optarg);
			if (!output) {
				fprintf(stderr, "porteiro compile: nothing is written for '%s'\n",
					optarg);
				return EXIT_USAGE;
			}
			break;
		case 'e':
			exceptions = optarg;
			break;
		case 'h':
			usage(stdout);
			return EXIT_DONE;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind + 1 != argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	int r = rules_load("compile", argv[optind], exceptions, wall_now(), &rs);
	if (r != 0)
		return r;
	if (output->write(rs, stdout) < 0 || fflush(stdout) != 0) {
		fputs("porteiro compile: can not write to standard output\n", stderr);
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}
