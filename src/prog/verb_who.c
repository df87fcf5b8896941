/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro who: which line had this address at that time, and how sure that is. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/when.h"
#include "prog/verbs.h"
#include "store/lease_store.h"

static const char help[] =
    "usage: porteiro who --store FILE --at TIME [--port N] [--skew SECONDS]\n"
    "                    [--interim SECONDS] [--json] ADDRESS\n\n"
    "Says which line had the address at that time, and how sure that is. Exit code 1 when\n"
    "nobody had it, or when it can have been more than one: then all of them are named.\n\n"
    "  --store FILE       leases, as `porteiro lease import` keeps them\n"
    "  --at TIME          2026-11-21T22:54:39Z\n"
    "  --port N           the source port, which tells lines behind one address apart\n"
    "  --skew SECONDS     how far apart the clocks may be (default 2)\n"
    "  --interim SECONDS  a session not heard of for longer is over (default 5400)\n"
    "  --json             one JSON object\n";

struct who {
	const char *store_path;
	struct addr addr;
	int port;
	bool has_at, json;
	struct wall at;
	struct lease_terms terms;
	struct addr inside; /* of the CGNAT, where the address is its outside */
	bool has_inside;
};

static const char *const verdict_names[] = { "nobody", "found", "ambiguous" };

static json_t *time_json(int64_t s)
{
	char text[WHEN_TEXT_MAX];

	return s == LEASE_FOREVER ? json_null() : json_string(when_text((struct wall){ s }, text));
}

static json_t *candidate_json(const struct lease_candidate *c)
{
	const struct lease *l = &c->lease;
	char place[PREFIX_TEXT_MAX], ports[24] = "";
	json_t *j =
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "line", l->line, "certainty",
		      lease_certainty_name(c->certainty), "source", lease_source_name(l->source),
		      "end", lease_end_name(l->end), "prefix", prefix_text(l->place, place), "from",
		      time_json(l->from), "until", time_json(l->until), "seen", time_json(l->seen));

	if (l->ports != LEASE_PORTS_ALL) {
		snprintf(ports, sizeof(ports), "%u-%u", l->port_low, l->port_low + l->ports - 1);
		json_object_set_new(j, "ports", json_string(ports));
	}
	return j;
}

static void print_json(const struct who *w, const struct lease_answer *a)
{
	char address[ADDR_TEXT_MAX], inside[ADDR_TEXT_MAX];
	json_t *list = json_array();

	for (size_t i = 0; i < a->count; i++)
		json_array_append_new(list, candidate_json(&a->candidate[i]));
	json_t *j = json_pack(
	    "{s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:I}", "address", addr_text(w->addr, address),
	    "port", w->port < 0 ? json_null() : json_integer(w->port), "at", time_json(w->at.s),
	    "answer", verdict_names[a->verdict], "line",
	    a->verdict == LEASE_FOUND ? json_string(a->candidate[0].lease.line) : json_null(),
	    "inside", w->has_inside ? json_string(addr_text(w->inside, inside)) : json_null(),
	    "candidates", list, "further", (json_int_t)a->further);
	json_dumpf(j, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(j);
}

static void candidate_text(const struct lease_candidate *c)
{
	static const char *const say[] = {
		[LEASE_NEAR] = "within the clocks' difference of its start or end",
		[LEASE_PRESUMED] = "presumed: its end was not reported",
		[LEASE_SURE] = "sure",
	};
	char from[WHEN_TEXT_MAX], until[WHEN_TEXT_MAX], seen[WHEN_TEXT_MAX];
	const struct lease *l = &c->lease;

	printf("  %s: %s; %s, from %s ", l->line, say[c->certainty], lease_source_name(l->source),
	       when_text((struct wall){ l->from }, from));
	if (l->end == LEASE_UNKNOWN)
		printf("on, last heard of at %s\n", when_text((struct wall){ l->seen }, seen));
	else if (l->until == LEASE_FOREVER)
		puts("until further notice");
	else
		printf("until %s\n", when_text((struct wall){ l->until }, until));
}

static void print_text(const struct who *w, const struct lease_answer *a)
{
	char address[ADDR_TEXT_MAX], inside[ADDR_TEXT_MAX], at[WHEN_TEXT_MAX];

	addr_text(w->addr, address);
	when_text(w->at, at);
	if (w->has_inside)
		printf("%s port %d was %s inside\n", address, w->port,
		       addr_text(w->inside, inside));
	if (a->verdict == LEASE_NOBODY)
		printf("nobody is known to have had %s at %s\n", address, at);
	else if (a->verdict == LEASE_FOUND)
		printf("%s had %s at %s\n", a->candidate[0].lease.line, address, at);
	else
		printf("ambiguous: %zu lines may have had %s at %s\n", a->count + a->further,
		       address, at);
	for (size_t i = 0; i < a->count; i++)
		candidate_text(&a->candidate[i]);
	if (a->further)
		printf("  and %zu more\n", a->further);
}

/* An address of a CGNAT leads to one inside, and that to a line. */
static int ask(struct who *w, struct lease_store *s, struct lease_answer *a)
{
	int r = lease_store_who(s, w->addr, w->port, w->at, &w->terms, a);

	if (r < 0 || a->verdict != LEASE_FOUND || a->candidate[0].lease.source != LEASE_CGNAT)
		return r;
	w->has_inside = addr_parse(a->candidate[0].lease.line, &w->inside);
	if (!w->has_inside)
		return 0; /* the log names the line itself */
	enum lease_certainty block = a->candidate[0].certainty;
	r = lease_store_who(s, w->inside, -1, w->at, &w->terms, a);
	for (size_t i = 0; i < a->count; i++) /* no surer than the block is */
		if (a->candidate[i].certainty > block)
			a->candidate[i].certainty = block;
	return r;
}

static int number_set(const char *option, const char *text, int64_t max, int64_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text || *text == '-' || n > (unsigned long)max) {
		fprintf(stderr, "porteiro who: %s %s: a number from 0 to %" PRId64 "\n", option,
			text, max);
		return EXIT_USAGE;
	}
	*ret = (int64_t)n;
	return 0;
}

static int option_set(struct who *w, int option)
{
	int64_t port = 0;
	int r;

	switch (option) {
	case 's':
		w->store_path = optarg;
		return 0;
	case 'a':
		w->has_at = when_parse(optarg, &w->at);
		if (w->has_at)
			return 0;
		fprintf(stderr, "porteiro who: --at %s: not an instant (2026-11-21T22:54:39Z)\n",
			optarg);
		return EXIT_USAGE;
	case 'p':
		r = number_set("--port", optarg, 65535, &port);
		w->port = (int)port;
		return r;
	case 'k':
		return number_set("--skew", optarg, 86400, &w->terms.skew_s);
	case 'i':
		return number_set("--interim", optarg, 86400 * 31, &w->terms.interim_s);
	case 'j':
		w->json = true;
		return 0;
	case 'h':
		fputs(help, stdout);
		return -1;
	default:
		fputs(help, stderr);
		return EXIT_USAGE;
	}
}

static int options_read(int argc, char **argv, struct who *w)
{
	static const struct option options[] = {
		{ "store", required_argument, NULL, 's' },
		{ "at", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'p' },
		{ "skew", required_argument, NULL, 'k' },
		{ "interim", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};

	for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		int r = option_set(w, o);

		if (r != 0)
			return r;
	}
	if (argc - optind != 1 || !w->store_path || !w->has_at) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	if (!addr_parse(argv[optind], &w->addr)) {
		fprintf(stderr, "porteiro who: %s: neither an IPv4 nor an IPv6 address\n",
			argv[optind]);
		return EXIT_USAGE;
	}
	return 0;
}

int verb_who(int argc, char **argv)
{
	static struct lease_answer answer;
	struct who w = { .port = -1, .terms = lease_terms_default };
	own(lease_store) struct lease_store *store = NULL;
	struct why why = { 0 };
	int r = options_read(argc, argv, &w);

	if (r != 0)
		return r < 0 ? EXIT_DONE : r;
	if (lease_store_open(w.store_path, false, &store, &why) < 0) {
		fprintf(stderr, "porteiro who: %s\n", why.text);
		return EXIT_USAGE;
	}
	if (ask(&w, store, &answer) < 0) {
		fprintf(stderr, "porteiro who: %s: %s\n", w.store_path, lease_store_why(store));
		return EXIT_USAGE;
	}
	(w.json ? print_json : print_text)(&w, &answer);
	return answer.verdict == LEASE_FOUND ? EXIT_DONE : EXIT_NO;
}
