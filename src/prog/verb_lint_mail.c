/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro lint-mail: which name in the log proves which port, and what to change where none does.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "observe/maillint.h"
#include "prog/verb_index.h"
#include "prog/verbs.h"

#define BYTES_MAX (16L * 1024 * 1024)

static void usage(FILE *out)
{
	fputs(
	    "usage: porteiro lint-mail [OPTION]...\n\n"
	    "Says for each listener of a mail server whether its log proves the port, and prints\n"
	    "the change that makes it so. Reads files, or asks the servers that are installed;\n"
	    "changes nothing. Exit code 1 when something is to be changed.\n\n"
	    "      --master FILE    Postfix: master.cf, or the output of postconf -M\n"
	    "      --main FILE      Postfix: main.cf, or the output of postconf -n\n"
	    "      --exim FILE      the output of exim -bP, or the configuration\n"
	    "      --dovecot FILE   the output of doveconf -n\n"
	    "      --json           for programs\n",
	    out);
}

enum { OPT_MASTER = 256, OPT_MAIN, OPT_EXIM, OPT_DOVECOT, OPT_JSON };

static const struct option options[] = {
	{ "master", required_argument, NULL, OPT_MASTER },
	{ "main", required_argument, NULL, OPT_MAIN },
	{ "exim", required_argument, NULL, OPT_EXIM },
	{ "dovecot", required_argument, NULL, OPT_DOVECOT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct lint_command {
	const char *master, *main_cf, *exim, *dovecot;
	bool json, bad;
	json_t *all;
	unsigned reports;
};

static struct slice whole(const struct text *t)
{
	return t ? (struct slice){ t->bytes, t->len } : (struct slice){ "", 0 };
}

static int load(const char *path, struct text **ret, struct why *why)
{
	int r = path ? text_read(path, BYTES_MAX, ret) : 0;

	return r < 0 ? why_set(why, r, "%s: %s", path, strerror(-r)) : 0;
}

/* What a fixed command prints; NULL when it is not there or fails. */
static struct text *ask(const char *command)
{
	FILE *pipe = popen(command, "re");
	size_t room = 65536, len = 0;
	struct text *t = pipe ? malloc(sizeof(*t) + room + 1) : NULL;

	while (t && len < BYTES_MAX) {
		size_t n = fread(t->bytes + len, 1, room - len, pipe);
		len += n;
		if (n == 0)
			break;
		if (len == room) {
			struct text *larger = realloc(t, sizeof(*t) + (room *= 2) + 1);
			if (!larger)
				break;
			t = larger;
		}
	}
	if (pipe && (pclose(pipe) != 0 || len == 0)) {
		free(t);
		return NULL;
	}
	if (t) {
		t->len = len;
		t->bytes[len] = '\0';
	}
	return t;
}

static json_t *listener_json(const struct lint_listener *l)
{
	return json_pack("{s:s, s:i, s:s, s:b, s:s, s:s?}", "service", l->service, "port", l->port,
			 "logged_as", l->tag, "login", l->login, "verdict",
			 lint_verdict_name(l->verdict), "wanted", l->wanted[0] ? l->wanted : NULL);
}

static void report_json(struct lint_command *c, const struct lint_report *r)
{
	json_t *listeners = json_array(), *tags = json_object();

	for (unsigned i = 0; i < r->count; i++) {
		const struct lint_listener *l = &r->listener[i];
		json_array_append_new(listeners, listener_json(l));
		if (l->verdict == LINT_PROVEN && strcmp(r->server, "postfix") == 0)
			json_object_set_new(tags, l->tag, json_integer(l->port));
	}
	json_array_append_new(c->all, json_pack("{s:s, s:b, s:o, s:o, s:s?}", "server", r->server,
						"proven", lint_good(r), "listeners", listeners,
						"tags", tags, "change", r->change));
}

static void report_text(const struct lint_report *r)
{
	printf("%s%s%s\n", r->server, r->version[0] ? " " : "", r->version);
	for (unsigned i = 0; i < r->count; i++) {
		const struct lint_listener *l = &r->listener[i];
		printf("  %-22s port %-5u  logs as %-32s %s\n", l->service, l->port, l->tag,
		       lint_verdict_name(l->verdict));
	}
	if (lint_good(r)) {
		puts("  the log tells the port of every submission; for porteiro index --config:");
		for (unsigned i = 0; i < r->count; i++)
			if (r->listener[i].verdict == LINT_PROVEN &&
			    strcmp(r->server, "postfix") == 0)
				printf("%s    %s: %u\n", i ? "" : "    tags:\n", r->listener[i].tag,
				       r->listener[i].port);
	} else {
		puts("  the log can not tell the port of every submission; the change needed:\n");
	}
	if (r->change)
		fputs(r->change, stdout);
}

static void report(struct lint_command *c, struct lint_report *r)
{
	c->bad |= !lint_good(r);
	c->reports++;
	if (c->json)
		report_json(c, r);
	else
		report_text(r);
	lint_report_done(r);
}

static int postfix(struct lint_command *c, struct why *why)
{
	own(text) struct text *master = NULL;
	own(text) struct text *main_cf = NULL;
	struct lint_report r;
	int e = load(c->master, &master, why);

	if (e == 0)
		e = load(c->main_cf, &main_cf, why);
	if (e == 0)
		e = lint_postfix(whole(master), whole(main_cf), c->master, &r, why);
	if (e == 0)
		report(c, &r);
	return e;
}

static int other(struct lint_command *c, const char *path,
		 int (*lint)(struct slice, struct lint_report *, struct why *), struct why *why)
{
	own(text) struct text *t = NULL;
	struct lint_report r;
	int e = load(path, &t, why);

	if (e == 0) {
		e = lint(whole(t), &r, why);
		if (e < 0 && why->code) {
			struct why inner = *why;
			why_set(why, e, "%s: %.200s", path, inner.text);
		}
	}
	if (e == 0)
		report(c, &r);
	return e;
}

/* Ask those servers that are installed here. */
static int asked(struct lint_command *c, struct why *why)
{
	own(text) struct text *master = ask("postconf -M 2>/dev/null");
	own(text) struct text *main_cf = ask("postconf -n 2>/dev/null");
	own(text) struct text *exim = ask("exim -bP 2>/dev/null || exim4 -bP 2>/dev/null");
	own(text) struct text *dovecot = ask("doveconf -n 2>/dev/null");
	struct lint_report r;

	if (master && lint_postfix(whole(master), whole(main_cf), NULL, &r, why) == 0)
		report(c, &r);
	if (exim && lint_exim(whole(exim), &r, why) == 0)
		report(c, &r);
	if (dovecot && lint_dovecot(whole(dovecot), &r, why) == 0)
		report(c, &r);
	if (c->reports)
		return 0;
	return why->code
		   ? why->code
		   : why_set(why, -ENOENT,
			     "no mail server found to ask; give --master, --exim or --dovecot");
}

static int run(struct lint_command *c, struct why *why)
{
	int r = 0;

	if (!c->master && !c->exim && !c->dovecot)
		return c->main_cf ? why_set(why, -EINVAL, "--main needs --master") : asked(c, why);
	if (c->master)
		r = postfix(c, why);
	if (r == 0 && c->exim)
		r = other(c, c->exim, lint_exim, why);
	if (r == 0 && c->dovecot)
		r = other(c, c->dovecot, lint_dovecot, why);
	return r;
}

int verb_lint_mail(int argc, char **argv)
{
	struct lint_command c = { 0 };
	struct why why = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case OPT_MASTER:
			c.master = optarg;
			break;
		case OPT_MAIN:
			c.main_cf = optarg;
			break;
		case OPT_EXIM:
			c.exim = optarg;
			break;
		case OPT_DOVECOT:
			c.dovecot = optarg;
			break;
		case OPT_JSON:
			c.json = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_DONE;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "porteiro lint-mail: '%s' is not expected here\n", argv[optind]);
		return EXIT_USAGE;
	}
	c.all = json_array();
	int r = run(&c, &why);
	if (r == 0 && c.json) {
		json_dumpf(c.all, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(c.all);
	if (r < 0) {
		fprintf(stderr, "porteiro lint-mail: %s\n", why.code ? why.text : strerror(-r));
		return EXIT_USAGE;
	}
	return c.bad ? EXIT_NO : EXIT_DONE;
}
