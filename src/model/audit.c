/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NOTE   WEIGHT_NOTE
#define SHOULD WEIGHT_SHOULD
#define MUST   WEIGHT_MUST
#define GRAVE  WEIGHT_GRAVE

const struct audit_row audit_rows[CHECK_COUNT_] = {
#define CHECK(id, number, weight, title, source, ...) \
	[CHECK_##id] = { #id, number, weight, title, source, { __VA_ARGS__ } },
#include "model/audit_checks.def"
#undef CHECK
};

const char *const audit_server_names[SERVER_COUNT_] = { "Postfix", "Exim", "Dovecot", "OpenSMTPD",
							"Exchange" };
const char *const audit_status_names[] = { "skipped", "passed", "noted", "warned", "failed" };
const char *const audit_weight_names[] = { "note", "should", "must", "grave" };

void audit_say(struct audit_results *r, enum audit_check check, enum audit_status status,
	       const char *format, ...)
{
	struct audit_result *of = &r->of[check];
	size_t at;
	va_list args;

	if (status < of->status)
		return;
	if (status > of->status)
		of->seen[0] = '\0';
	of->status = status;
	at = strlen(of->seen);
	if (at)
		at += (size_t)snprintf(of->seen + at, sizeof(of->seen) - at, "; ");
	if (at >= sizeof(of->seen))
		return;
	va_start(args, format);
	vsnprintf(of->seen + at, sizeof(of->seen) - at, format, args);
	va_end(args);
}

unsigned audit_count(const struct audit_results *r, enum audit_status status)
{
	unsigned n = 0;

	for (int c = 0; c < CHECK_COUNT_; c++)
		n += r->of[c].status == status;
	return n;
}

char audit_grade(const struct audit_results *r)
{
	unsigned must = 0;

	for (int c = 0; c < CHECK_COUNT_; c++) {
		if (r->of[c].status != AUDIT_FAILED)
			continue;
		if (audit_rows[c].weight == WEIGHT_GRAVE)
			return 'F';
		must++;
	}
	if (r->of[CHECK_REACH587].status == AUDIT_SKIPPED)
		return '-';
	if (must)
		return must > 2 ? 'D' : 'C';
	return audit_count(r, AUDIT_WARNED) > 3 ? 'B' : 'A';
}

const char *audit_grade_words(char grade)
{
	switch (grade) {
	case 'A':
		return "Users can submit safely; little or nothing is left to do.";
	case 'B':
		return "Users can submit safely; several things should be better.";
	case 'C':
		return "Users can submit, but a requirement is not met.";
	case 'D':
		return "Several requirements are not met: repair before users are moved here.";
	case 'F':
		return "Mail or passwords are in danger, or there is no service: act now.";
	default:
		return "The service could not be looked at.";
	}
}
