/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/flow_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/own.h"
#include "base/text.h"
#include "wire/pcap.h"
#include "wire/udp.h"

#define DATAGRAM_MAX 65535

extern char **environ;

static int capture_read(struct flow_decoder *d, FILE *file, const char *path, struct why *why)
{
	own(pcap) struct pcap *p = NULL;
	struct pcap_frame frame;
	int r = pcap_new(file, &p, why);

	if (r < 0)
		return r;
	while ((r = pcap_next(p, &frame, why)) > 0) {
		struct udp u;

		if (udp_parse(frame.bytes, frame.len, &u))
			flow_decode(d, u.src, u.payload, u.len);
	}
	if (r == 0 && pcap_is_cut(p))
		fprintf(stderr,
			"porteiro: %s: cut off at byte %" PRIu64 "; what came before is counted\n",
			path, pcap_offset(p));
	return r;
}

static int payload_read(struct flow_decoder *d, const char *path, struct why *why)
{
	own(text) struct text *t = NULL;
	int r = text_read(path, DATAGRAM_MAX, &t);

	if (r == -EFBIG)
		return why_set(why, r,
			       "neither a capture nor an nfcapd archive, and too long for one "
			       "UDP payload (%d bytes)",
			       DATAGRAM_MAX);
	if (r < 0)
		return why_set(why, r, "%s", strerror(-r));
	if (t->len == 0)
		return why_set(why, -ENODATA, "the file is empty");
	/* A bare payload does not say who sent it. */
	flow_decode(d, (struct addr){ .family = FAMILY_V4 }, (const uint8_t *)t->bytes, t->len);
	return 0;
}

/* The columns of nfdump's csv that we read, by their names in its first line. */
enum column { COL_SRC, COL_DST, COL_SPORT, COL_DPORT, COL_PROTO, COL_PKT, COL_BYT, COL_COUNT };
static const char *const column_names[COL_COUNT] = { "sa", "da", "sp", "dp", "pr", "ipkt", "ibyt" };

static bool header_parse(char *line, int at[COL_COUNT])
{
	char *save = NULL;
	int n = 0, found = 0;

	for (char *c = strtok_r(line, ",\n", &save); c; c = strtok_r(NULL, ",\n", &save), n++)
		for (int i = 0; i < COL_COUNT; i++)
			if (strcmp(c, column_names[i]) == 0) {
				at[i] = n;
				found++;
			}
	return found == COL_COUNT;
}

static bool row_parse(char *line, const int at[COL_COUNT], struct flow_record *ret)
{
	const char *value[COL_COUNT] = { 0 };
	char *save = NULL;
	int n = 0;

	for (char *c = strtok_r(line, ",\n", &save); c; c = strtok_r(NULL, ",\n", &save), n++) {
		while (*c == ' ')
			c++;
		for (int i = 0; i < COL_COUNT; i++)
			if (at[i] == n)
				value[i] = c;
	}
	for (int i = 0; i < COL_COUNT; i++)
		if (!value[i])
			return false;
	*ret = (struct flow_record){
		.sport = (uint16_t)strtoul(value[COL_SPORT], NULL, 10),
		.dport = (uint16_t)strtoul(value[COL_DPORT], NULL, 10),
		.protocol = (uint8_t)(isdigit((unsigned char)*value[COL_PROTO])
					  ? strtoul(value[COL_PROTO], NULL, 10)
				      : strcmp(value[COL_PROTO], "TCP") == 0 ? 6
									     : 255),
		.packets = strtoull(value[COL_PKT], NULL, 10),
		.bytes = strtoull(value[COL_BYT], NULL, 10),
		.flows = 1,
	};
	ret->has_addresses =
	    addr_parse(value[COL_SRC], &ret->src) && addr_parse(value[COL_DST], &ret->dst);
	return ret->has_addresses;
}

/* Whom the records of an archive go to. */
struct sink {
	flow_record_fn fn;
	void *arg;
	uint64_t records;
};

static int archive_rows(struct sink *sink, FILE *out, struct why *why)
{
	char line[4096];
	int at[COL_COUNT];

	if (!fgets(line, sizeof(line), out) || !header_parse(line, at))
		return why_set(why, -EBADMSG, "nfdump printed no csv that we know");
	while (fgets(line, sizeof(line), out)) {
		struct flow_record r;

		if (strncmp(line, "Summary", 7) == 0)
			break;
		if (!row_parse(line, at, &r))
			continue;
		sink->records++;
		sink->fn(sink->arg, &r);
	}
	return 0;
}

/* argv only, no shell: a file name is nothing but a file name. */
static int archive_read(struct sink *sink, const char *path, struct why *why)
{
	char *argv[] = { (char *)"nfdump", (char *)"-r",  (char *)path,
			 (char *)"-o",     (char *)"csv", NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return why_set(why, -errno, "pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	int r = -posix_spawnp(&pid, "nfdump", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	own_file FILE *out = fdopen(ends[0], "r");
	if (r < 0)
		return why_set(why, r, "an nfcapd archive, and nfdump can not be run: %s",
			       strerror(-r));

	r = archive_rows(sink, out, why);
	while (out && fgetc(out) != EOF)
		;
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return why_set(why, -EBADMSG, "nfdump could not read it");
	return r;
}

static enum file_kind kind_of(const uint8_t magic[4])
{
	static const uint8_t captures[][4] = {
		{ 0xa1, 0xb2, 0xc3, 0xd4 }, { 0xd4, 0xc3, 0xb2, 0xa1 }, { 0xa1, 0xb2, 0x3c, 0x4d },
		{ 0x4d, 0x3c, 0xb2, 0xa1 }, { 0xa1, 0xb2, 0xcd, 0x34 }, { 0x34, 0xcd, 0xb2, 0xa1 },
		{ 0x0a, 0x0d, 0x0d, 0x0a },
	};

	for (size_t i = 0; i < sizeof(captures) / sizeof(*captures); i++)
		if (memcmp(magic, captures[i], 4) == 0)
			return FILE_CAPTURE;
	/* nfdump's 0xa50c, in either order */
	if ((magic[0] == 0x0c && magic[1] == 0xa5) || (magic[0] == 0xa5 && magic[1] == 0x0c))
		return FILE_ARCHIVE;
	return FILE_OTHER;
}

enum file_kind file_kind_of(FILE *file)
{
	uint8_t magic[4] = { 0 };
	size_t got = fread(magic, 1, sizeof(magic), file);

	rewind(file);
	return got == sizeof(magic) ? kind_of(magic) : FILE_OTHER;
}

int flow_file_feed(const char *path, struct flow_decoder *d, flow_record_fn fn, void *arg,
		   uint64_t *ret_archived, struct why *why)
{
	own_file FILE *file = fopen(path, "rbe");
	struct sink sink = { fn, arg, 0 };
	int r = 0;

	if (!file)
		return why_set(why, -errno, "%s", strerror(errno));
	switch (file_kind_of(file)) {
	case FILE_CAPTURE:
		return capture_read(d, file, path, why);
	case FILE_ARCHIVE:
		r = archive_read(&sink, path, why);
		if (r >= 0)
			*ret_archived += sink.records;
		return r;
	case FILE_OTHER:
		break;
	}
	return payload_read(d, path, why);
}

int flow_file_read(const char *path, const struct flow_options *options, flow_record_fn fn,
		   void *arg, struct why *why)
{
	own(flow_decoder) struct flow_decoder *d = NULL;
	uint64_t archived = 0;
	int r = flow_decoder_new(options, fn, arg, &d);

	if (r < 0)
		return why_set(why, r, "out of memory");
	return flow_file_feed(path, d, fn, arg, &archived, why);
}
