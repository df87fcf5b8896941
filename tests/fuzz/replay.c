/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay: feed every file of a folder to a fuzz target, without a fuzzer.
 *
 * usage: NAME_replay FOLDER. An empty or missing folder is an error: a corpus
 * that got lost must not look like one that passed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int feed(const char *folder, const char *name)
{
	char path[4096];
	FILE *f = NULL;
	uint8_t *data = NULL;
	long bytes = -1;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (f && fseek(f, 0, SEEK_END) == 0 && (bytes = ftell(f)) >= 0) {
		rewind(f);
		/* Exactly as long as the file, so that a sanitizer sees a byte too far. */
		data = malloc((size_t)bytes + !bytes);
		if (data && fread(data, 1, (size_t)bytes, f) != (size_t)bytes)
			bytes = -1;
	}
	if (data && bytes >= 0)
		LLVMFuzzerTestOneInput(data, (size_t)bytes);
	else
		perror(path);
	free(data);
	if (f)
		fclose(f);
	return data && bytes >= 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	size_t count = 0;
	int r = 0;

	if (!dir) {
		fprintf(stderr, "usage: %s FOLDER, which must exist\n", argv[0]);
		return 2;
	}
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (e->d_name[0] != '.') {
			r = feed(argv[1], e->d_name);
			count++;
		}
	closedir(dir);
	printf("%zu inputs\n", count);
	return r < 0 || count == 0;
}
