/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro journal: what was found, decided and done, by whom; and whether the
 * record is whole.
 *
 * The chain is checked here, from the entries themselves: whoever asks need not
 * take the daemon's word for it.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/journal.h"
#include "prog/client.h"
#include "prog/verbs.h"

#define PAGE 1000

static const char usage[] =
    "usage: porteiro journal [OPTION]...\n\n"
    "Prints what was found, decided and done, by whom and because of which entry.\n\n"
    "  --after ID     only entries behind this one\n"
    "  --verify       check the chain of hashes from the first entry to the last\n"
    "  --json         one JSON object per entry; with --verify one for the result\n"
    "  --socket PATH  the daemon's socket\n\n"
    "Exit codes: 0 done, 1 the journal is not whole, or no daemon answers, 2 usage error.\n";

/* Each entry in turn; non-zero stops with that exit code. */
typedef int (*entry_fn)(void *arg, const json_t *entry);

static int each_entry(const struct client *c, uint64_t after, entry_fn fn, void *arg)
{
	struct client quiet = *c;

	quiet.json = false;
	for (;;) {
		own(reply) struct reply *r = NULL;
		char path[80];
		json_t *entry;
		size_t i;

		snprintf(path, sizeof(path), "/v1/journal?after=%" PRIu64 "&limit=%d", after, PAGE);
		int code = client_do(&quiet, &(struct ask){ .method = "GET", .path = path }, &r);
		if (code != EXIT_DONE)
			return code;
		json_t *entries = json_object_get(r->json, "entries");
		if (json_array_size(entries) == 0)
			return EXIT_DONE;
		json_array_foreach(entries, i, entry)
		{
			after = (uint64_t)reply_number(entry, "id");
			code = fn(arg, entry);
			if (code)
				return code;
		}
	}
}

static int print_entry(void *arg, const json_t *e)
{
	const bool *json = arg;

	if (*json) {
		json_dumpf(e, stdout, JSON_COMPACT);
		putchar('\n');
		return 0;
	}
	printf("%6.0f %s %-18s by %-10s", reply_number(e, "id"), reply_string(e, "time"),
	       reply_string(e, "kind"), reply_string(e, "by"));
	if (reply_number(e, "cause") > 0)
		printf(" because of %.0f", reply_number(e, "cause"));
	printf(" %s\n", reply_string(e, "body"));
	return 0;
}

struct verify {
	struct journal_check check;
	int fault; /* enum journal_fault */
};

static bool hash_of(const json_t *e, const char *name, uint8_t ret[static JOURNAL_HASH_BYTES])
{
	const char *hex = reply_string(e, name);
	size_t len;

	return sodium_hex2bin(ret, JOURNAL_HASH_BYTES, hex, strlen(hex), NULL, &len, NULL) == 0 &&
	       len == JOURNAL_HASH_BYTES;
}

static int verify_entry(void *arg, const json_t *j)
{
	struct verify *v = arg;
	struct journal_entry e = {
		.id = (uint64_t)json_integer_value(json_object_get(j, "id")),
		.at = { json_integer_value(json_object_get(j, "at")) },
		.kind = reply_string(j, "kind"),
		.by = reply_string(j, "by"),
		.cause = (uint64_t)json_integer_value(json_object_get(j, "cause")),
		.body = reply_string(j, "body"),
	};

	v->fault = hash_of(j, "hash", e.hash) && hash_of(j, "previous", e.previous)
		       ? journal_check_next(&v->check, &e)
		       : JOURNAL_CHANGED;
	return v->fault == JOURNAL_OK ? EXIT_DONE : EXIT_NO;
}

static int verify(const struct client *c)
{
	struct verify v = { .check = journal_check_start() };
	char head[JOURNAL_HASH_TEXT];
	int code = each_entry(c, 0, verify_entry, &v);

	if (code != EXIT_DONE && v.fault == JOURNAL_OK)
		return code; /* could not be read to the end; told already */
	if (v.fault < 0) {
		fputs("porteiro journal: out of memory\n", stderr);
		return EXIT_NO;
	}
	journal_hash_text(v.check.head, head);
	if (c->json)
		printf("{\"whole\":%s,\"entries\":%" PRIu64 ",\"head\":\"%s\",\"fault\":\"%s\"}\n",
		       v.fault == JOURNAL_OK ? "true" : "false", v.check.next - 1, head,
		       v.fault == JOURNAL_OK ? ""
					     : journal_fault_text((enum journal_fault)v.fault));
	else if (v.fault == JOURNAL_OK)
		printf("The journal is whole: %" PRIu64 " entries, the last has hash %s.\n"
		       "Note the hash elsewhere: that later entries follow from it shows that none "
		       "was taken away.\n",
		       v.check.next - 1, head);
	else
		printf("The journal is NOT whole at entry %" PRIu64 ": %s.\n", v.check.next,
		       journal_fault_text((enum journal_fault)v.fault));
	return code;
}

int verb_journal(int argc, char **argv)
{
	struct client c = { .verb = "journal" };
	const char *after = "0";
	bool check = false;
	const struct client_option options[] = { { "after", &after, NULL },
						 { "verify", NULL, &check },
						 { NULL, NULL, NULL } };
	int r = client_options(argc, argv, &c, options, usage, 0, 0);

	if (r >= 0)
		return r;
	if (!*after || strspn(after, "0123456789") != strlen(after) || strlen(after) > 18) {
		fprintf(stderr, "porteiro journal: '%s' is not the number of an entry\n", after);
		return EXIT_USAGE;
	}
	if (check)
		return verify(&c);
	return each_entry(&c, strtoull(after, NULL, 10), print_entry, &c.json);
}
