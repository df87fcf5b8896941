/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro check: is this plan good, and if not, where and why?
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "prog/plan_file.h"
#include "prog/verbs.h"

static void usage(FILE *out)
{
	fputs("usage: porteiro check [--json] PLAN\n\n"
	      "Reads a network plan ('-' is standard input) and lists every fault with its line,\n"
	      "what is wrong and what would be right. Warnings alone leave the plan good.\n\n"
	      "  --json   one JSON object instead of text\n\n"
	      "Exit codes: 0 the plan is good, 1 it is not, 2 it can not be read.\n"
	      "The keys of a plan: porteiro-plan(5).\n",
	      out);
}

struct tally {
	unsigned closed;
	unsigned prefixes[FAMILY_COUNT_];
};

static struct tally tally_of(const struct plan *p)
{
	struct tally t = { 0 };

	for (unsigned i = 0; i < p->segments_count; i++) {
		const struct segment *s = &p->segments[i];

		t.closed += s->treatment == TREATMENT_CLOSED;
		for (unsigned j = 0; j < s->prefixes_count; j++)
			t.prefixes[s->prefixes[j].prefix.addr.family]++;
	}
	return t;
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void tell_good(const char *path, const struct plan *p, const struct plan_faults *f)
{
	struct tally t = tally_of(p);

	printf("%s: good", path);
	if (f->count)
		printf(", with %zu warning%s", f->count, plural(f->count));
	printf(": %u segment%s (%u closed), %u IPv4 and %u IPv6 prefixes, %u smarthost%s, "
	       "%u wave%s\n",
	       p->segments_count, plural(p->segments_count), t.closed, t.prefixes[FAMILY_V4],
	       t.prefixes[FAMILY_V6], p->smarthosts_count, plural(p->smarthosts_count),
	       p->waves_count, plural(p->waves_count));
}

static void tell_bad(const char *path, const struct plan_faults *f)
{
	size_t warnings = f->count > f->errors ? f->count - f->errors : 0;

	printf("%s: not good: %zu error%s", path, f->errors, plural(f->errors));
	if (warnings)
		printf(", %zu warning%s", warnings, plural(warnings));
	putchar('\n');
}

static json_t *segment_json(const struct segment *s)
{
	return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s, s:b, s:s, s:i, s:i}", "name", s->name,
			 "kind", segment_kind_name(s->kind), "addressing",
			 segment_addressing_name(s->addressing), "place", s->place, "treatment",
			 treatment_name(s->treatment), "mode", mode_name(s->mode), "strict",
			 (int)s->strict, "inbound", mode_name(s->inbound), "prefixes",
			 (int)s->prefixes_count, "line", (int)s->line);
}

static int tell_json(const char *path, const struct plan *p, const struct plan_faults *f)
{
	json_t *segments = json_array(), *o;
	int r;

	for (unsigned i = 0; p && i < p->segments_count; i++)
		json_array_append_new(segments, segment_json(&p->segments[i]));
	o = json_pack("{s:s, s:b, s:I, s:I, s:o, s:o}", "plan", path, "good", p != NULL, "errors",
		      (json_int_t)f->errors, "warnings",
		      (json_int_t)(f->count > f->errors ? f->count - f->errors : 0), "faults",
		      plan_faults_json(f), "segments", segments);
	r = o ? json_dumpf(o, stdout, JSON_COMPACT) : -1;
	json_decref(o);
	putchar('\n');
	return r;
}

static int check(const char *path, bool json)
{
	own(plan) struct plan *p = NULL;
	struct plan_faults f;
	struct why why = { 0 };
	int r = plan_file_load(path, &p, &f, &why);

	if (r < 0 && !f.errors) {
		fprintf(stderr, "porteiro check: %s\n", why.text);
		return EXIT_USAGE;
	}
	if (json) {
		r = tell_json(path, p, &f);
	} else {
		plan_faults_print(path, &f, stdout);
		r = 0;
		if (p)
			tell_good(path, p, &f);
		else
			tell_bad(path, &f);
	}
	plan_faults_done(&f);
	if (r < 0 || fflush(stdout) != 0) {
		fputs("porteiro check: can not write the answer\n", stderr);
		return EXIT_USAGE;
	}
	return p ? EXIT_DONE : EXIT_NO;
}

int verb_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	bool json = false;

	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (c) {
		case 'h':
			usage(stdout);
			return EXIT_DONE;
		case 'j':
			json = true;
			break;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind != argc - 1) {
		usage(stderr);
		return EXIT_USAGE;
	}
	return check(argv[optind], json);
}
