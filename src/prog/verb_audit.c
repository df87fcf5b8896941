/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro audit: look at a provider's submission service from outside, and say how good it is. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "classify/submission_judge.h"
#include "observe/survey.h"
#include "prog/file_put.h"
#include "prog/verb_provider.h"
#include "tell/audit_report.h"
#include "wire/declaration.h"

#define BATCH_BYTES_MAX (1 << 20)
#define BATCH_MAX       1000

static const char usage[] =
    "usage: porteiro audit HOST [--domain D] [--user U] [--json | --junit | --html] [OPTION]...\n"
    "       porteiro audit --batch FILE [--json | --csv | --html] [OPTION]...\n\n"
    "Checks a mail provider's submission service (587, 465, and that 25 offers no login) from\n"
    "outside. Sends no mail without --user, and with it one message to that user. Exit 1 when a\n"
    "check fails.\n\n"
    "  --domain D         the mail domain: adds DNS, autoconfig and MX checks\n"
    "  --user U           log in as U too; the password is the first line of --password-file\n"
    "  --password-file F  '-' reads standard input\n"
    "  --batch FILE       lines 'HOST [DOMAIN [NAME...]]': a league table\n"
    "  --json --junit --html --csv   how to print it\n"
    "  --all              print what passed, too\n"
    "  --ca FILE          trust these roots instead of the system's\n"
    "  --helo NAME        how we call ourselves; default this machine's name\n"
    "  --from ADDRESS     the sender we use; default porteiro-audit@ that name\n"
    "  --relay ADDRESS    an address elsewhere, for RCPT only; default relay-test@example.com\n"
    "  --mobileconfig URL, --help-page URL   check these too\n"
    "  --idle SECONDS     hold a silent connection that long; default 1, 300 proves the rule\n"
    "  --timeout SECONDS  for the whole audit; default 30\n"
    "  --resolver ADDR[:PORT]   ask this DNS server\n"
    "  --port25 N, --port465 N, --port587 N, --https-port N   where the services are\n"
    "  --now TIME         judge certificates as of then\n";

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JUNIT, FORMAT_HTML, FORMAT_CSV };

struct request {
	struct survey_settings survey;
	const char *batch, *password_file;
	enum format format;
	_Bool all;
	struct wall now;
	char helo[SUBMISSION_NAME], from[SUBMISSION_NAME + 32], password[256];
};

enum {
	OPT_DOMAIN = 1000,
	OPT_USER,
	OPT_PASSWORD,
	OPT_BATCH,
	OPT_JSON,
	OPT_JUNIT,
	OPT_HTML,
	OPT_CSV,
	OPT_ALL,
	OPT_CA,
	OPT_HELO,
	OPT_FROM,
	OPT_RELAY,
	OPT_MOBILE,
	OPT_HELP_PAGE,
	OPT_IDLE,
	OPT_TIMEOUT,
	OPT_RESOLVER,
	OPT_PORT25,
	OPT_PORT465,
	OPT_PORT587,
	OPT_HTTPS,
	OPT_NOW,
};

static const struct option options[] = {
	{ "domain", required_argument, NULL, OPT_DOMAIN },
	{ "user", required_argument, NULL, OPT_USER },
	{ "password-file", required_argument, NULL, OPT_PASSWORD },
	{ "batch", required_argument, NULL, OPT_BATCH },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "junit", no_argument, NULL, OPT_JUNIT },
	{ "html", no_argument, NULL, OPT_HTML },
	{ "csv", no_argument, NULL, OPT_CSV },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "ca", required_argument, NULL, OPT_CA },
	{ "helo", required_argument, NULL, OPT_HELO },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "relay", required_argument, NULL, OPT_RELAY },
	{ "mobileconfig", required_argument, NULL, OPT_MOBILE },
	{ "help-page", required_argument, NULL, OPT_HELP_PAGE },
	{ "idle", required_argument, NULL, OPT_IDLE },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "resolver", required_argument, NULL, OPT_RESOLVER },
	{ "port25", required_argument, NULL, OPT_PORT25 },
	{ "port465", required_argument, NULL, OPT_PORT465 },
	{ "port587", required_argument, NULL, OPT_PORT587 },
	{ "https-port", required_argument, NULL, OPT_HTTPS },
	{ "now", required_argument, NULL, OPT_NOW },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int number(const char *text, int max, int *ret, struct why *why)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < 1 || n > max)
		return why_set(why, -EINVAL, "'%s' is not a number from 1 to %d", text, max);
	*ret = (int)n;
	return 0;
}

static int seconds(const char *text, struct span *ret, struct why *why)
{
	int n, r = number(text, 3600, &n, why);

	if (r == 0)
		*ret = SPAN_S(n);
	return r;
}

/* What goes into a command must not end it. */
static int plain_word(const char *text, const char **ret, struct why *why)
{
	size_t len = strlen(text);

	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7f || *c == '<' || *c == '>')
			return why_set(why, -EINVAL, "'%.60s' has blanks or brackets in it", text);
	if (len == 0 || len >= SUBMISSION_NAME)
		return why_set(why, -EINVAL, "'%.60s' is empty or too long", text);
	*ret = text;
	return 0;
}

static int option_talk(struct request *q, int c, struct why *why)
{
	struct talk_settings *t = &q->survey.talk;

	switch (c) {
	case OPT_USER:
		return plain_word(optarg, &t->user, why);
	case OPT_CA:
		t->ca = optarg;
		return 0;
	case OPT_HELO:
		return plain_word(optarg, &t->helo, why);
	case OPT_FROM:
		return plain_word(optarg, &t->from, why);
	case OPT_RELAY:
		return plain_word(optarg, &t->relay, why);
	case OPT_IDLE:
		return seconds(optarg, &t->idle, why);
	case OPT_PORT25:
		return number(optarg, 65535, &t->port25, why);
	case OPT_PORT465:
		return number(optarg, 65535, &t->port465, why);
	case OPT_PORT587:
		return number(optarg, 65535, &t->port587, why);
	default:
		return why_set(why, -EINVAL, "see 'porteiro audit --help'");
	}
}

static int option(struct request *q, int c, struct why *why)
{
	switch (c) {
	case OPT_DOMAIN:
		return plain_word(optarg, &q->survey.domain, why);
	case OPT_PASSWORD:
		q->password_file = optarg;
		return 0;
	case OPT_BATCH:
		q->batch = optarg;
		return 0;
	case OPT_JSON:
		q->format = FORMAT_JSON;
		return 0;
	case OPT_JUNIT:
		q->format = FORMAT_JUNIT;
		return 0;
	case OPT_HTML:
		q->format = FORMAT_HTML;
		return 0;
	case OPT_CSV:
		q->format = FORMAT_CSV;
		return 0;
	case OPT_ALL:
		q->all = 1;
		return 0;
	case OPT_MOBILE:
		q->survey.mobileconfig = optarg;
		return 0;
	case OPT_HELP_PAGE:
		q->survey.help_page = optarg;
		return 0;
	case OPT_TIMEOUT:
		return seconds(optarg, &q->survey.deadline, why);
	case OPT_RESOLVER:
		q->survey.resolver = optarg;
		return 0;
	case OPT_HTTPS:
		return number(optarg, 65535, &q->survey.https_port, why);
	case OPT_NOW:
		return wall_parse(optarg, &q->now)
			   ? 0
			   : why_set(why, -EINVAL, "'%s' is no time", optarg);
	default:
		return option_talk(q, c, why);
	}
}

static int password_load(struct request *q, struct why *why)
{
	own(text) struct text *t = NULL;

	if (!q->survey.talk.user)
		return q->password_file ? why_set(why, -EINVAL, "--password-file needs --user") : 0;
	if (!q->password_file)
		return why_set(why, -EINVAL, "--user needs --password-file");
	int r = text_read(q->password_file, 4096, &t);
	if (r < 0)
		return why_set(why, r, "cannot read %s: %s", q->password_file, strerror(-r));
	snprintf(q->password, sizeof(q->password), "%.*s", (int)strcspn(t->bytes, "\r\n"),
		 t->bytes);
	sodium_memzero(t->bytes, t->len);
	q->survey.talk.password = q->password;
	return 0;
}

/* Who we are: this machine's name if it is a full one. */
static void identify(struct request *q)
{
	struct talk_settings *t = &q->survey.talk;

	if (!t->helo) {
		if (gethostname(q->helo, sizeof(q->helo) - 1) < 0 || !strchr(q->helo, '.'))
			snprintf(q->helo, sizeof(q->helo), "porteiro-audit.invalid");
		t->helo = q->helo;
	}
	if (!t->from) {
		snprintf(q->from, sizeof(q->from), "porteiro-audit@%s", t->helo);
		t->from = q->from;
	}
	t->domain = q->survey.domain ? q->survey.domain : q->survey.host;
}

static void progress(void *of, unsigned all, unsigned ended)
{
	const struct request *q = of;

	fprintf(stderr, "\r%-40.40s %u of %u connections done ", q->survey.host, ended, all);
	if (ended == all)
		fputs("\r\x1b[K", stderr);
	fflush(stderr);
}

static int audit(struct request *q, struct audit_results *ret, int64_t *ret_ms, struct why *why)
{
	own(submission) struct submission *s = NULL;
	struct mono began = mono_now();
	int r = submission_new(&s);

	identify(q);
	if (isatty(STDERR_FILENO)) {
		q->survey.progress = progress;
		q->survey.progress_of = q;
	}
	if (r == 0)
		r = survey(&q->survey, s, why);
	if (r < 0)
		return r;
	submission_judge(s, q->now, ret);
	*ret_ms = mono_since(began, mono_now()).ns / 1000000;
	return 0;
}

static int one(struct request *q, struct why *why)
{
	struct audit_results results;
	struct audit_subject s = { .name = q->survey.domain ? q->survey.domain : q->survey.host,
				   .host = q->survey.host,
				   .domain = q->survey.domain,
				   .at = q->now };
	int r = audit(q, &results, &s.took_ms, why);

	if (r < 0)
		return r;
	if (q->format == FORMAT_JSON) {
		json_t *j = audit_report_json(&s, &results);
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(j);
	} else if (q->format == FORMAT_JUNIT) {
		audit_report_junit(&s, &results, stdout);
	} else if (q->format == FORMAT_HTML) {
		audit_report_html(&s, &results, stdout);
	} else {
		audit_report_text(&s, &results, q->all, stdout);
	}
	return audit_count(&results, AUDIT_FAILED) ? EXIT_NO : EXIT_DONE;
}

struct league {
	size_t count;
	struct audit_league_row *rows;
	struct why *errors;
};

static void league_free(struct league *l)
{
	free(l->rows);
	free(l->errors);
}
OWNABLE(league)

/* HOST [DOMAIN [NAME...]], '-' for no domain. The pieces stay in the file's text. */
static int league_line(struct request *q, struct league *l, char *line, unsigned n, struct why *why)
{
	char *rest = line, *host = strsep(&rest, " \t"),
	     *domain = rest ? strsep(&rest, " \t") : NULL;
	struct audit_league_row *row = &l->rows[l->count];
	struct why inner = { 0 };
	int64_t ms;

	if (l->count == BATCH_MAX)
		return why_set(why, -E2BIG, "line %u: more than %d providers", n, BATCH_MAX);
	q->survey.host = NULL;
	q->survey.domain = NULL;
	if (plain_word(host, &q->survey.host, &inner) < 0 ||
	    (domain && strcmp(domain, "-") != 0 &&
	     plain_word(domain, &q->survey.domain, &inner) < 0))
		return why_set(why, -EINVAL, "line %u: %s", n, inner.text);
	row->host = host;
	row->name = rest && *rest ? rest : q->survey.domain ? q->survey.domain : host;
	if (audit(q, &row->results, &ms, &l->errors[l->count]) < 0)
		row->error = l->errors[l->count].text;
	l->count++;
	return 0;
}

static void league_print(const struct request *q, const struct league *l)
{
	json_t *list = json_array();

	if (q->format == FORMAT_HTML)
		audit_league_html(l->rows, l->count, q->now, stdout);
	else if (q->format != FORMAT_JSON)
		audit_league_csv(l->rows, l->count, stdout);
	for (size_t i = 0; q->format == FORMAT_JSON && i < l->count; i++) {
		struct audit_subject s = { .name = l->rows[i].name,
					   .host = l->rows[i].host,
					   .at = q->now };
		json_t *j = audit_report_json(&s, &l->rows[i].results);

		if (l->rows[i].error)
			json_object_set_new(j, "error", json_string(l->rows[i].error));
		json_array_append_new(list, j);
	}
	if (q->format == FORMAT_JSON) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(list);
}

static int batch(struct request *q, struct why *why)
{
	own(text) struct text *t = NULL;
	struct league whole = { 0 };
	own(league) struct league *l = &whole;
	int r = text_read(q->batch, BATCH_BYTES_MAX, &t);
	unsigned n = 0;

	if (r < 0)
		return why_set(why, r, "cannot read %s: %s", q->batch, strerror(-r));
	l->rows = calloc(BATCH_MAX, sizeof(*l->rows));
	l->errors = calloc(BATCH_MAX, sizeof(*l->errors));
	if (!l->rows || !l->errors)
		return -ENOMEM;
	for (char *line = t->bytes, *next; *line; line = next) {
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		n++;
		line += strspn(line, " \t\r");
		line[strcspn(line, "\r")] = '\0';
		if (!*line || *line == '#')
			continue;
		if ((r = league_line(q, l, line, n, why)) < 0)
			return r;
	}
	audit_league_sort(l->rows, l->count);
	league_print(q, l);
	for (size_t i = 0; i < l->count; i++)
		if (l->rows[i].error || audit_count(&l->rows[i].results, AUDIT_FAILED))
			return EXIT_NO;
	return EXIT_DONE;
}

static int check(struct request *q, int argc, char **argv, struct why *why)
{
	if (q->batch && optind != argc)
		return why_set(why, -EINVAL, "--batch takes no host");
	if (!q->batch && optind + 1 != argc)
		return why_set(why, -EINVAL, "give one host; see 'porteiro audit --help'");
	if (q->format == FORMAT_CSV && !q->batch)
		return why_set(why, -EINVAL, "--csv goes with --batch");
	if (q->format == FORMAT_JUNIT && q->batch)
		return why_set(why, -EINVAL, "--junit goes with one host");
	if (q->batch && q->survey.talk.user)
		return why_set(why, -EINVAL, "--user goes with one host");
	if (!q->batch && plain_word(argv[optind], &q->survey.host, why) < 0)
		return -EINVAL;
	if (!strchr(q->survey.talk.relay, '@'))
		return why_set(why, -EINVAL, "--relay: '%s' is not an address",
			       q->survey.talk.relay);
	return password_load(q, why);
}

int verb_audit(int argc, char **argv)
{
	struct request q = {
		.survey = { .https_port = 443,
			    .deadline = SPAN_S(30),
			    .talk = { .relay = "relay-test@example.com",
				      .port25 = 25,
				      .port465 = 465,
				      .port587 = 587,
				      .connect = SPAN_S(5),
				      .reply = SPAN_S(10),
				      .quiet = SPAN_MS(1500),
				      .idle = SPAN_S(1) } },
		.now = wall_now(),
	};
	struct why why = { 0 };
	int c, r = 0;

	signal(SIGPIPE, SIG_IGN); /* a server that hangs up within TLS is an answer */
	while (r == 0 && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return EXIT_DONE;
		}
		r = option(&q, c, &why);
	}
	if (q.survey.deadline.ns < q.survey.talk.idle.ns + SPAN_S(5).ns)
		q.survey.deadline.ns = q.survey.talk.idle.ns + SPAN_S(5).ns;
	if (r == 0)
		r = check(&q, argc, argv, &why);
	if (r == 0)
		r = q.batch ? batch(&q, &why) : one(&q, &why);
	sodium_memzero(q.password, sizeof(q.password));
	if (r < 0) {
		fprintf(stderr, "porteiro audit: %s\n", why.text);
		return EXIT_USAGE;
	}
	return r;
}
