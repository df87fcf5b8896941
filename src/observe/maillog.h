/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maillog: lines of one log, in order → submissions.
 *
 * Joins what several lines say about one message (its client, its sender, the
 * hop through a content filter) and says for each submission who sent it and by
 * which channel. A message is told once here, though its line may stand in
 * several files: `key` is equal for the same line wherever it is read, whatever
 * stamp its copy carries.
 *
 * Not thread-safe; one maillog per file. Memory is bounded by the messages in
 * flight (MAILLOG_OPEN_MAX) and by the number of different tags.
 */
#pragma once

#include <stdint.h>

#include "base/own.h"
#include "observe/mailsite.h"
#include "wire/mail.h"

#define MAILLOG_OPEN_MAX (1 << 20) /* messages followed at once; beyond it the oldest go */
#define MAILLOG_TAGS_MAX 4096      /* different host and tag pairs remembered */

struct submission {
	int64_t at;           /* local seconds */
	enum place place;     /* CHANNEL, PLAIN or UNKNOWN */
	enum channel channel; /* for PLACE_CHANNEL */
	enum tier tier;
	uint64_t source;     /* host and syslog name: PLACE_PLAIN is settled per source */
	struct slice user;   /* as written; for tiers other than SASL the envelope sender */
	struct slice client; /* address text, may be empty */
	struct slice hint;   /* HELO or user agent, may be empty */
	uint64_t key;        /* of the message, mixed */
	uint64_t id;         /* of the message at the server it went to, whichever log tells it */
	bool forwarded;      /* the login was made at a front, whose log may count it too */
	bool front;          /* told by a front: the server behind it may count it too */
	uint32_t count;      /* messages told by one line; 1 but for session totals */
};

/* Where it all goes. A negative return stops the reading and is passed up. */
struct maillog_sink {
	void *ctx;
	int (*submission)(void *ctx, const struct submission *s);
	/* `source` has a tag for 587 or 465, so its plain tag is not one of them. */
	int (*tagged)(void *ctx, uint64_t source, int64_t day);
	/* An account read its mail from `client`. May be NULL. */
	int (*login)(void *ctx, int64_t at, struct slice user, struct slice client);
	/* A front counted the message that the next server knows as `at_front`. May be NULL. */
	int (*forwarded)(void *ctx, int64_t at, uint64_t at_front);
	/* A tag, name or port that is not explained was used for a submission. May be NULL. */
	void (*unexplained)(void *ctx, struct slice name);
};

struct maillog_counts {
	uint64_t read, understood, ignored, malformed; /* lines; read is the sum of the others */
	uint64_t outside;      /* understood lines before --since or after --until */
	uint64_t refused;      /* relay or login refused */
	uint64_t reinjected;   /* inner hops of messages counted elsewhere */
	uint64_t unattributed; /* submissions of nobody's account */
	uint64_t lost_said;    /* lines the logger says it dropped */
	uint64_t lost_times;   /* times it said so */
	uint64_t originless;   /* messages whose first line is missing */
	uint64_t forgotten;    /* messages dropped at MAILLOG_OPEN_MAX */
};

struct maillog_span {
	int64_t from, to; /* days; lines outside are read but not counted */
};

struct maillog;

/* `newest` as in wire/stamp.h. Borrows site, sink. */
int maillog_new(const struct mailsite *site, const struct maillog_sink *sink,
		struct stamp_clock clock, struct maillog_span span, struct maillog **ret);
void maillog_free(struct maillog *m);
OWNABLE(maillog)

/* One line without its newline. -ENOMEM or what the sink said. */
int maillog_line(struct maillog *m, struct slice line);
/* A line longer than MAIL_LINE_MAX was skipped. */
void maillog_overlong(struct maillog *m);
/* The log is over: settle what waits. */
int maillog_end(struct maillog *m);

const struct maillog_counts *maillog_counts(const struct maillog *m);
