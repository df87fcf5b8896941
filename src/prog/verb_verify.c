/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro verify: is this declaration to be believed? */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "prog/file_put.h"
#include "prog/verb_provider.h"
#include "wire/declaration.h"

#define LEDGER_BYTES_MAX (64 << 20)

static const char usage[] =
    "usage: porteiro verify FILE [--key PUBLIC | --dns-txt TEXT] [--records FILE]\n"
    "                       [--seen LEDGER] [--now TIME] [--json]\n\n"
    "Checks a declaration: signature, dates, counts; exit 1 and the reason if it is refused.\n\n"
    "  --key PUBLIC     the key it must be signed with, 'porteiro-ed25519:…', or a file with it\n"
    "  --dns-txt TEXT   the same from the TXT record at _porteiro.DOMAIN\n"
    "  --records FILE   derive it again from the provider's daily records\n"
    "  --seen LEDGER    refuse a serial seen before; an accepted one is added to the file\n"
    "  --now TIME       the time to judge at, default now (YYYY-MM-DDThh:mm:ssZ)\n"
    "  --json           print JSON\n";

struct request {
	const char *file, *key, *records, *seen;
	struct wall now;
	_Bool json;
};

static int key_of(const struct request *q, struct signkey_public *ret, struct why *why)
{
	own(text) struct text *t = NULL;
	struct why inner = { 0 };

	if (signkey_public_parse(q->key, ret, &inner) == 0)
		return 0;
	if (text_read(q->key, 65536, &t) == 0 && signkey_public_parse(t->bytes, ret, &inner) == 0)
		return 0;
	return why_set(why, -EINVAL, "the key '%.40s': %s", q->key, inner.text);
}

/* The highest serial this provider's key was accepted with; lines: domain key serial digest time.
 */
static int ledger_highest(const char *path, const struct declaration *d, int64_t *ret,
			  struct why *why)
{
	own(text) struct text *t = NULL;
	char id[SIGNKEY_ID_TEXT];
	int r = text_read(path, LEDGER_BYTES_MAX, &t);
	unsigned n = 0;

	*ret = 0;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return why_set(why, r, "cannot read %s: %s", path, strerror(-r));
	signkey_id(&d->key, id);
	for (char *line = t->bytes, *next; *line; line = next) {
		char domain[DECLARATION_NAME_MAX], key[SIGNKEY_ID_TEXT];
		int64_t serial;

		n++;
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		if (sscanf(line, "%199s %16s %" SCNd64, domain, key, &serial) != 3)
			return why_set(why, -EINVAL, "%s: line %u is no ledger line", path, n);
		if (strcmp(domain, d->domain) == 0 && strcmp(key, id) == 0 && serial > *ret)
			*ret = serial;
	}
	return 0;
}

static int ledger_add(const char *path, const struct declaration *d, struct wall now,
		      struct why *why)
{
	char id[SIGNKEY_ID_TEXT], when[WALL_TEXT];
	own_mem char *line = NULL;

	signkey_id(&d->key, id);
	wall_text(now, when);
	int n =
	    asprintf(&line, "%s %s %" PRId64 " %s %s\n", d->domain, id, d->serial, d->digest, when);
	return n < 0 ? -ENOMEM : file_append(path, line, (size_t)n, why);
}

/* A negative errno is "could not"; the fault is the answer. */
static int judge(const struct request *q, struct declaration *d, enum declaration_fault *ret,
		 struct why *reason, struct why *why)
{
	own(record_chain) struct record_chain *chain = NULL;
	own(text) struct text *t = NULL;
	struct signkey_public key;
	struct declaration_trust trust = { .now = q->now };
	int r = text_read(q->file, DECLARATION_BYTES_MAX, &t);

	if (r < 0)
		return why_set(why, r, "cannot read %s: %s", q->file, strerror(-r));
	if (q->key && (r = key_of(q, &key, why)) < 0)
		return r;
	*ret = declaration_read(t->bytes, t->len, d, reason);
	if (*ret != DECLARATION_OK)
		return 0;
	if (q->records && (r = records_load(q->records, &chain, reason)) == -EINVAL) {
		*ret = DECLARATION_RECORDS; /* a broken chain is an answer, a missing file is not */
		return 0;
	}
	if (r < 0)
		return why_set(why, r, "%s", reason->text);
	if (q->seen && (r = ledger_highest(q->seen, d, &trust.serial_seen, why)) < 0)
		return r;
	trust.key = q->key ? &key : NULL;
	trust.records = chain;
	*ret = declaration_judge(d, &trust, reason);
	return *ret == DECLARATION_OK && q->seen ? ledger_add(q->seen, d, q->now, why) : 0;
}

static json_t *declaration_summary(const struct declaration *d)
{
	char issued[WALL_TEXT], expires[WALL_TEXT], id[SIGNKEY_ID_TEXT];
	json_t *j = tally_json(&d->tally);

	wall_text(d->issued, issued);
	wall_text(d->expires, expires);
	signkey_id(&d->key, id);
	json_object_set_new(j, "provider",
			    json_pack("{s:s,s:s}", "name", d->name, "domain", d->domain));
	json_object_set_new(j, "serial", json_integer(d->serial));
	json_object_set_new(j, "issued", json_string(issued));
	json_object_set_new(j, "expires", json_string(expires));
	json_object_set_new(j, "key", json_string(id));
	json_object_set_new(j, "digest", json_string(d->digest));
	return j;
}

static void say(const struct request *q, const struct declaration *d, enum declaration_fault fault,
		const char *reason)
{
	if (q->json) {
		json_t *j =
		    json_pack("{s:b,s:s,s:s,s:b,s:b}", "accepted", fault == DECLARATION_OK, "fault",
			      declaration_fault_names[fault], "reason", reason, "key_checked",
			      q->key != NULL, "records_checked", q->records != NULL);
		if (fault == DECLARATION_OK)
			json_object_set_new(j, "declaration", declaration_summary(d));
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(j);
	} else if (fault != DECLARATION_OK) {
		printf("refused: %s (%s)\n", declaration_fault_sentences[fault], reason);
	} else {
		char id[SIGNKEY_ID_TEXT];

		signkey_id(&d->key, id);
		printf("accepted: %s (%s), %s to %s: index %.4f, worst case %.4f; serial %" PRId64
		       "\n",
		       d->name, d->domain, d->tally.from, d->tally.to, d->tally.index,
		       d->tally.worst_case, d->serial);
		if (!q->key)
			printf("the key it names (%s) was not checked: give --key or --dns-txt\n",
			       id);
	}
}

static int parse(int argc, char **argv, struct request *q)
{
	static const struct option options[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "dns-txt", required_argument, NULL, 'k' },
		{ "records", required_argument, NULL, 'r' },
		{ "seen", required_argument, NULL, 's' },
		{ "now", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case 'k':
			q->key = optarg;
			break;
		case 'r':
			q->records = optarg;
			break;
		case 's':
			q->seen = optarg;
			break;
		case 'n':
			if (!wall_parse(optarg, &q->now)) {
				fprintf(stderr, "porteiro verify: --now: '%s' is no time\n",
					optarg);
				return -EINVAL;
			}
			break;
		case 'j':
			q->json = 1;
			break;
		case 'h':
			return 1;
		default:
			fputs(usage, stderr);
			return -EINVAL;
		}
	if (argc - optind != 1) {
		fputs(usage, stderr);
		return -EINVAL;
	}
	q->file = argv[optind];
	return 0;
}

int verb_verify(int argc, char **argv)
{
	struct request q = { .now = wall_now() };
	enum declaration_fault fault = DECLARATION_OK;
	struct why reason = { 0 }, why = { 0 };
	struct declaration d = { .serial = 0 };
	int r = parse(argc, argv, &q);

	if (r > 0) {
		fputs(usage, stdout);
		return EXIT_DONE;
	}
	if (r < 0)
		return EXIT_USAGE;
	if (judge(&q, &d, &fault, &reason, &why) < 0) {
		fprintf(stderr, "porteiro verify: %s\n", why.text);
		return EXIT_USAGE;
	}
	say(&q, &d, fault, reason.text);
	return fault == DECLARATION_OK ? EXIT_DONE : EXIT_NO;
}
