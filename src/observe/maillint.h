/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maillint: a mail server's configuration → what its log will tell of the port.
 *
 * Reads what the server itself prints of its configuration (postconf -M or
 * master.cf, postconf -n or main.cf, exim -bP, doveconf -n). For each listener:
 * its port, the name under which it logs, and whether that name alone proves
 * the port. Where it does not, the change that would, as a diff or as commands.
 *
 * Pure: texts come in, a report goes out; nothing is run and nothing is changed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"
#include "base/slice.h"
#include "base/why.h"
#include "model/channel.h"

#define LINT_LISTENERS_MAX 64
#define LINT_NAME_MAX      96

enum lint_verdict {
	LINT_PROVEN,   /* whoever logs under this name came in by this port */
	LINT_SHARED,   /* another listener logs under the same name */
	LINT_SILENT,   /* this server does not log the port at all as configured */
	LINT_NO_LOGIN, /* nobody can log in here: it takes no submissions */
	LINT_INNER,    /* reachable from the server itself only: an inner hop */
	LINT_VERDICT_COUNT_,
};

struct lint_listener {
	char service[LINT_NAME_MAX]; /* "submission", "0.0.0.0:587" */
	uint16_t port;
	char tag[LINT_NAME_MAX]; /* as it stands in the log */
	enum lint_verdict verdict;
	bool login;                 /* AUTH is offered */
	unsigned line;              /* of the file it was read from, 0 if none */
	char wanted[LINT_NAME_MAX]; /* the tag it should have; empty: none needed */
};

struct lint_report {
	const char *server; /* "postfix", "exim", "dovecot" */
	char version[32];
	struct lint_listener listener[LINT_LISTENERS_MAX];
	unsigned count;
	char *change; /* what to do, ready to use; NULL: nothing */
};

void lint_report_done(struct lint_report *r);

/* `main` may be empty. `path` names the file in the diff; NULL: commands only. */
int lint_postfix(struct slice master, struct slice main_cf, const char *path,
		 struct lint_report *ret, struct why *why);
/* What exim -bP prints, or the configuration file's main section. */
int lint_exim(struct slice text, struct lint_report *ret, struct why *why);
/* What doveconf -n prints; Dovecot 2.3 and 2.4 differ in the names. */
int lint_dovecot(struct slice text, struct lint_report *ret, struct why *why);

/* All listeners that take submissions are told apart by their names. */
bool lint_good(const struct lint_report *r);
const char *lint_verdict_name(enum lint_verdict v);
