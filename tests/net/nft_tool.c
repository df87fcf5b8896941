/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nft_tool: the nft filter by hand, for the network tests. It does to the
 * network namespace it runs in what the daemon would do.
 *
 *   nft_tool [-p PLACE] [-i INTERFACE]... [-x PREFIX]... [-r PREFIX=MODE=SECONDS]... VERB [ARG]...
 *
 *   load PLAN | compare PLAN | text PLAN        with these exceptions and restrictions
 *   except PLAN PREFIX | restrict PLAN PREFIX MODE SECONDS    in place
 *   open | resume | is-open | counters
 *
 * Answers are one JSON object a line. Exit code 0, 1 (compare: differs; is-open: no), 2.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "decide/compile.h"
#include "enforce/nft.h"

#define MANY 256

static struct exception exceptions[MANY];
static struct restriction restrictions[MANY];
static size_t exceptions_count, restrictions_count;

static int fail(const char *what, const struct why *why)
{
	fprintf(stderr, "nft_tool: %s: %s\n", what, why ? why->text : "");
	return 2;
}

static struct prefix prefix_or_die(const char *text)
{
	struct prefix p;

	if (prefix_parse(text, &p) != PREFIX_OK) {
		fprintf(stderr, "nft_tool: '%s' is no prefix\n", text);
		exit(2);
	}
	return p;
}

static void exception_add(const char *prefix)
{
	if (exceptions_count == MANY)
		exit(2);
	exceptions[exceptions_count++] = (struct exception){ .prefix = prefix_or_die(prefix),
							     .until = { wall_now().s + 86400 } };
}

static void restriction_add(const char *prefix, const char *mode, const char *seconds)
{
	struct restriction *r = &restrictions[restrictions_count++];

	if (restrictions_count == MANY || !mode_parse(mode, &r->mode))
		exit(2);
	r->prefix = prefix_or_die(prefix);
	r->until.s = wall_now().s + strtol(seconds, NULL, 10);
}

static void restriction_option(char *arg)
{
	char *save, *prefix = strtok_r(arg, "=", &save);
	char *mode = strtok_r(NULL, "=", &save), *seconds = strtok_r(NULL, "=", &save);

	if (!prefix || !mode || !seconds)
		exit(2);
	restriction_add(prefix, mode, seconds);
}

static struct ruleset *ruleset_or_die(const char *path)
{
	own(plan) struct plan *plan = NULL;
	struct ruleset *rs = NULL;
	struct why why = { 0 };
	own(text) struct text *text = NULL;
	int r = text_read(path, 1 << 26, &text);

	if (r < 0)
		why_set(&why, r, "%s", strerror(-r));
	else
		r = plan_parse(text->bytes, text->len, path, &plan, NULL, &why);
	if (r == 0) {
		struct compile_input in = { plan, exceptions, exceptions_count, restrictions,
					    restrictions_count };

		r = compile(&in, wall_now(), &rs, &why);
	}
	if (r < 0)
		exit(fail(path, &why));
	return rs;
}

static void print_sent(const struct filter *f)
{
	struct nft_sent s = nft_last_sent(f);

	printf("{\"whole\":%s,\"elements\":%zu,\"chains\":%zu}\n", s.whole ? "true" : "false",
	       s.elements, s.chains);
}

static int load(struct filter *f, const char *plan)
{
	own(ruleset) struct ruleset *rs = ruleset_or_die(plan);
	struct why why = { 0 };

	if (f->ops->load(f, rs, &why) < 0)
		return fail("load", &why);
	print_sent(f);
	return 0;
}

static int compare(struct filter *f, const char *plan)
{
	own(ruleset) struct ruleset *rs = ruleset_or_die(plan);
	struct filter_drift d;
	struct why why = { 0 };

	if (f->ops->compare(f, rs, wall_now(), &d, &why) < 0)
		return fail("compare", &why);
	printf("{\"ranges\":%zu,\"addresses\":%.0f,\"objects\":%zu,\"first\":\"%s\"}\n", d.ranges,
	       d.addresses, d.objects, d.first);
	return d.ranges || d.objects;
}

/* What is in force is the plan with the options; what is to be adds one record. */
static int put(struct filter *f, const char *plan, int argc, char **argv)
{
	own(ruleset) struct ruleset *before = ruleset_or_die(plan);
	struct prefix p = prefix_or_die(argv[0]);
	struct why why = { 0 };

	if (argc == 1)
		exception_add(argv[0]);
	else
		restriction_add(argv[0], argv[1], argv[2]);

	own(ruleset) struct ruleset *after = ruleset_or_die(plan);
	struct class class = after->classes[ruleset_class(after, p.addr)];
	class.under = argc == 1 ? 0 : ruleset_class(before, p.addr);
	if (f->ops->put(f, before, p, &class, &why) < 0)
		return fail("put", &why);
	print_sent(f);
	return 0;
}

static int print_count(void *arg, const struct filter_count *c)
{
	(void)arg;
	printf("{\"class\":\"%s\",\"rejected\":%llu,\"dropped\":%llu,\"monitored\":%llu,"
	       "\"passed\":%llu}\n",
	       c->class, (unsigned long long)c->rejected, (unsigned long long)c->dropped,
	       (unsigned long long)c->monitored, (unsigned long long)c->passed);
	return 0;
}

static int run(struct filter *f, const struct nft_options *o, int argc, char **argv)
{
	const char *verb = argv[0];
	struct why why = { 0 };
	bool is_open;

	if (strcmp(verb, "load") == 0 && argc == 2)
		return load(f, argv[1]);
	if (strcmp(verb, "compare") == 0 && argc == 2)
		return compare(f, argv[1]);
	if (strcmp(verb, "except") == 0 && argc == 3)
		return put(f, argv[1], 1, argv + 2);
	if (strcmp(verb, "restrict") == 0 && argc == 5)
		return put(f, argv[1], 3, argv + 2);
	if (strcmp(verb, "text") == 0 && argc == 2) {
		own(ruleset) struct ruleset *rs = ruleset_or_die(argv[1]);

		return nft_text(rs, o, wall_now(), stdout) == 0 ? 0 : 2;
	}
	if (strcmp(verb, "open") == 0 || strcmp(verb, "resume") == 0)
		return f->ops->set_open(f, verb[0] == 'o', &why) == 0 ? 0 : fail(verb, &why);
	if (strcmp(verb, "is-open") == 0)
		return f->ops->is_open(f, &is_open, &why) < 0 ? fail(verb, &why) : !is_open;
	if (strcmp(verb, "counters") == 0)
		return f->ops->counters(f, print_count, NULL, &why) < 0 ? fail(verb, &why) : 0;
	fprintf(stderr, "nft_tool: what is '%s'?\n", verb);
	return 2;
}

int main(int argc, char **argv)
{
	const char *interfaces[MANY];
	struct nft_options o = { .subscribers = interfaces };
	own(filter) struct filter *f = NULL;
	struct why why = { 0 };
	int c;

	while ((c = getopt(argc, argv, "p:i:x:r:")) != -1) {
		if (c == 'p' && nft_place_parse(optarg, &o.place))
			continue;
		if (c == 'i' && o.subscribers_count < MANY)
			interfaces[o.subscribers_count++] = optarg;
		else if (c == 'x')
			exception_add(optarg);
		else if (c == 'r')
			restriction_option(optarg);
		else
			return 2;
	}
	if (optind == argc)
		return 2;
	if (nft_new(&o, &f, &why) < 0)
		return fail("open", &why);
	return run(f, &o, argc - optind, argv + optind);
}
