/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/audit_report.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "wire/xml.h"

static const char style[] =
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;"
    "max-width:62rem;padding:1rem}table{border-collapse:collapse;width:100%}th,td{border:1px solid "
    "#767676;padding:.35rem .5rem;text-align:left;vertical-align:top}caption{text-align:left;"
    "font-weight:600}.grade{font-size:3rem;font-weight:700;margin:0}.failed{border-left:.5rem "
    "solid "
    "#b3261e}.warned{border-left:.5rem solid #b36b00}.passed{border-left:.5rem solid #1b7f3b}code{"
    "overflow-wrap:anywhere}dt{font-weight:600}@media "
    "print{body{max-width:none}details{display:block}}";

static void id_text(const struct audit_row *row, char ret[32])
{
	size_t i = 0;

	for (; row->id[i] && i < 31; i++)
		ret[i] = (char)tolower((unsigned char)row->id[i]);
	ret[i] = '\0';
}

static _Bool to_repair(const struct audit_result *r)
{
	return r->status == AUDIT_FAILED || r->status == AUDIT_WARNED;
}

static void time_text(struct wall at, char ret[32])
{
	time_t t = at.s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void text_row(const struct audit_row *row, const struct audit_result *r, FILE *out)
{
	static const char *const marks[] = { "skip", "ok", "note", "WARN", "FAIL" };

	fprintf(out, "%-5s %2d  %s\n", marks[r->status], row->number, row->title);
	if (r->status == AUDIT_PASSED)
		return;
	fprintf(out, "          seen: %s\n", r->seen);
	if (!to_repair(r))
		return;
	fprintf(out, "          asked by: %s\n", row->source);
	for (int s = 0; s < SERVER_COUNT_; s++)
		if (row->fix[s][0] && (s == 0 || strcmp(row->fix[s], row->fix[0]) != 0))
			fprintf(out, "          %s: %s\n", audit_server_names[s], row->fix[s]);
}

void audit_report_text(const struct audit_subject *s, const struct audit_results *r, _Bool all,
		       FILE *out)
{
	char grade = audit_grade(r);

	fprintf(out, "%s: grade %c. %s\n", s->name, grade, audit_grade_words(grade));
	fprintf(out, "%u passed, %u failed, %u warnings, %u noted, %u not looked at; %.1f s\n\n",
		audit_count(r, AUDIT_PASSED), audit_count(r, AUDIT_FAILED),
		audit_count(r, AUDIT_WARNED), audit_count(r, AUDIT_NOTED),
		audit_count(r, AUDIT_SKIPPED), (double)s->took_ms / 1000);
	for (int status = AUDIT_FAILED; status >= AUDIT_SKIPPED; status--)
		for (int c = 0; c < CHECK_COUNT_; c++)
			if ((int)r->of[c].status == status && (all || to_repair(&r->of[c])))
				text_row(&audit_rows[c], &r->of[c], out);
}

static json_t *row_json(const struct audit_row *row, const struct audit_result *r)
{
	char id[32];
	json_t *fix = json_object();

	id_text(row, id);
	for (int s = 0; to_repair(r) && s < SERVER_COUNT_; s++)
		if (row->fix[s][0])
			json_object_set_new(fix, audit_server_names[s], json_string(row->fix[s]));
	return json_pack("{s:s,s:i,s:s,s:s,s:s,s:s,s:s,s:o}", "id", id, "number", row->number,
			 "title", row->title, "status", audit_status_names[r->status], "weight",
			 audit_weight_names[row->weight], "source", row->source, "seen", r->seen,
			 "fix", fix);
}

/* What a server said need not be UTF-8; JSON must be. */
static void make_utf8(struct audit_result *r)
{
	char *clean = NULL;
	size_t len = 0;
	json_t *probe = json_string(r->seen);

	if (probe) {
		json_decref(probe);
		return;
	}
	FILE *out = open_memstream(&clean, &len);
	if (!out)
		return;
	for (const char *c = r->seen; *c; c++)
		fputc((unsigned char)*c < 0x80 ? *c : '?', out);
	if (fclose(out) == 0)
		snprintf(r->seen, sizeof(r->seen), "%s", clean);
	free(clean);
}

json_t *audit_report_json(const struct audit_subject *s, const struct audit_results *r)
{
	char at[32], grade[2] = { audit_grade(r), '\0' };
	json_t *checks = json_array();

	time_text(s->at, at);
	for (int c = 0; c < CHECK_COUNT_; c++) {
		struct audit_result clean = r->of[c];

		make_utf8(&clean);
		json_array_append_new(checks, row_json(&audit_rows[c], &clean));
	}
	return json_pack(
	    "{s:s,s:s,s:s*,s:s,s:I,s:s,s:s,s:{s:i,s:i,s:i,s:i,s:i},s:o}", "name", s->name, "host",
	    s->host, "domain", s->domain, "at", at, "took_ms", (json_int_t)s->took_ms, "grade",
	    grade, "meaning", audit_grade_words(grade[0]), "count", "passed",
	    (int)audit_count(r, AUDIT_PASSED), "failed", (int)audit_count(r, AUDIT_FAILED),
	    "warned", (int)audit_count(r, AUDIT_WARNED), "noted", (int)audit_count(r, AUDIT_NOTED),
	    "skipped", (int)audit_count(r, AUDIT_SKIPPED), "checks", checks);
}

void audit_report_junit(const struct audit_subject *s, const struct audit_results *r, FILE *out)
{
	char id[32];

	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"porteiro audit ");
	xml_escape(s->host, out);
	fprintf(out, "\" tests=\"%d\" failures=\"%u\" skipped=\"%u\" time=\"%.3f\">\n",
		CHECK_COUNT_, audit_count(r, AUDIT_FAILED), audit_count(r, AUDIT_SKIPPED),
		(double)s->took_ms / 1000);
	for (int c = 0; c < CHECK_COUNT_; c++) {
		const struct audit_result *of = &r->of[c];

		id_text(&audit_rows[c], id);
		fprintf(out,
			"  <testcase classname=\"audit\" name=\"%02d %s: ", audit_rows[c].number,
			id);
		xml_escape(audit_rows[c].title, out);
		fputs("\">", out);
		if (of->status == AUDIT_FAILED || of->status == AUDIT_SKIPPED) {
			fputs(of->status == AUDIT_FAILED ? "<failure message=\""
							 : "<skipped message=\"",
			      out);
			xml_escape(of->seen, out);
			fputs("\"/>", out);
		} else {
			fprintf(out, "<system-out>%s: ", audit_status_names[of->status]);
			xml_escape(of->seen, out);
			fputs("</system-out>", out);
		}
		fputs("</testcase>\n", out);
	}
	fputs("</testsuite>\n", out);
}

static void html_head(const char *title, FILE *out)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	      out);
	xml_escape(title, out);
	fprintf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>", style);
	xml_escape(title, out);
	fputs("</h1>\n", out);
}

static void html_fix(const struct audit_row *row, FILE *out)
{
	fputs("<details><summary>How to repair it</summary><dl>", out);
	for (int s = 0; s < SERVER_COUNT_; s++)
		if (row->fix[s][0]) {
			fprintf(out, "<dt>%s</dt><dd><code>", audit_server_names[s]);
			xml_escape(row->fix[s], out);
			fputs("</code></dd>", out);
		}
	fputs("</dl></details>", out);
}

static void html_rows(const struct audit_results *r, enum audit_status status, FILE *out)
{
	for (int c = 0; c < CHECK_COUNT_; c++) {
		const struct audit_row *row = &audit_rows[c];

		if (r->of[c].status != status)
			continue;
		fprintf(out, "<tr><td class=\"%s\">%s</td><td>%d</td><th scope=\"row\">",
			audit_status_names[status], audit_status_names[status], row->number);
		xml_escape(row->title, out);
		fputs("</th><td>", out);
		xml_escape(r->of[c].seen, out);
		if (to_repair(&r->of[c]))
			html_fix(row, out);
		fputs("</td><td>", out);
		xml_escape(row->source, out);
		fputs("</td></tr>\n", out);
	}
}

void audit_report_html(const struct audit_subject *s, const struct audit_results *r, FILE *out)
{
	char title[600], at[32], grade = audit_grade(r);

	time_text(s->at, at);
	snprintf(title, sizeof(title), "Submission audit of %.500s", s->name);
	html_head(title, out);
	fprintf(
	    out,
	    "<p class=\"grade\">Grade %c</p>\n<p>%s</p>\n<p>%u passed, %u failed, %u warnings, "
	    "%u noted, %u not looked at. %s.</p>\n<table>\n<caption>Checks, the worst first"
	    "</caption>\n<thead><tr><th scope=\"col\">Result</th><th scope=\"col\">No.</th>"
	    "<th scope=\"col\">Check</th><th scope=\"col\">Seen</th><th scope=\"col\">Asked by</th>"
	    "</tr></thead>\n<tbody>\n",
	    grade, audit_grade_words(grade), audit_count(r, AUDIT_PASSED),
	    audit_count(r, AUDIT_FAILED), audit_count(r, AUDIT_WARNED), audit_count(r, AUDIT_NOTED),
	    audit_count(r, AUDIT_SKIPPED), at);
	for (int status = AUDIT_FAILED; status >= AUDIT_SKIPPED; status--)
		html_rows(r, (enum audit_status)status, out);
	fputs("</tbody>\n</table>\n</main>\n</body>\n</html>\n", out);
}

static int rank(const struct audit_league_row *r)
{
	return r->error ? 'Z' : audit_grade(&r->results) == '-' ? 'Y' : audit_grade(&r->results);
}

static int compare(const void *a, const void *b)
{
	const struct audit_league_row *x = a, *y = b;
	int d = rank(x) - rank(y);

	if (d == 0)
		d = (int)audit_count(&x->results, AUDIT_FAILED) -
		    (int)audit_count(&y->results, AUDIT_FAILED);
	if (d == 0)
		d = (int)audit_count(&x->results, AUDIT_WARNED) -
		    (int)audit_count(&y->results, AUDIT_WARNED);
	return d ? d : strcmp(x->name, y->name);
}

void audit_league_sort(struct audit_league_row *rows, size_t count)
{
	qsort(rows, count, sizeof(*rows), compare);
}

/* RFC 4180, and no cell that a spreadsheet would run as a formula. */
static void csv_cell(const char *text, FILE *out)
{
	fputc('"', out);
	if (strchr("=+-@\t\r", text[0]) && text[0])
		fputc('\'', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void failed_list(const struct audit_results *r, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = '\0';
	for (int c = 0; c < CHECK_COUNT_ && at < size; c++)
		if (r->of[c].status == AUDIT_FAILED)
			at += (size_t)snprintf(ret + at, size - at, "%s%d", at ? " " : "",
					       audit_rows[c].number);
}

void audit_league_csv(const struct audit_league_row *rows, size_t count, FILE *out)
{
	char failed[160];

	fputs("place,provider,host,grade,passed,failed,warnings,failed_checks,note\r\n", out);
	for (size_t i = 0; i < count; i++) {
		const struct audit_results *r = &rows[i].results;

		failed_list(r, failed, sizeof(failed));
		fprintf(out, "%zu,", i + 1);
		csv_cell(rows[i].name, out);
		fputc(',', out);
		csv_cell(rows[i].host, out);
		fprintf(out, ",%c,%u,%u,%u,", rows[i].error ? '-' : audit_grade(r),
			audit_count(r, AUDIT_PASSED), audit_count(r, AUDIT_FAILED),
			audit_count(r, AUDIT_WARNED));
		csv_cell(failed, out);
		fputc(',', out);
		csv_cell(rows[i].error ? rows[i].error : audit_grade_words(audit_grade(r)), out);
		fputs("\r\n", out);
	}
}

void audit_league_html(const struct audit_league_row *rows, size_t count, struct wall at, FILE *out)
{
	char when[32], failed[160];

	time_text(at, when);
	html_head("Submission services, audited", out);
	fprintf(
	    out,
	    "<p>%s</p>\n<table>\n<caption>Best first</caption>\n<thead><tr><th scope=\"col\">Place"
	    "</th><th scope=\"col\">Provider</th><th scope=\"col\">Grade</th><th "
	    "scope=\"col\">Passed"
	    "</th><th scope=\"col\">Failed</th><th scope=\"col\">Warnings</th><th scope=\"col\">"
	    "Failed checks</th><th scope=\"col\">In words</th></tr></thead>\n<tbody>\n",
	    when);
	for (size_t i = 0; i < count; i++) {
		const struct audit_results *r = &rows[i].results;
		char grade = rows[i].error ? '-' : audit_grade(r);

		failed_list(r, failed, sizeof(failed));
		fprintf(out, "<tr><td>%zu</td><th scope=\"row\">", i + 1);
		xml_escape(rows[i].name, out);
		fprintf(out, "</th><td>%c</td><td>%u</td><td>%u</td><td>%u</td><td>%s</td><td>",
			grade, audit_count(r, AUDIT_PASSED), audit_count(r, AUDIT_FAILED),
			audit_count(r, AUDIT_WARNED), failed);
		xml_escape(rows[i].error ? rows[i].error : audit_grade_words(grade), out);
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody>\n</table>\n</main>\n</body>\n</html>\n", out);
}
