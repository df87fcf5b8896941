/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro why: may this address use that port, by which rule, on which line?
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide/explain.h"
#include "prog/plan_file.h"
#include "prog/rules.h"
#include "prog/verb_why_daemon.h"
#include "prog/verbs.h"

static void usage(FILE *out)
{
	fputs(
	    "usage: porteiro why [OPTION]... PLAN ADDRESS\n"
	    "       porteiro why [--port N] [--socket PATH] [--json] ADDRESS\n\n"
	    "Says in a sentence what the plan does to a connection from ADDRESS, and where in the\n"
	    "plan that stands. Without a PLAN the daemon is asked what is in force.\n\n"
	    "  --exceptions FILE  lines that are excepted, as for compile\n"
	    "  --json             one JSON object instead of text\n"
	    "  --port N           TCP destination port; 25 unless given\n"
	    "  --socket PATH      the daemon's socket\n"
	    "  --to ADDRESS       the server it connects to: it may be a smarthost\n\n"
	    "Exit codes: 0 answered, 2 usage or input error.\n",
	    out);
}

struct request {
	const char *plan, *exceptions; /* paths; no exceptions: NULL */
	struct question question;
	const char *socket; /* NULL: the usual one */
	bool json;
};

static bool port_parse(const char *text, uint16_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < 1 || n > 65535)
		return false;
	*ret = (uint16_t)n;
	return true;
}

static void tell(const struct request *q, const struct explanation *e)
{
	char text[PREFIX_TEXT_MAX];

	puts(e->sentence);
	if (e->prefix)
		printf("%s:%u: %s of segment '%s'\n", q->plan, e->line,
		       prefix_text(e->prefix->prefix, text), e->segment->name);
	else if (e->line)
		printf("%s:%u: smarthost '%s'\n", q->plan, e->line, e->smarthost->name);
}

static int tell_json(const struct request *q, const struct explanation *e)
{
	char address[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX], prefix[PREFIX_TEXT_MAX];
	json_t *o = json_pack(
	    "{s:s, s:i, s:s?, s:s, s:s, s:b, s:s?, s:s?, s:s, s:s, s:b, s:s?, s:s, s:i, s:s}",
	    "address", addr_text(q->question.address, address), "port", (int)q->question.port, "to",
	    q->question.to_given ? addr_text(q->question.to, to) : NULL, "verdict",
	    verdict_name(e->verdict), "cause", cause_name(e->cause), "for_destination",
	    (int)e->inbound, "segment", e->segment ? e->segment->name : NULL, "smarthost",
	    e->smarthost ? e->smarthost->name : NULL, "mode", mode_name(e->class.mode), "inbound",
	    mode_name(e->class.inbound), "strict", (int)e->class.strict, "prefix",
	    e->prefix ? prefix_text(e->prefix->prefix, prefix) : NULL, "plan", q->plan, "line",
	    (int)e->line, "sentence", e->sentence);
	int r = o ? json_dumpf(o, stdout, JSON_COMPACT) : -1;

	json_decref(o);
	putchar('\n');
	return r;
}

static int answer(const struct request *q, const struct compile_input *in)
{
	own(ruleset) struct ruleset *rs = NULL;
	struct why why = { 0 };
	struct wall now = wall_now();
	int r = compile(in, now, &rs, &why);

	if (r < 0) {
		fprintf(stderr, "porteiro why: %s\n", why.text);
		return EXIT_USAGE;
	}
	struct explanation e = explain(in, rs, &q->question, now);

	if (q->json)
		r = tell_json(q, &e);
	else
		tell(q, &e);
	if (r < 0 || fflush(stdout) != 0) {
		fputs("porteiro why: can not write the answer\n", stderr);
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

static int answer_from_plan(const struct request *q)
{
	own(plan) struct plan *p = NULL;
	struct exceptions list = { 0 };
	int r = plan_file_open("why", q->plan, &p);

	if (r == 0 && q->exceptions)
		r = exceptions_file_open("why", q->exceptions, &list);
	if (r != 0)
		return r;
	r = answer(q, &(struct compile_input){ .plan = p,
					       .exceptions = list.exception,
					       .exceptions_count = list.count });
	exceptions_done(&list);
	return r;
}

/* What stands where an address or a port should. */
static int refuse(const char *text, const char *wanted)
{
	fprintf(stderr, "porteiro why: '%s' is not %s\n", text, wanted);
	return EXIT_USAGE;
}

static int misuse(void)
{
	usage(stderr);
	return EXIT_USAGE;
}

#define ADDRESS_WANTED "an IPv4 or IPv6 address"

static int ask_daemon(struct request *q, const char *address)
{
	if (!addr_parse(address, &q->question.address))
		return refuse(address, ADDRESS_WANTED);
	return why_ask_daemon(q->socket, q->question.address, q->question.port, q->json);
}

int verb_why(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "exceptions", required_argument, NULL, 'e' },
		{ "port", required_argument, NULL, 'p' },
		{ "socket", required_argument, NULL, 's' },
		{ "to", required_argument, NULL, 't' },
		{ 0 },
	};
	struct request q = { .question = { .port = SMTP_PORT } };

	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (c) {
		case 'h':
			usage(stdout);
			return EXIT_DONE;
		case 'j':
			q.json = true;
			break;
		case 'e':
			q.exceptions = optarg;
			break;
		case 'p':
			if (!port_parse(optarg, &q.question.port))
				return refuse(optarg, "a port from 1 to 65535");
			break;
		case 's':
			q.socket = optarg;
			break;
		case 't':
			if (!addr_parse(optarg, &q.question.to))
				return refuse(optarg, ADDRESS_WANTED);
			q.question.to_given = true;
			break;
		default:
			return misuse();
		}
	}
	if (argc - optind == 1 && !q.exceptions && !q.question.to_given)
		return ask_daemon(&q, argv[optind]);
	if (argc - optind != 2 || q.socket)
		return misuse();
	q.plan = argv[optind];
	if (!addr_parse(argv[optind + 1], &q.question.address))
		return refuse(argv[optind + 1], ADDRESS_WANTED);
	if (q.question.to_given && q.question.to.family != q.question.address.family)
		return refuse(argv[optind + 1], "of the same family as the address after --to");
	return answer_from_plan(&q);
}
