/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * audit_report: the results of an audit as text, JSON, JUnit XML or a page, and many as a league
 * table.
 *
 * Per failure: what was asked and where it is written, what was seen, and what to
 * change on each kind of server.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/mono.h"
#include "model/audit.h"

struct audit_subject {
	const char *name;          /* of the provider; the host, if it has none */
	const char *host, *domain; /* domain may be NULL */
	struct wall at;
	int64_t took_ms;
};

void audit_report_text(const struct audit_subject *s, const struct audit_results *r, _Bool all,
		       FILE *out);
json_t *audit_report_json(const struct audit_subject *s, const struct audit_results *r);
void audit_report_junit(const struct audit_subject *s, const struct audit_results *r, FILE *out);
void audit_report_html(const struct audit_subject *s, const struct audit_results *r, FILE *out);

/* One row of the league. A provider that could not be audited has its reason in `error`. */
struct audit_league_row {
	const char *name, *host;
	const char *error; /* NULL: audited */
	struct audit_results results;
};

/* Best first: by grade, then failures, then warnings, then name. Sorts `rows`. */
void audit_league_sort(struct audit_league_row *rows, size_t count);
void audit_league_csv(const struct audit_league_row *rows, size_t count, FILE *out);
void audit_league_html(const struct audit_league_row *rows, size_t count, struct wall at,
		       FILE *out);
