/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro lab: a small real network with Porteiro in the middle.
 *
 * The lab is orchestration (namespaces, mail servers, sessions), so it is
 * written in Python and stands in lab/ of the source tree, or in libexec when
 * installed. This finds it, tells it where the programs lie, and becomes it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prog/verbs.h"

#define PATH_BYTES 4096

/* The directory of this program, without a slash at its end. */
static int own_directory(char ret[static PATH_BYTES])
{
	ssize_t n = readlink("/proc/self/exe", ret, PATH_BYTES - 1);

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	*strrchr(ret, '/') = '\0';
	return 0;
}

/* A build directory has the source tree beside it; an installed program has not. */
static int script_path(const char *dir, char ret[static PATH_BYTES])
{
	char ninja[PATH_BYTES];
	int n = snprintf(ninja, sizeof(ninja), "%s/../../build.ninja", dir);

	if (n < 0 || n >= PATH_BYTES)
		return -ENAMETOOLONG;
	if (access(ninja, F_OK) == 0)
		n = snprintf(ret, PATH_BYTES, "%s/../../../lab/lab.py", dir);
	else
		n = snprintf(ret, PATH_BYTES, "%s/lab/lab.py", PORTEIRO_LIBEXEC);
	if (n < 0 || n >= PATH_BYTES)
		return -ENAMETOOLONG;
	return access(ret, R_OK) == 0 ? 0 : -errno;
}

int verb_lab(int argc, char **argv)
{
	char dir[PATH_BYTES], script[PATH_BYTES];
	int r = own_directory(dir);

	if (r == 0)
		r = script_path(dir, script);
	if (r < 0) {
		fprintf(stderr, "porteiro lab: cannot find the lab's script: %s\n", strerror(-r));
		return EXIT_USAGE;
	}
	/* python3 -I -B SCRIPT --programs DIR [what was given] */
	char **args = calloc((size_t)argc + 6, sizeof(*args));
	if (!args) {
		fputs("porteiro lab: out of memory\n", stderr);
		return EXIT_USAGE;
	}
	int n = 0;
	args[n++] = (char[]){ "python3" };
	args[n++] = (char[]){ "-I" };
	args[n++] = (char[]){ "-B" };
	args[n++] = script;
	args[n++] = (char[]){ "--programs" };
	args[n++] = dir;
	for (int i = 1; i < argc; i++)
		args[n++] = argv[i];
	execvp(args[0], args);
	fprintf(stderr, "porteiro lab: cannot run python3: %s\n", strerror(errno));
	free(args);
	return EXIT_USAGE;
}
