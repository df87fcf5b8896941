/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * audit: the checks of a submission service, their results and the grade.
 *
 * The table is audit_checks.def. A result keeps the worst that was said about
 * its check, with what was seen on the wire and where.
 */
#pragma once

#include <stddef.h>

#define AUDIT_SEEN_MAX 600 /* bytes of what was seen, with the NUL; the rest is cut */

enum audit_check {
#define CHECK(id, ...) CHECK_##id,
#include "model/audit_checks.def"
#undef CHECK
	CHECK_COUNT_
};

enum audit_weight { WEIGHT_NOTE, WEIGHT_SHOULD, WEIGHT_MUST, WEIGHT_GRAVE };

/* In the order of gravity: a result only ever moves to the right. */
enum audit_status { AUDIT_SKIPPED, AUDIT_PASSED, AUDIT_NOTED, AUDIT_WARNED, AUDIT_FAILED };

enum audit_server {
	SERVER_POSTFIX,
	SERVER_EXIM,
	SERVER_DOVECOT,
	SERVER_OPENSMTPD,
	SERVER_EXCHANGE,
	SERVER_COUNT_
};

struct audit_row {
	const char *id; /* "authclear": for machines */
	int number;
	enum audit_weight weight;
	const char *title, *source;
	const char *fix[SERVER_COUNT_];
};

extern const struct audit_row audit_rows[CHECK_COUNT_];
extern const char *const audit_server_names[SERVER_COUNT_];
extern const char *const audit_status_names[];
extern const char *const audit_weight_names[];

struct audit_result {
	enum audit_status status;
	char seen[AUDIT_SEEN_MAX]; /* "198.51.100.7 port 587: …; …" */
};

struct audit_results {
	struct audit_result of[CHECK_COUNT_];
};

/* Say something about a check. A worse status replaces a better one and its words; equals are
 * added. */
void audit_say(struct audit_results *r, enum audit_check check, enum audit_status status,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * 'A' to 'F': F a GRAVE check failed; D three or more MUST failed; C one or two did; B more than
 * three warnings; A else. '-' when not even port 587 or 465 could be looked at.
 */
char audit_grade(const struct audit_results *r);

/* One sentence a manager understands. */
const char *audit_grade_words(char grade);

unsigned audit_count(const struct audit_results *r, enum audit_status status);
