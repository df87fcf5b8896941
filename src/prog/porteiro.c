/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro: the command. Finds the verb in the table and runs it.
 */
#include <stdio.h>
#include <string.h>

#include "prog/verbs.h"

static void usage(FILE *out)
{
	fputs("usage: porteiro VERB [OPTION]... [ARGUMENT]...\n"
	      "       porteiro VERB --help\n\n"
	      "Closes TCP port 25 to home customers without breaking anybody's mail.\n\n",
	      out);
	for (const struct verb *v = verbs; v->name; v++)
		fprintf(out, "  %-18s %s\n", v->name, v->summary);
	fputs("\nExit codes: 0 done, 1 the answer is no, 2 usage or input error.\n"
	      "See porteiro(1).\n",
	      out);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("porteiro " PORTEIRO_VERSION);
		return EXIT_DONE;
	}
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(argv[1], v->name) == 0)
			return v->run(argc - 1, argv + 1);

	fprintf(stderr, "porteiro: there is no verb '%s'; 'porteiro --help' lists them\n", argv[1]);
	return EXIT_USAGE;
}
