/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro classify: the classifier on files, without a daemon: what the lines
 * behind a capture, a flow export or a table of connections are like.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "classify/line.h"
#include "classify/rules.h"
#include "observe/pair.h"
#include "prog/flow_file.h"
#include "prog/verbs.h"
#include "tell/evidence.h"
#include "wire/dns_question.h"
#include "wire/flow_text.h"
#include "wire/packet.h"
#include "wire/pcap.h"
#include "wire/udp.h"

#define INTERNAL_MAX  256
#define CALLS_AT_ONCE 65536
#define LINES_MAX     10000000u

/* A line and the address it goes by, in a table found by address. */
struct known {
	struct addr address; /* family FAMILY_COUNT_: free */
	struct line line;
};

struct classify {
	struct prefix internal[INTERNAL_MAX];
	size_t internal_count;
	struct pair *pair;
	struct known *known;
	size_t room, count;
	uint64_t key;
	int64_t last_ms; /* the latest time seen: `now` of the findings */
	uint64_t rows, malformed, lost_lines;
	uint32_t sampling;
	enum tongue tongue;
	bool json;
};

static const char help[] =
    "usage: porteiro classify [--internal PREFIX]... [--lang TAG] [--sampling N] [--json] "
    "FILE...\n\n"
    "Says what each internal address is like: mail server, suspected or confirmed bot, legacy\n"
    "client, device, migrated, no port-25 use seen, unknown; with the rule and its evidence.\n"
    "A FILE is a capture of subscribers' traffic (pcap, pcapng), a capture of flow export or an\n"
    "nfcapd archive (with --flows), a Zeek conn.log, or a CSV whose first line names its "
    "columns.\n\n"
    "  --internal PREFIX  whose addresses are lines; repeat. Without it: private and shared\n"
    "                     addresses (RFC 1918, 6598, 4193)\n"
    "  --flows            the files hold NetFlow, IPFIX or sFlow\n"
    "  --sampling N       1 packet of N was looked at, where the exporter does not say\n"
    "  --lang TAG         pt-BR, pt-MZ or en (default)\n"
    "  --json             one JSON array\n";

static size_t known_slot(const struct classify *c, struct addr a)
{
	uint64_t h = (uint64_t)a.bits ^ (uint64_t)(a.bits >> 64) * 31;
	size_t i;

	h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
	i = (size_t)(h ^ h >> 29) & (c->room - 1);
	while (c->known[i].address.family != FAMILY_COUNT_ &&
	       (c->known[i].address.bits != a.bits || c->known[i].address.family != a.family))
		i = (i + 1) & (c->room - 1);
	return i;
}

static bool known_grow(struct classify *c)
{
	struct known *old = c->known;
	size_t old_room = c->room, room = old_room ? old_room * 2 : 1024;
	struct known *larger = malloc(room * sizeof(*larger));

	if (!larger)
		return false;
	for (size_t i = 0; i < room; i++)
		larger[i].address.family = FAMILY_COUNT_;
	c->known = larger;
	c->room = room;
	for (size_t i = 0; i < old_room; i++)
		if (old[i].address.family != FAMILY_COUNT_)
			c->known[known_slot(c, old[i].address)] = old[i];
	free(old);
	return true;
}

/* The line of an address, made at first sight; NULL and counted when there is no room. */
static struct line *line_of(struct classify *c, struct addr a)
{
	if (c->count * 2 >= c->room && (c->count >= LINES_MAX || !known_grow(c))) {
		c->lost_lines++;
		return NULL;
	}
	struct known *k = &c->known[known_slot(c, a)];
	if (k->address.family == FAMILY_COUNT_) {
		k->address = a;
		line_init(&k->line);
		c->count++;
	}
	return &k->line;
}

static void time_seen(struct classify *c, int64_t time_ms)
{
	if (time_ms > c->last_ms)
		c->last_ms = time_ms;
}

static void on_contact(void *arg, const struct contact *contact)
{
	struct classify *c = arg;
	struct line *l = line_of(c, contact->line);

	if (l)
		line_note(l, contact, c->key, 0, (struct wall){ contact->time_ms / 1000 });
}

static void seen(struct classify *c, struct addr a)
{
	if (pair_is_internal(c->pair, a))
		line_of(c, a);
}

static void frame_note(struct classify *c, const struct pcap_frame *frame)
{
	struct packet k = packet_parse(frame->bytes, frame->len);
	struct udp u;
	uint16_t type;
	uint64_t name;

	c->rows++;
	time_seen(c, frame->time_ms);
	if (k.kind == PACKET_TCP) {
		seen(c, k.src);
		pair_packet(c->pair, &k, frame->time_ms);
		return;
	}
	if (!udp_parse(frame->bytes, frame->len, &u) || !pair_is_internal(c->pair, u.src))
		return;
	struct line *l = line_of(c, u.src);
	if (l && u.dport == 53 && dns_question(u.payload, u.len, c->key, &type, &name) &&
	    type == DNS_TYPE_MX)
		line_note_exchanger(l, name, (struct wall){ frame->time_ms / 1000 });
}

static int capture_read(struct classify *c, FILE *file, struct why *why)
{
	own(pcap) struct pcap *p = NULL;
	struct pcap_frame frame;
	int r = pcap_new(file, &p, why);

	if (r < 0)
		return r;
	while ((r = pcap_next(p, &frame, why)) > 0)
		frame_note(c, &frame);
	return r;
}

static void on_record(void *arg, const struct flow_record *r)
{
	struct classify *c = arg;

	c->rows++;
	time_seen(c, r->end_ms);
	if (r->has_addresses) {
		seen(c, r->src);
		pair_flow(c->pair, r);
	}
}

static void row_note(struct classify *c, const struct flow_row *row)
{
	bool outbound = pair_is_internal(c->pair, row->src);

	seen(c, row->src);
	time_seen(c, row->time_ms);
	if (outbound == pair_is_internal(c->pair, row->dst))
		return;
	on_contact(c, &(struct contact){
			  .line = outbound ? row->src : row->dst,
			  .other = outbound ? row->dst : row->src,
			  .port = row->dport,
			  .inbound = !outbound,
			  .outcome = c->sampling > 1 ? CONTACT_UNKNOWN : row->outcome,
			  .time_ms = row->time_ms,
		      });
}

static int table_read(struct classify *c, FILE *file, struct why *why)
{
	own_mem char *line = NULL;
	size_t room = 0;
	struct flow_text t;
	bool header = false;
	unsigned number = 0;

	for (ssize_t len; (len = getline(&line, &room, file)) > 0;) {
		struct flow_row row;

		number++;
		if (!header) {
			if (line[0] == '#' && strncmp(line, "#fields", 7) != 0)
				continue;
			int r = flow_text_header(line, (size_t)len, &t, why);
			if (r < 0)
				return r;
			header = true;
			continue;
		}
		switch (flow_text_row(&t, line, (size_t)len, &row)) {
		case FLOW_ROW:
			c->rows++;
			row_note(c, &row);
			break;
		case FLOW_ROW_MALFORMED:
			if (c->malformed++ == 0)
				fprintf(stderr,
					"porteiro: line %u can not be read as a connection; "
					"such lines are counted and passed over\n",
					number);
			break;
		case FLOW_ROW_SKIPPED:
			break;
		}
	}
	return header ? 0 : why_set(why, -EINVAL, "no line names the columns");
}

static int file_read(struct classify *c, const char *path, bool flows, struct why *why)
{
	if (flows) {
		struct flow_options o = flow_options_default;

		o.sampling = c->sampling;
		return flow_file_read(path, &o, on_record, c, why);
	}
	own_file FILE *file = fopen(path, "rbe");
	if (!file)
		return why_set(why, -errno, "%s", strerror(errno));
	switch (file_kind_of(file)) {
	case FILE_CAPTURE:
		return capture_read(c, file, why);
	case FILE_ARCHIVE:
		return why_set(why, -EINVAL, "an nfcapd archive: give --flows");
	case FILE_OTHER:
		break;
	}
	return table_read(c, file, why);
}

static int known_compare(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (x->address.family != y->address.family)
		return x->address.family < y->address.family ? -1 : 1;
	return x->address.bits < y->address.bits ? -1 : x->address.bits > y->address.bits;
}

/* Close the ranks: what is known, by address, at the table's beginning. */
static void known_sort(struct classify *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->room; i++)
		if (c->known[i].address.family != FAMILY_COUNT_)
			c->known[n++] = c->known[i];
	qsort(c->known, n, sizeof(*c->known), known_compare);
}

static void print_json(const struct classify *c, const struct rule_limits *limits)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->count; i++) {
		struct line_figures figures =
		    line_figures(&c->known[i].line, (struct wall){ c->last_ms / 1000 });
		struct finding f = classify_line(limits, &figures, false);
		char address[ADDR_TEXT_MAX], evidence[EVIDENCE_BYTES];

		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:I,s:I,s:f,s:s}", "address",
						      addr_text(c->known[i].address, address),
						      "class", line_class_name(f.class), "rule",
						      line_rule_name(f.rule), "distinct_servers",
						      (json_int_t)figures.servers_day, "attempts",
						      (json_int_t)figures.attempts, "failed_ratio",
						      finding_failed_ratio(&figures), "evidence",
						      evidence_text(&f, c->tongue, evidence)));
	}
	json_dumpf(list, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(list);
}

static void print_text(const struct classify *c, const struct rule_limits *limits)
{
	unsigned by_class[LINE_CLASS_COUNT_] = { 0 };

	for (size_t i = 0; i < c->count; i++) {
		struct line_figures figures =
		    line_figures(&c->known[i].line, (struct wall){ c->last_ms / 1000 });
		struct finding f = classify_line(limits, &figures, false);
		char address[ADDR_TEXT_MAX], evidence[EVIDENCE_BYTES];

		by_class[f.class]++;
		printf("%-39s %-16s %s\n", addr_text(c->known[i].address, address),
		       line_class_name(f.class), evidence_text(&f, c->tongue, evidence));
	}
	printf("\n%zu lines of %" PRIu64 " records", c->count, c->rows);
	for (int k = 0; k < LINE_CLASS_COUNT_; k++)
		if (by_class[k])
			printf(", %u %s", by_class[k], line_class_name((enum line_class)k));
	if (c->sampling > 1)
		printf("\nSampled 1:%u: what was not looked at may have been anything.",
		       c->sampling);
	putchar('\n');
}

static int internal_add(struct classify *c, const char *text)
{
	struct prefix p;
	enum prefix_fault fault = prefix_parse(text, &p);

	if (fault != PREFIX_OK || c->internal_count == INTERNAL_MAX) {
		fprintf(stderr, "porteiro classify: --internal %s: %s\n", text,
			fault != PREFIX_OK ? prefix_fault_text(fault) : "too many prefixes");
		return EXIT_USAGE;
	}
	c->internal[c->internal_count++] = p;
	return 0;
}

static void internal_default(struct classify *c)
{
	static const char *const texts[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
					     "100.64.0.0/10", "fc00::/7" };

	for (size_t i = 0; c->internal_count < sizeof(texts) / sizeof(*texts); i++)
		internal_add(c, texts[i]);
}

static int option_set(struct classify *c, int option, bool *flows)
{
	char *end;

	switch (option) {
	case 'i':
		return internal_add(c, optarg);
	case 'f':
		*flows = true;
		return 0;
	case 's':
		c->sampling = (uint32_t)strtoul(optarg, &end, 10);
		if (*end == '\0' && c->sampling > 0)
			return 0;
		fprintf(stderr, "porteiro classify: --sampling %s: not a number from 1\n", optarg);
		return EXIT_USAGE;
	case 'l':
		if (tongue_parse(optarg, &c->tongue))
			return 0;
		fprintf(stderr, "porteiro classify: --lang %s: pt-BR, pt-MZ or en\n", optarg);
		return EXIT_USAGE;
	case 'j':
		c->json = true;
		return 0;
	case 'h':
		fputs(help, stdout);
		return -1;
	default:
		fputs(help, stderr);
		return EXIT_USAGE;
	}
}

static int options_read(int argc, char **argv, struct classify *c, bool *flows)
{
	static const struct option options[] = {
		{ "internal", required_argument, NULL, 'i' },
		{ "flows", no_argument, NULL, 'f' },
		{ "sampling", required_argument, NULL, 's' },
		{ "lang", required_argument, NULL, 'l' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};

	for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		int r = option_set(c, o, flows);
		if (r != 0)
			return r;
	}
	if (optind == argc) {
		fputs("porteiro classify: name at least one file\n", stderr);
		return EXIT_USAGE;
	}
	return 0;
}

static int classify_files(struct classify *c, char **paths, bool flows)
{
	if (pair_new(c->internal, c->internal_count, CALLS_AT_ONCE, on_contact, c, &c->pair) < 0) {
		fputs("porteiro: out of memory\n", stderr);
		return EXIT_USAGE;
	}
	for (; *paths; paths++) {
		struct why why = { 0 };

		if (file_read(c, *paths, flows, &why) < 0) {
			fprintf(stderr, "porteiro: %s: %s\n", *paths, why.text);
			return EXIT_USAGE;
		}
	}
	pair_flush(c->pair, c->last_ms);
	known_sort(c);
	(c->json ? print_json : print_text)(c, &rule_limits_default);
	if (c->malformed || c->lost_lines || pair_overflow(c->pair))
		fprintf(stderr,
			"porteiro: %" PRIu64 " lines of input could not be read, %" PRIu64
			" contacts had no room to be paired, %" PRIu64 " no room for their line\n",
			c->malformed, pair_overflow(c->pair), c->lost_lines);
	return EXIT_DONE;
}

int verb_classify(int argc, char **argv)
{
	struct classify c = { .tongue = TONGUE_EN };
	bool flows = false;
	int r = options_read(argc, argv, &c, &flows);

	if (r != 0)
		return r < 0 ? EXIT_DONE : r;
	if (c.internal_count == 0)
		internal_default(&c);
	/* The key decides which servers share a bit of a sketch: fixed here, so that a file always
	 * gives the same answer. The daemon draws its own and keeps it in memory only. */
	c.key = 0x9e3779b97f4a7c15u;
	r = classify_files(&c, argv + optind, flows);
	pair_free(c.pair);
	free(c.known);
	return r;
}
