/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro index: the migration index of a mail provider, from its logs. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "prog/index_command.h"
#include "prog/verb_index.h"
#include "prog/verbs.h"

static void usage(FILE *out)
{
	fputs("usage: porteiro index [OPTION]... LOG...\n\n"
	      "Counts from mail server logs how many users still submit by port 25. A LOG may be\n"
	      "compressed (gzip, zstd, xz) and given in any order; '-' is standard input.\n\n",
	      out);
	fputs(index_command_options, out);
}

static json_t *fraction(uint64_t part, uint64_t whole)
{
	return whole ? json_real((double)part / (double)whole) : json_null();
}

static json_t *channels(const uint64_t *n, bool unclassified)
{
	json_t *o = json_object();

	for (int c = 0; c < CHANNEL_COUNT_; c++)
		if (c != CHANNEL_UNCLASSIFIED || unclassified)
			json_object_set_new(o, channel_name((enum channel)c),
					    json_integer((json_int_t)n[c]));
	return o;
}

static json_t *lines_json(const struct maillog_counts *c)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "read", (json_int_t)c->read, "understood",
			 (json_int_t)c->understood, "ignored", (json_int_t)c->ignored, "malformed",
			 (json_int_t)c->malformed);
}

static json_t *coverage_json(const struct index_run *run, const struct index_result *r)
{
	const struct maillog_counts *c = &run->counts;
	uint64_t all = 0;
	json_t *names = json_object();

	for (int i = 0; i < CHANNEL_COUNT_; i++)
		all += r->messages[i];
	for (unsigned i = 0; i < run->unexplained_count; i++)
		json_object_set_new(names, run->unexplained[i].name,
				    json_integer((json_int_t)run->unexplained[i].count));
	json_t *o = json_pack(
	    "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "files", (json_int_t)run->files,
	    "outside_window", (json_int_t)c->outside, "lost_lines_said", (json_int_t)c->lost_said,
	    "messages_without_origin", (json_int_t)c->originless, "reinjected",
	    (json_int_t)c->reinjected, "unattributed", (json_int_t)c->unattributed,
	    "untagged_messages", (json_int_t)r->untagged_messages, "refused",
	    (json_int_t)c->refused, "unexplained", names);
	json_object_set_new(o, "unclassified_share",
			    fraction(r->messages[CHANNEL_UNCLASSIFIED], all));
	return o;
}

static json_t *base_json(const struct index_result *r)
{
	if (!r->base_given)
		return json_null();
	json_t *o = json_pack(
	    "{s:I, s:I, s:I, s:I, s:I, s:I}", "accounts", (json_int_t)r->base, "active",
	    (json_int_t)r->base_active, "never_sent", (json_int_t)(r->base - r->base_active),
	    "webmail_only", (json_int_t)r->base_webmail_only, "migrated",
	    (json_int_t)r->base_migrated, "migrated_worst", (json_int_t)r->base_migrated_worst);
	json_object_set_new(o, "not_on_the_list", json_integer((json_int_t)r->outside_base));
	return o;
}

static json_t *result_json(const struct index_run *run, struct index_window w,
			   const struct mailsite *site, const struct index_result *r)
{
	char from[STAMP_DATE_MAX], to[STAMP_DATE_MAX];
	json_t *o = json_object(), *users, *index, *tiers = json_object();

	json_object_set_new(o, "window",
			    json_pack("{s:s, s:s}", "from", stamp_day_text(w.from, from), "to",
				      stamp_day_text(w.to, to)));
	users = json_pack("{s:I, s:o}", "active", (json_int_t)r->active, "base",
			  r->base_given ? json_integer((json_int_t)r->base) : json_null());
	json_object_set_new(users, "known", json_integer((json_int_t)r->known));
	json_object_set_new(users, "migrated", json_integer((json_int_t)r->migrated));
	json_object_set_new(users, "migrated_worst", json_integer((json_int_t)r->migrated_worst));
	json_object_set_new(o, "users", users);
	json_object_set_new(o, "by_channel", channels(r->by_channel, true));
	json_object_set_new(o, "messages", channels(r->messages, true));
	index = json_pack("{s:o, s:o}", "active", fraction(r->migrated, r->known), "worst_case",
			  fraction(r->migrated_worst, r->active));
	json_object_set_new(index, "base",
			    r->base_given ? fraction(r->base_migrated, r->base) : json_null());
	json_object_set_new(index, "base_worst_case",
			    r->base_given ? fraction(r->base_migrated_worst, r->base)
					  : json_null());
	json_object_set_new(o, "index", index);
	json_object_set_new(o, "quiet_days", json_integer(site->quiet_days));
	json_object_set_new(o, "lines", lines_json(&run->counts));
	json_object_set_new(o, "base", base_json(r));
	for (int t = 0; t < TIER_COUNT_; t++)
		json_object_set_new(tiers, tier_name((enum tier)t),
				    json_integer((json_int_t)run->tiers[t]));
	json_object_set_new(o, "evidence25", tiers);
	json_object_set_new(o, "method",
			    json_pack("{s:s, s:i, s:s?}", "version", PORTEIRO_VERSION,
				      "window_days", site->window_days, "timezone",
				      site->timezone));
	json_object_set_new(o, "coverage", coverage_json(run, r));
	return o;
}

static void percent(const char *name, uint64_t part, uint64_t whole, const char *what)
{
	if (whole)
		printf("  %-12s %6.2f %%   %llu of %llu %s\n", name,
		       100.0 * (double)part / (double)whole, (unsigned long long)part,
		       (unsigned long long)whole, what);
	else
		printf("  %-12s      –     no %s\n", name, what);
}

static void print_text(const struct index_run *run, struct index_window w,
		       const struct mailsite *site, const struct index_result *r)
{
	char from[STAMP_DATE_MAX], to[STAMP_DATE_MAX];
	const struct maillog_counts *c = &run->counts;

	printf("migration index, %s to %s\n", stamp_day_text(w.from, from),
	       stamp_day_text(w.to, to));
	percent("active", r->migrated, r->known, "active users whose channel is known");
	percent("worst case", r->migrated_worst, r->active, "active users, unknown = not migrated");
	if (r->base_given)
		percent("whole base", r->base_migrated_worst, r->base, "accounts, worst case");
	printf(
	    "  migrated: sent by another way since port 25 was last used, and no port 25 for the "
	    "last %d days\n\n",
	    site->quiet_days);
	printf("  %-14s %12s %14s\n", "channel", "users", "messages");
	for (int i = 0; i < CHANNEL_COUNT_; i++)
		printf("  %-14s %12llu %14llu\n", channel_name((enum channel)i),
		       (unsigned long long)r->by_channel[i], (unsigned long long)r->messages[i]);
	printf("\n  lines: %llu read, %llu understood, %llu ignored, %llu malformed\n",
	       (unsigned long long)c->read, (unsigned long long)c->understood,
	       (unsigned long long)c->ignored, (unsigned long long)c->malformed);
	if (w.to - w.from + 1 < site->quiet_days)
		printf("  the window is shorter than the %d quiet days: the index can only fall\n",
		       site->quiet_days);
	if (r->messages[CHANNEL_UNCLASSIFIED])
		puts("  some submissions do not tell their port; 'porteiro lint-mail' says what to "
		     "change");
	if (c->lost_times || c->originless)
		printf(
		    "  the log has holes: %llu lines said lost, %llu messages without their first "
		    "line\n",
		    (unsigned long long)c->lost_said, (unsigned long long)c->originless);
	for (unsigned i = 0; i < run->unexplained_count; i++)
		printf("  not explained: %s (%llu)\n", run->unexplained[i].name,
		       (unsigned long long)run->unexplained[i].count);
}

static void print_csv(struct index_window w, const struct index_result *r)
{
	char from[STAMP_DATE_MAX], to[STAMP_DATE_MAX];

	puts("from,to,channel,users,messages");
	for (int i = 0; i < CHANNEL_COUNT_; i++)
		printf("%s,%s,%s,%llu,%llu\n", stamp_day_text(w.from, from),
		       stamp_day_text(w.to, to), channel_name((enum channel)i),
		       (unsigned long long)r->by_channel[i], (unsigned long long)r->messages[i]);
}

static int print(const struct index_command *c, const struct index_run *run)
{
	struct index_window w = index_run_window(run, c->run.span, c->site);
	struct index_result r;

	index_query(run->index, w, &r);
	if (c->form == FORM_TEXT) {
		print_text(run, w, c->site, &r);
	} else if (c->form == FORM_CSV) {
		print_csv(w, &r);
	} else {
		json_t *o = result_json(run, w, c->site, &r);
		int e = json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
		json_decref(o);
		if (e < 0)
			return -ENOMEM;
		putchar('\n');
	}
	return fflush(stdout) == 0 ? 0 : -errno;
}

int verb_index(int argc, char **argv)
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
	if (r == 0)
		r = index_command_run(&c, &run, &why);
	if (r == 0)
		r = print(&c, run);
	if (r < 0)
		fprintf(stderr, "porteiro index: %s\n", why.code ? why.text : strerror(-r));
	index_command_done(&c);
	return r < 0 ? EXIT_USAGE : EXIT_DONE;
}
