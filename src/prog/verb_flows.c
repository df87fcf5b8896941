/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro flows: decode export traffic from files and count what goes to the
 * mail ports. For looking at what a router really sends, before trusting it.
 */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mono.h"
#include "base/own.h"
#include "base/why.h"
#include "observe/collector.h"
#include "observe/flow_tally.h"
#include "prog/flow_file.h"
#include "prog/verbs.h"
#include "wire/flow.h"

#define EXPORTERS_MAX 64
#define BUFFER_BYTES  (32u << 20)

struct flows {
	struct flow_tally tally;
	uint64_t archived; /* records that came out of nfdump archives */
	struct collector_options live;
	struct prefix exporters[EXPORTERS_MAX];
	size_t exporters_count;
	unsigned seconds; /* 0: until a signal */
	bool json, print_records;
};

static const char help[] =
    "usage: porteiro flows [--json] [--records] FILE...\n"
    "       porteiro flows [--json] [--records] --listen PORT... [--seconds N]\n\n"
    "Decodes NetFlow v5, v9, IPFIX and sFlow v5 and counts records to ports 25, 465, 587.\n"
    "A FILE is a capture of export traffic (pcap, pcapng), one bare UDP payload, or an\n"
    "nfcapd archive (read by nfdump). Files are fed in the order given, so give those\n"
    "with templates first.\n\n"
    "  --json      one JSON object\n"
    "  --records   one JSON line per flow record, and nothing else\n"
    "  --juniper   number NAT events as Juniper MX does, not by RFC 8158\n"
    "  --listen PORT      take export from this UDP port; repeat; until ^C or for --seconds N\n"
    "  --address ADDRESS  listen there only (default: every IPv4 address)\n"
    "  --exporter PREFIX  take it from these only; repeat\n";

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

static uint64_t records_total(const struct flows *f, const struct flow_decoder *d)
{
	uint64_t n = f->archived;

	for (size_t i = 0; i < flow_exporters(d); i++)
		n += flow_exporter_at(d, i)->records;
	return n;
}

static void print_json(const struct flows *f, const struct flow_decoder *d)
{
	json_t *to_port = json_object();

	for (int p = 0; p < MAIL_PORT_COUNT_; p++) {
		char port[8];

		snprintf(port, sizeof(port), "%u", mail_port_number[p]);
		json_object_set_new(
		    to_port, port,
		    json_pack("{s:I,s:I,s:I,s:I}", "records", (json_int_t)f->tally.to[p].records,
			      "flows", (json_int_t)f->tally.to[p].flows, "sources",
			      (json_int_t)addr_set_count(&f->tally.to[p].sources), "destinations",
			      (json_int_t)addr_set_count(&f->tally.to[p].destinations)));
	}
	json_print(json_pack("{s:o,s:I,s:o}", "exporters", exporters_json(d), "records",
			     (json_int_t)records_total(f, d), "to_port", to_port));
}

static void print_text(const struct flows *f, const struct flow_decoder *d)
{
	printf("%-24s %10s %-9s %9s %10s %9s %7s %7s %9s %8s\n", "exporter", "domain", "protocol",
	       "datagrams", "records", "templates", "lost", "unknown", "malformed", "sampling");
	for (size_t i = 0; i < flow_exporters(d); i++) {
		const struct flow_exporter *e = flow_exporter_at(d, i);
		char text[ADDR_TEXT_MAX], rate[16] = "not said";

		if (e->sampling)
			snprintf(rate, sizeof(rate), "1:%u", e->sampling);
		printf("%-24s %10u %-9s %9" PRIu64 " %10" PRIu64 " %9" PRIu64 " %7" PRIu64
		       " %7" PRIu64 " %9" PRIu64 " %8s\n",
		       addr_text(e->address, text), e->domain, flow_protocol_name(e->protocol),
		       e->datagrams, e->records, e->templates, e->lost, e->unknown_template,
		       e->malformed, rate);
	}
	printf("\n%" PRIu64 " flow records\n\n%-8s %10s %10s %10s %12s\n", records_total(f, d),
	       "to port", "records", "flows", "sources", "destinations");
	for (int p = 0; p < MAIL_PORT_COUNT_; p++)
		printf("%-8u %10" PRIu64 " %10" PRIu64 " %10zu %12zu\n", mail_port_number[p],
		       f->tally.to[p].records, f->tally.to[p].flows,
		       addr_set_count(&f->tally.to[p].sources),
		       addr_set_count(&f->tally.to[p].destinations));
}

static int port_add(struct flows *f, const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (*end || end == text || port == 0 || port > 65535 ||
	    f->live.ports_count == COLLECTOR_PORTS_MAX) {
		fprintf(stderr, "porteiro flows: --listen %s: a UDP port, at most %d of them\n",
			text, COLLECTOR_PORTS_MAX);
		return EXIT_USAGE;
	}
	f->live.ports[f->live.ports_count++] = (uint16_t)port;
	return 0;
}

static int exporter_add(struct flows *f, const char *text)
{
	enum prefix_fault fault = PREFIX_OK;

	if (f->exporters_count < EXPORTERS_MAX)
		fault = prefix_parse(text, &f->exporters[f->exporters_count]);
	if (fault != PREFIX_OK || f->exporters_count == EXPORTERS_MAX) {
		fprintf(stderr, "porteiro flows: --exporter %s: %s\n", text,
			fault != PREFIX_OK ? prefix_fault_text(fault) : "too many");
		return EXIT_USAGE;
	}
	f->exporters_count++;
	return 0;
}

static int seconds_set(struct flows *f, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text || n == 0 || n > 86400u * 365) {
		fprintf(stderr, "porteiro flows: --seconds %s: a number from 1\n", text);
		return EXIT_USAGE;
	}
	f->seconds = (unsigned)n;
	return 0;
}

static int address_set(struct flows *f, const char *text)
{
	if (addr_parse(text, &f->live.listen))
		return 0;
	fprintf(stderr, "porteiro flows: --address %s: neither an IPv4 nor an IPv6 address\n",
		text);
	return EXIT_USAGE;
}

static int option_set(struct flows *f, int option)
{
	switch (option) {
	case 'j':
		f->json = true;
		return 0;
	case 'r':
		f->print_records = true;
		return 0;
	case 'J':
		f->live.flow.dialect = FLOW_DIALECT_JUNIPER;
		return 0;
	case 'l':
		return port_add(f, optarg);
	case 'a':
		return address_set(f, optarg);
	case 'e':
		return exporter_add(f, optarg);
	case 's':
		return seconds_set(f, optarg);
	case 'h':
		fputs(help, stdout);
		return -1;
	default:
		fputs(help, stderr);
		return EXIT_USAGE;
	}
}

/* 0, or EXIT_USAGE after saying what is wrong, or -1 when --help has been answered. */
static int options_read(int argc, char **argv, struct flows *f)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "records", no_argument, NULL, 'r' },
		{ "juniper", no_argument, NULL, 'J' },
		{ "listen", required_argument, NULL, 'l' },
		{ "address", required_argument, NULL, 'a' },
		{ "exporter", required_argument, NULL, 'e' },
		{ "seconds", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};

	for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		int r = option_set(f, o);
		if (r != 0)
			return r;
	}
	if ((optind == argc) == (f->live.ports_count == 0)) {
		fputs("porteiro flows: name files, or ports with --listen, and not both\n", stderr);
		return EXIT_USAGE;
	}
	return 0;
}

static int files_feed(struct flows *f, struct flow_decoder *d, char **paths)
{
	for (; *paths; paths++) {
		struct why why = { 0 };

		if (flow_file_feed(*paths, d, on_record, f, &f->archived, &why) < 0) {
			fprintf(stderr, "porteiro: %s: %s\n", *paths, why.text);
			return EXIT_USAGE;
		}
	}
	return EXIT_DONE;
}

static volatile sig_atomic_t stopped;

static void on_stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static void say_losses(const struct collector_counts *c)
{
	fprintf(stderr,
		"porteiro: %" PRIu64 " datagrams, %" PRIu64 " dropped by the kernel, %" PRIu64
		" from strangers, %" PRIu64 " too long\n",
		c->datagrams, c->kernel_dropped, c->strangers, c->truncated);
}

/* Until a signal or the seconds are over. */
static int live_run(struct flows *f, struct collector *c)
{
	struct sigaction action = { .sa_handler = on_stop };
	struct mono end = mono_add(mono_now(), SPAN_S(f->seconds));

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	fprintf(stderr, "porteiro: listening\n");
	while (!stopped && (!f->seconds || mono_now().ns < end.ns)) {
		int r = collector_run(c, 200);

		if (r < 0) {
			fprintf(stderr, "porteiro flows: %s\n", strerror(-r));
			return EXIT_USAGE;
		}
	}
	return EXIT_DONE;
}

static int listen_live(struct flows *f)
{
	own(collector) struct collector *c = NULL;
	struct why why = { 0 };

	f->live.exporters = f->exporters;
	f->live.exporters_count = f->exporters_count;
	f->live.buffer_bytes = BUFFER_BYTES;
	for (int p = 0; !f->print_records && p < MAIL_PORT_COUNT_; p++)
		f->live.flow.ports[f->live.flow.ports_count++] = mail_port_number[p];
	if (collector_new(&f->live, on_record, f, &c, &why) < 0) {
		fprintf(stderr, "porteiro flows: %s\n", why.text);
		return EXIT_USAGE;
	}
	int r = live_run(f, c);
	if (r == EXIT_DONE)
		collector_run(c, 0); /* what has come in meanwhile */
	struct collector_counts counts = collector_counts(c);

	flow_tally_settle(&f->tally);
	if (r == EXIT_DONE && !f->print_records)
		(f->json ? print_json : print_text)(f, collector_decoder(c));
	say_losses(&counts);
	return r;
}

static int read_files(struct flows *f, char **paths)
{
	own(flow_decoder) struct flow_decoder *d = NULL;

	if (flow_decoder_new(&f->live.flow, on_record, f, &d) < 0) {
		fputs("porteiro: out of memory\n", stderr);
		return EXIT_USAGE;
	}
	int r = files_feed(f, d, paths);
	flow_tally_settle(&f->tally);
	if (r == EXIT_DONE && !f->print_records)
		(f->json ? print_json : print_text)(f, d);
	return r;
}

int verb_flows(int argc, char **argv)
{
	struct flows f = { .live.flow = flow_options_default };
	int r = options_read(argc, argv, &f);

	if (r != 0)
		return r < 0 ? EXIT_DONE : r;
	r = f.live.ports_count ? listen_live(&f) : read_files(&f, argv + optind);
	flow_tally_done(&f.tally);
	return r;
}
