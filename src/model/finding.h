/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * finding: what a line is like, by which rule, and on what evidence.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum line_class {
	LINE_EXCEPTION,   /* an exception is registered */
	LINE_MAIL_SERVER, /* receives mail from outside and sends it on */
	LINE_CONFIRMED_BOT,
	LINE_SUSPECTED_BOT, /* watch; nothing follows from this alone */
	LINE_LEGACY_CLIENT, /* a mail program that still submits by 25 */
	LINE_DEVICE,        /* scanner, alarm, recorder: breaks silently at the closing */
	LINE_MIGRATED,      /* 465/587 and never 25 */
	LINE_NO_PORT25,     /* none *seen*: what could have been missed is in the coverage */
	LINE_UNKNOWN,       /* uses 25, and no rule says more */
	LINE_CLASS_COUNT_
};

const char *line_class_name(enum line_class c); /* "mail-server", "confirmed-bot" … */

/* Each rule of the decision list, in order; a finding names the one that decided. */
enum line_rule {
	RULE_EXCEPTION,
	RULE_RECEIVES_MAIL,
	RULE_FAILS_AND_FANS_OUT,
	RULE_FANS_OUT_WIDELY,
	RULE_LOOKS_UP_EXCHANGERS,
	RULE_MANY_SERVERS,
	RULE_MANY_CONNECTIONS,
	RULE_HALF_CONVICTED,
	RULE_OWN_PROVIDER,
	RULE_REGULAR_DEVICE,
	RULE_MIGRATED,
	RULE_NOTHING_SEEN,
	RULE_NONE,
	RULE_COUNT_
};

const char *line_rule_name(enum line_rule r); /* "receives-mail" … */

/* The figures a rule saw; all that evidence may speak of. */
struct line_figures {
	uint32_t servers_hour; /* distinct servers first called on 25 within the hour */
	uint32_t servers_day;  /* distinct servers called on 25 in 24 h (12 to 24, never more) */
	uint32_t servers_week; /* in 7 days (3.5 to 7) */
	uint32_t attempts, failed;    /* on 25 in 24 h; failed of those whose outcome is known */
	uint32_t outcomes;            /* attempts whose outcome is known */
	uint32_t connections_quarter; /* most attempts within one 15 minutes */
	uint32_t inbound_peers;       /* distinct outside callers of the line's own port 25 */
	uint32_t exchangers;          /* distinct names looked up for MX in the hour */
	uint32_t hours, days;         /* in how many of 24 hours, of 7 days */
	uint32_t submissions;         /* connections to 465 and 587 in 24 h */
	float suspicion;              /* SPRT log-odds, 0 at rest */
	float gap_variation;          /* coefficient of variation of the gaps; < 0: too few */
	uint16_t provider;            /* whose submission host was called on 25; 0: none known */
	bool fetches_there;           /* a server called on 25 is one that mail is fetched from */
};

struct finding {
	enum line_class class;
	enum line_rule rule;
	struct line_figures figures;
};

static inline double finding_failed_ratio(const struct line_figures *f)
{
	return f->outcomes ? (double)f->failed / f->outcomes : 0;
}
