/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro stragglers: the accounts still on port 25, for those who will call them. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "prog/index_command.h"
#include "prog/verb_index.h"
#include "prog/verbs.h"

static void usage(FILE *out)
{
	fputs(
	    "usage: porteiro stragglers [OPTION]... LOG...\n\n"
	    "Lists the accounts that still submit by port 25, the most recent first, with what\n"
	    "is known of their program. Exit code 1 when there are any. Options as for index:\n\n",
	    out);
	fputs(index_command_options, out);
}

/* Everything about one row, in every form. */
struct row {
	const struct straggler *s;
	struct index_user use;
	enum straggler_kind kind;
	char date[STAMP_DATE_MAX], also[64];
};

/* Listed as a customer's server or device by the provider itself. */
static bool listed(const struct mailsite *site, const struct straggler *s)
{
	char name[ACCOUNT_MAX];

	for (size_t i = 0; i < site->servers_count; i++) {
		size_t n = account_canonical(site->accounts, slice_of(site->servers[i]), name);
		if (slice_is((struct slice){ name, n }, slice_of(s->name)))
			return true;
	}
	return false;
}

/* False when the account did not use 25 in the window after all, or has left it. */
static bool row_fill(const struct index_command *c, const struct index_run *run,
		     struct index_window w, const struct straggler *s, struct row *row)
{
	size_t n = 0;

	*row = (struct row){ .s = s, .use = index_user(run->index, w, s->user) };
	if (!(row->use.channels & 1U << CHANNEL_LEGACY25) || row->use.migrated)
		return false;
	row->kind = listed(c->site, s) ? STRAGGLER_SERVER : straggler_kind(s);
	stamp_day_text(row->use.last25, row->date);
	for (int i = CHANNEL_587; i < CHANNEL_UNCLASSIFIED; i++)
		if (row->use.channels & 1U << i)
			n += (size_t)snprintf(row->also + n, sizeof(row->also) - n, "%s%s",
					      n ? " " : "", channel_name((enum channel)i));
	return true;
}

/* RFC 4180; what a spreadsheet would run as a formula gets a quote in front. */
static void csv(const char *text, char end)
{
	const char *guard = text[0] && strchr("=+-@\t", text[0]) ? "'" : "";

	if (!strpbrk(text, ",\"\n\r")) {
		printf("%s%s%c", guard, text, end);
		return;
	}
	printf("\"%s", guard);
	for (const char *p = text; *p; p++)
		printf(*p == '"' ? "\"\"" : "%c", *p);
	printf("\"%c", end);
}

static void row_csv(const struct row *r)
{
	csv(r->s->name, ',');
	printf("%s,%llu,", r->date, (unsigned long long)r->s->messages);
	csv(r->also, ',');
	csv(straggler_kind_name(r->kind), ',');
	csv(straggler_program(r->s->hint), ',');
	csv(r->s->hint, ',');
	csv(r->s->client, ',');
	printf("%u\n", r->s->clients);
}

static json_t *row_json(const struct row *r)
{
	json_t *also = json_array();

	for (int i = CHANNEL_587; i < CHANNEL_UNCLASSIFIED; i++)
		if (r->use.channels & 1U << i)
			json_array_append_new(also, json_string(channel_name((enum channel)i)));
	return json_pack("{s:s, s:s, s:I, s:o, s:s, s:s, s:s, s:s, s:i}", "account", r->s->name,
			 "last_on_25", r->date, "messages_on_25", (json_int_t)r->s->messages,
			 "also_uses", also, "kind", straggler_kind_name(r->kind), "program",
			 straggler_program(r->s->hint), "hint", r->s->hint, "client", r->s->client,
			 "addresses", (int)r->s->clients);
}

static void row_text(const struct row *r)
{
	printf("%-40s %s %8llu  %-8s %-12s %s\n", r->s->name, r->date,
	       (unsigned long long)r->s->messages, straggler_kind_name(r->kind),
	       straggler_program(r->s->hint)[0] ? straggler_program(r->s->hint) : "–", r->also);
}

/* How many there are, or -ENOMEM. */
static int print(const struct index_command *c, const struct index_run *run)
{
	struct index_window w = index_run_window(run, c->run.span, c->site);
	char from[STAMP_DATE_MAX], to[STAMP_DATE_MAX];
	size_t count;
	const struct straggler *const *list = stragglers_list(run->stragglers, &count);
	json_t *rows = json_array();
	int found = 0;

	if (!list || !rows)
		return -ENOMEM;
	if (c->form == FORM_CSV)
		puts("account,last_on_25,messages_on_25,also_uses,kind,program,hint,client,"
		     "addresses");
	for (size_t i = 0; i < count; i++) {
		struct row row;
		if (!row_fill(c, run, w, list[i], &row))
			continue;
		found++;
		if (c->form == FORM_CSV)
			row_csv(&row);
		else if (c->form == FORM_JSON)
			json_array_append_new(rows, row_json(&row));
		else
			row_text(&row);
	}
	json_t *o = json_pack("{s:{s:s, s:s}, s:o}", "window", "from", stamp_day_text(w.from, from),
			      "to", stamp_day_text(w.to, to), "stragglers", rows);
	if (o && c->form == FORM_JSON) {
		json_dumpf(o, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(o);
	if (c->form == FORM_TEXT)
		printf("%d account%s still on port 25\n", found, found == 1 ? "" : "s");
	return fflush(stdout) == 0 ? found : -errno;
}

int verb_stragglers(int argc, char **argv)
{
	struct index_command c = { 0 };
	struct why why = { 0 };
	own(index_run) struct index_run *run = NULL;
	int r = index_command(&c, argc, argv, &why);

	if (r == 0 && c.help) {
		usage(stdout);
		index_command_done(&c);
		return EXIT_DONE;
	}
	c.run.names = true;
	if (r == 0)
		r = index_command_run(&c, &run, &why);
	if (r == 0)
		r = print(&c, run);
	if (r < 0)
		fprintf(stderr, "porteiro stragglers: %s\n", why.code ? why.text : strerror(-r));
	index_command_done(&c);
	return r < 0 ? EXIT_USAGE : r > 0 ? EXIT_NO : EXIT_DONE;
}
