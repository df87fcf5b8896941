/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro declare: chain a day's counts and sign a declaration from them. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "prog/file_put.h"
#include "prog/verb_provider.h"
#include "tell/declaration_pdf.h"
#include "wire/declaration.h"

#define INDEX_BYTES_MAX   (64 << 20)
#define RECORDS_BYTES_MAX (256 << 20)
#define DAYS_GOOD         90
#define DAYS_GOOD_MAX     400

static const char usage[] =
    "usage: porteiro declare --records FILE [--index FILE] --provider NAME --domain D --key FILE\n"
    "                        [-o FILE] [--pdf FILE] [--lang L] [--serial N] [--days N] [--json]\n"
    "       porteiro declare --records FILE --index FILE --record-only\n\n"
    "Adds the counts of an index to the chain of daily records, and signs a declaration of the\n"
    "chain's last day. Counts only: no account, and no hash of one, is in either file.\n\n"
    "  --index FILE     what 'porteiro index --json' printed; '-' reads standard input\n"
    "  --records FILE   the chain of daily records; a missing file begins one\n"
    "  --record-only    add the day, sign nothing\n"
    "  --provider NAME  the provider's name, as it shall be read\n"
    "  --domain D       its main mail domain\n"
    "  --key FILE       its key (see 'porteiro key')\n"
    "  -o FILE          where the declaration goes; default standard output\n"
    "  --pdf FILE       a PDF/A of it, for people to sign by hand\n"
    "  --lang L         the PDF's language: pt-BR (default), pt-MZ or en\n"
    "  --serial N       default: the seconds since 1970; must rise with each declaration\n"
    "  --days N         how long it is good, 1 to 400; default 90\n"
    "  --now TIME       the time of issue, default now (YYYY-MM-DDThh:mm:ssZ)\n"
    "  --json           say what was done as JSON on standard error, when -o is '-', else output\n";

struct request {
	const char *index, *records, *key, *out, *pdf, *lang;
	struct declaration d;
	int64_t days;
	_Bool record_only, json;
};

int records_load(const char *path, struct record_chain **ret, struct why *why)
{
	own(text) struct text *t = NULL;
	struct why inner = { 0 };
	int r = text_read(path, RECORDS_BYTES_MAX, &t);

	if (r < 0)
		return why_set(why, r, "cannot read %s: %s", path, strerror(-r));
	r = record_chain_parse(t->bytes, t->len, ret, &inner);
	return r < 0 ? why_set(why, r, "%s: %s", path, inner.text) : 0;
}

static int index_load(const char *path, struct tally *ret, struct why *why)
{
	own(text) struct text *t = NULL;
	struct why inner = { 0 };
	json_error_t error;
	int r = text_read(path, INDEX_BYTES_MAX, &t);

	if (r < 0)
		return why_set(why, r, "cannot read %s: %s", path, strerror(-r));
	json_t *j = json_loadb(t->bytes, t->len, JSON_REJECT_DUPLICATES, &error);
	if (!j)
		return why_set(why, -EINVAL, "%s: line %d: %s", path, error.line, error.text);
	r = tally_read(j, ret, &inner);
	json_decref(j);
	return r < 0 ? why_set(why, r, "%s: %s", path, inner.text) : 0;
}

/* The record to declare, and the line to add to the chain for it: NULL if it stands there already.
 */
static int next_day(const struct request *q, const struct record_chain *c, struct record *ret,
		    char **ret_line, struct why *why)
{
	const struct record *last = c && c->count ? &c->records[c->count - 1] : NULL;
	struct why inner = { 0 };
	struct tally t;
	int r = index_load(q->index, &t, why);

	if (r < 0)
		return r;
	if (last && tally_equal(&last->tally, &t)) {
		*ret = *last;
		return 0;
	}
	r = record_line(last, &t, ret_line, ret, &inner);
	return r < 0 ? why_set(why, r, "%s: %s", q->index, inner.text) : 0;
}

static int day_to_declare(const struct request *q, struct record *ret, char **ret_line,
			  struct why *why)
{
	own(record_chain) struct record_chain *c = NULL;
	int r = records_load(q->records, &c, why);

	if (r < 0 && !(r == -ENOENT && q->index))
		return r;
	if (q->index)
		return next_day(q, c, ret, ret_line, why);
	if (c->count == 0)
		return why_set(why, -EINVAL, "%s has no day yet; give --index", q->records);
	*ret = c->records[c->count - 1];
	return 0;
}

static void say(const struct request *q, const struct record *rec)
{
	FILE *out = strcmp(q->out, "-") == 0 && !q->record_only ? stderr : stdout;
	json_t *j = json_pack("{s:s,s:I,s:s,s:f,s:f}", "day", rec->tally.to, "number",
			      (json_int_t)rec->number, "head", rec->hash, "index", rec->tally.index,
			      "worst_case", rec->tally.worst_case);

	if (!q->record_only) {
		json_object_set_new(j, "serial", json_integer(q->d.serial));
		json_object_set_new(j, "digest", json_string(q->d.digest));
		json_object_set_new(j, "declaration", json_string(q->out));
	}
	if (q->json)
		json_dumpf(j, out, JSON_INDENT(2));
	else if (q->record_only)
		fprintf(out, "day %s is number %" PRId64 " of the chain", rec->tally.to,
			rec->number);
	else
		fprintf(out, "declared: index %.4f, worst case %.4f, %s to %s, serial %" PRId64,
			rec->tally.index, rec->tally.worst_case, rec->tally.from, rec->tally.to,
			q->d.serial);
	fputc('\n', out);
	json_decref(j);
}

static int sign(struct request *q, const struct record *rec, char **ret, struct why *why)
{
	struct signkey k;
	int r = key_load(q->key, &k, why);

	if (r < 0)
		return r;
	q->d.tally = rec->tally;
	q->d.records = rec->number;
	strcpy(q->d.head, rec->hash);
	strcpy(q->d.method_version, PORTEIRO_VERSION);
	q->d.expires.s = q->d.issued.s + q->days * 86400;
	r = declaration_write(&q->d, &k, ret, why);
	sodium_memzero(&k, sizeof(k));
	return r;
}

/* Everything that can be wrong is found before the first file is touched. */
static int run(struct request *q, struct record *rec, struct why *why)
{
	own_mem char *line = NULL, *text = NULL;
	int r = day_to_declare(q, rec, &line, why);

	if (r == 0 && !q->record_only)
		r = sign(q, rec, &text, why);
	if (r == 0 && line)
		r = file_append(q->records, line, strlen(line), why);
	if (r == 0 && q->pdf)
		r = declaration_pdf(&q->d, q->lang, q->pdf, why);
	if (r == 0 && text)
		r = file_put(q->out, text, strlen(text), 0644, FILE_PUT_REPLACE, why);
	return r;
}

static int number(const char *what, const char *text, int64_t max, int64_t *ret, struct why *why)
{
	char *end;

	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (errno || end == text || *end || n < 1 || n > max)
		return why_set(why, -EINVAL, "--%s: '%s' is not a number from 1 to %" PRId64, what,
			       text, max);
	*ret = n;
	return 0;
}

static int words(const char *what, const char *text, char ret[DECLARATION_NAME_MAX],
		 struct why *why)
{
	if (strlen(text) >= DECLARATION_NAME_MAX)
		return why_set(why, -EINVAL, "--%s is longer than %d bytes", what,
			       DECLARATION_NAME_MAX - 1);
	strcpy(ret, text);
	return 0;
}

static int option(struct request *q, int c, struct why *why)
{
	switch (c) {
	case 'i':
		q->index = optarg;
		return 0;
	case 'r':
		q->records = optarg;
		return 0;
	case 'R':
		q->record_only = 1;
		return 0;
	case 'p':
		return words("provider", optarg, q->d.name, why);
	case 'D':
		return words("domain", optarg, q->d.domain, why);
	case 'k':
		q->key = optarg;
		return 0;
	case 'o':
		q->out = optarg;
		return 0;
	case 'P':
		q->pdf = optarg;
		return 0;
	case 'l':
		q->lang = optarg;
		return 0;
	case 's':
		return number("serial", optarg, INT64_C(1) << 53, &q->d.serial, why);
	case 'd':
		return number("days", optarg, DAYS_GOOD_MAX, &q->days, why);
	case 'n':
		if (!wall_parse(optarg, &q->d.issued))
			return why_set(why, -EINVAL, "--now: '%s' is no time", optarg);
		return 0;
	case 'j':
		q->json = 1;
		return 0;
	default:
		return why_set(why, -EINVAL, "see 'porteiro declare --help'");
	}
}

static int options_check(struct request *q, struct why *why)
{
	if (!q->records)
		return why_set(why, -EINVAL, "--records is missing");
	if (q->record_only && q->pdf)
		return why_set(why, -EINVAL, "--record-only signs nothing, so it prints no --pdf");
	if (q->record_only)
		return q->index ? 0 : why_set(why, -EINVAL, "--record-only needs --index");
	if (!q->d.name[0] || !q->d.domain[0] || !q->key)
		return why_set(why, -EINVAL, "--provider, --domain and --key are needed");
	if (!declaration_pdf_language(q->lang))
		return why_set(why, -EINVAL, "--lang: '%s' is not pt-BR, pt-MZ or en", q->lang);
	if (q->d.serial == 0)
		q->d.serial = q->d.issued.s;
	return 0;
}

int verb_declare(int argc, char **argv)
{
	static const struct option options[] = {
		{ "index", required_argument, NULL, 'i' },
		{ "records", required_argument, NULL, 'r' },
		{ "record-only", no_argument, NULL, 'R' },
		{ "provider", required_argument, NULL, 'p' },
		{ "domain", required_argument, NULL, 'D' },
		{ "key", required_argument, NULL, 'k' },
		{ "output", required_argument, NULL, 'o' },
		{ "pdf", required_argument, NULL, 'P' },
		{ "lang", required_argument, NULL, 'l' },
		{ "serial", required_argument, NULL, 's' },
		{ "days", required_argument, NULL, 'd' },
		{ "now", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct request q = { .out = "-", .lang = "pt-BR", .days = DAYS_GOOD };
	struct record rec = { 0 };
	struct why why = { 0 };
	int c, r = 0;

	q.d.issued = wall_now();
	while (r == 0 && (c = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return EXIT_DONE;
		}
		r = option(&q, c, &why);
	}
	if (r == 0 && optind != argc)
		r = why_set(&why, -EINVAL, "'%s' is one argument too many", argv[optind]);
	if (r == 0)
		r = options_check(&q, &why);
	if (r == 0)
		r = run(&q, &rec, &why);
	if (r < 0) {
		fprintf(stderr, "porteiro declare: %s\n", why.text);
		return EXIT_USAGE;
	}
	say(&q, &rec);
	return EXIT_DONE;
}
