/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro flows: decode export traffic from files and count what goes to the
 * mail ports. For looking at what a router really sends, before trusting it.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/own.h"
#include "base/text.h"
#include "base/why.h"
#include "observe/flow_tally.h"
#include "prog/verbs.h"
#include "wire/flow.h"
#include "wire/pcap.h"
#include "wire/udp.h"

#define DATAGRAM_MAX 65535

extern char **environ;

struct flows {
	struct flow_decoder *decoder;
	struct flow_tally tally;
	uint64_t archived; /* records that came out of nfdump archives */
	bool json, print_records;
};

static const char help[] =
    "usage: porteiro flows [--json] [--records] FILE...\n\n"
    "Decodes NetFlow v5, v9, IPFIX and sFlow v5 and counts records to ports 25, 465, 587.\n"
    "A FILE is a capture of export traffic (pcap, pcapng), one bare UDP payload, or an\n"
    "nfcapd archive (read by nfdump). Files are fed in the order given, so give those\n"
    "with templates first.\n\n"
    "  --json      one JSON object\n"
    "  --records   one JSON line per flow record, and nothing else\n"
    "  --juniper   number NAT events as Juniper MX does, not by RFC 8158\n";

static json_t *record_json(const struct flow_record *r)
{
	char src[ADDR_TEXT_MAX] = "", dst[ADDR_TEXT_MAX] = "";
	json_t *j = json_object();

	if (r->has_addresses) {
		json_object_set_new(j, "source", json_string(addr_text(r->src, src)));
		json_object_set_new(j, "destination", json_string(addr_text(r->dst, dst)));
	}
	json_object_set_new(j, "source_port", json_integer(r->sport));
	json_object_set_new(j, "destination_port", json_integer(r->dport));
	json_object_set_new(j, "protocol", json_integer(r->protocol));
	json_object_set_new(j, "tcp_flags", json_integer(r->tcp_flags));
	json_object_set_new(j, "packets", json_integer((json_int_t)r->packets));
	json_object_set_new(j, "bytes", json_integer((json_int_t)r->bytes));
	json_object_set_new(j, "flows", json_integer((json_int_t)r->flows));
	json_object_set_new(j, "start_ms", json_integer(r->start_ms));
	json_object_set_new(j, "end_ms", json_integer(r->end_ms));
	json_object_set_new(j, "sampling", r->sampling ? json_integer(r->sampling) : json_null());
	if (r->vlan)
		json_object_set_new(j, "vlan", json_integer(r->vlan));
	if (r->reverse_packets || r->reverse_bytes) {
		json_object_set_new(j, "reverse_packets",
				    json_integer((json_int_t)r->reverse_packets));
		json_object_set_new(j, "reverse_bytes", json_integer((json_int_t)r->reverse_bytes));
	}
	if (r->has_nat)
		json_object_set_new(j, "nat_source", json_string(addr_text(r->nat_src, src)));
	if (r->nat != FLOW_NAT_NONE)
		json_object_set_new(j, "nat_event", json_string(flow_nat_name(r->nat)));
	return j;
}

static void json_print(json_t *j)
{
	json_dumpf(j, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(j);
}

static void on_record(void *arg, const struct flow_record *r)
{
	struct flows *f = arg;

	flow_tally_add(&f->tally, r);
	if (f->print_records)
		json_print(record_json(r));
}

static int capture_read(struct flows *f, FILE *file, const char *path, struct why *why)
{
	own(pcap) struct pcap *p = NULL;
	struct pcap_frame frame;
	int r = pcap_new(file, &p, why);

	if (r < 0)
		return r;
	while ((r = pcap_next(p, &frame, why)) > 0) {
		struct udp u;

		if (udp_parse(frame.bytes, frame.len, &u))
			flow_decode(f->decoder, u.src, u.payload, u.len);
	}
	if (r == 0 && pcap_is_cut(p))
		fprintf(stderr,
			"porteiro: %s: cut off at byte %" PRIu64 "; what came before is counted\n",
			path, pcap_offset(p));
	return r;
}

static int payload_read(struct flows *f, const char *path, struct why *why)
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
	flow_decode(f->decoder, (struct addr){ .family = FAMILY_V4 }, (const uint8_t *)t->bytes,
		    t->len);
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

static int archive_rows(struct flows *f, FILE *out, struct why *why)
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
		f->archived++;
		on_record(f, &r);
	}
	return 0;
}

/* argv only, no shell: a file name is nothing but a file name. */
static int archive_read(struct flows *f, const char *path, struct why *why)
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

	r = archive_rows(f, out, why);
	while (out && fgetc(out) != EOF)
		;
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return why_set(why, -EBADMSG, "nfdump could not read it");
	return r;
}

enum kind { KIND_PAYLOAD, KIND_CAPTURE, KIND_ARCHIVE };

static enum kind kind_of(const uint8_t magic[4])
{
	static const uint8_t captures[][4] = {
		{ 0xa1, 0xb2, 0xc3, 0xd4 }, { 0xd4, 0xc3, 0xb2, 0xa1 }, { 0xa1, 0xb2, 0x3c, 0x4d },
		{ 0x4d, 0x3c, 0xb2, 0xa1 }, { 0xa1, 0xb2, 0xcd, 0x34 }, { 0x34, 0xcd, 0xb2, 0xa1 },
		{ 0x0a, 0x0d, 0x0d, 0x0a }
	};

	for (size_t i = 0; i < sizeof(captures) / sizeof(*captures); i++)
		if (memcmp(magic, captures[i], 4) == 0)
			return KIND_CAPTURE;
	if ((magic[0] == 0x0c && magic[1] == 0xa5) || (magic[0] == 0xa5 && magic[1] == 0x0c))
		return KIND_ARCHIVE;
	return KIND_PAYLOAD;
}

static int file_read(struct flows *f, const char *path, struct why *why)
{
	own_file FILE *file = fopen(path, "rbe");
	uint8_t magic[4] = { 0 };

	if (!file)
		return why_set(why, -errno, "%s", strerror(errno));
	if (fread(magic, 1, sizeof(magic), file) < sizeof(magic) && ferror(file))
		return why_set(why, -EIO, "%s", strerror(errno));
	rewind(file);
	switch (kind_of(magic)) {
	case KIND_CAPTURE:
		return capture_read(f, file, path, why);
	case KIND_ARCHIVE:
		return archive_read(f, path, why);
	case KIND_PAYLOAD:
		break;
	}
	return payload_read(f, path, why);
}

static json_t *exporters_json(const struct flow_decoder *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < flow_exporters(d); i++) {
		const struct flow_exporter *e = flow_exporter_at(d, i);
		char text[ADDR_TEXT_MAX];

		json_array_append_new(
		    list,
		    json_pack("{s:s,s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "address",
			      addr_text(e->address, text), "domain", (json_int_t)e->domain,
			      "protocol", flow_protocol_name(e->protocol), "datagrams",
			      (json_int_t)e->datagrams, "records", (json_int_t)e->records,
			      "templates", (json_int_t)e->templates, "lost", (json_int_t)e->lost,
			      "unknown_template", (json_int_t)e->unknown_template, "malformed",
			      (json_int_t)e->malformed, "sampling",
			      e->sampling ? json_integer(e->sampling) : json_null()));
	}
	return list;
}

static uint64_t records_total(const struct flows *f)
{
	uint64_t n = f->archived;

	for (size_t i = 0; i < flow_exporters(f->decoder); i++)
		n += flow_exporter_at(f->decoder, i)->records;
	return n;
}

static void print_json(const struct flows *f)
{
	json_t *to_port = json_object();

	for (int p = 0; p < MAIL_PORT_COUNT_; p++) {
		char port[8];

		snprintf(port, sizeof(port), "%u", mail_port_number[p]);
		json_object_set_new(
		    to_port, port,
		    json_pack("{s:I,s:I,s:I,s:I}", "records", (json_int_t)f->tally.to[p].records,
			      "flows", (json_int_t)f->tally.to[p].flows, "sources",
			      (json_int_t)f->tally.to[p].sources.count, "destinations",
			      (json_int_t)f->tally.to[p].destinations.count));
	}
	json_print(json_pack("{s:o,s:I,s:o}", "exporters", exporters_json(f->decoder), "records",
			     (json_int_t)records_total(f), "to_port", to_port));
}

static void print_text(const struct flows *f)
{
	printf("%-24s %10s %-9s %9s %10s %9s %7s %7s %9s %8s\n", "exporter", "domain", "protocol",
	       "datagrams", "records", "templates", "lost", "unknown", "malformed", "sampling");
	for (size_t i = 0; i < flow_exporters(f->decoder); i++) {
		const struct flow_exporter *e = flow_exporter_at(f->decoder, i);
		char text[ADDR_TEXT_MAX], rate[16] = "not said";

		if (e->sampling)
			snprintf(rate, sizeof(rate), "1:%u", e->sampling);
		printf("%-24s %10u %-9s %9" PRIu64 " %10" PRIu64 " %9" PRIu64 " %7" PRIu64
		       " %7" PRIu64 " %9" PRIu64 " %8s\n",
		       addr_text(e->address, text), e->domain, flow_protocol_name(e->protocol),
		       e->datagrams, e->records, e->templates, e->lost, e->unknown_template,
		       e->malformed, rate);
	}
	printf("\n%" PRIu64 " flow records\n\n%-8s %10s %10s %10s %12s\n", records_total(f),
	       "to port", "records", "flows", "sources", "destinations");
	for (int p = 0; p < MAIL_PORT_COUNT_; p++)
		printf("%-8u %10" PRIu64 " %10" PRIu64 " %10zu %12zu\n", mail_port_number[p],
		       f->tally.to[p].records, f->tally.to[p].flows, f->tally.to[p].sources.count,
		       f->tally.to[p].destinations.count);
}

/* 0, or EXIT_USAGE after saying what is wrong, or -1 when --help has been answered. */
static int options_read(int argc, char **argv, struct flows *f, struct flow_options *o)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "records", no_argument, NULL, 'r' },
		{ "juniper", no_argument, NULL, 'J' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			f->json = true;
			break;
		case 'r':
			f->print_records = true;
			break;
		case 'J':
			o->dialect = FLOW_DIALECT_JUNIPER;
			break;
		case 'h':
			fputs(help, stdout);
			return -1;
		default:
			fputs(help, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		fputs("porteiro flows: name at least one file\n", stderr);
		return EXIT_USAGE;
	}
	return 0;
}

static int files_read(struct flows *f, char **paths)
{
	for (; *paths; paths++) {
		struct why why = { 0 };

		if (file_read(f, *paths, &why) < 0) {
			fprintf(stderr, "porteiro: %s: %s\n", *paths, why.text);
			return EXIT_USAGE;
		}
	}
	return EXIT_DONE;
}

int verb_flows(int argc, char **argv)
{
	struct flow_options options = flow_options_default;
	struct flows f = { 0 };
	int r = options_read(argc, argv, &f, &options);

	if (r != 0)
		return r < 0 ? EXIT_DONE : r;
	if (flow_decoder_new(&options, on_record, &f, &f.decoder) < 0) {
		fputs("porteiro: out of memory\n", stderr);
		return EXIT_USAGE;
	}
	r = files_read(&f, argv + optind);
	if (r == EXIT_DONE && !f.print_records)
		(f.json ? print_json : print_text)(&f);
	flow_tally_done(&f.tally);
	flow_decoder_free(f.decoder);
	return r;
}
