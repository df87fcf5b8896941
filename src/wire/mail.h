/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mail: lines of mail server logs → events that matter for counting submissions.
 *
 * A reader takes one line and says what it saw; it keeps nothing, so that the
 * joining of lines to messages stays in one place (observe/maillog). Every
 * reader is anchored at the front of the message text: what a stranger could
 * put into a HELO name, an address or a subject never looks like an event.
 *
 * Slices of an event point into the line.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "wire/stamp.h"

#define MAIL_LINE_MAX (64 * 1024) /* bytes; a longer line is counted malformed and skipped */
#define MAIL_USER_MAX 320         /* RFC 5321 4.5.3.1: 64 + 1 + 255 */

/* What one line turned out to be. */
enum mail_reading {
	MAIL_UNDERSTOOD, /* says something about a submission; the event is filled */
	MAIL_IGNORED,    /* well formed, and nothing to do with one */
	MAIL_MALFORMED,  /* no such line is written by a mail server */
};

enum mail_kind {
	MAIL_ACCEPT,   /* a listener took a message (or its envelope) from a client */
	MAIL_PICKUP,   /* a program on the server itself handed a message in */
	MAIL_ENVELOPE, /* the sender of a message */
	MAIL_CLEANUP,  /* a message got its Message-ID: it has arrived from somewhere */
	MAIL_BORN,    /* the server made this message itself (bounce, forward): id is the new one */
	MAIL_DONE,    /* a message has left the queue */
	MAIL_RELAYED, /* handed on: the next server calls it `other_id` */
	MAIL_SESSION, /* a client connected to a listener; `id` names the session */
	MAIL_AUTH,    /* the session (or message) `id` is `user`'s */
	MAIL_CLOSE,   /* the session is over; `count` messages were taken in it */
	MAIL_LOGIN,   /* IMAP or POP: `user` reads mail from `client` */
	MAIL_REFUSED, /* a submission or a login was refused */
	MAIL_LOST,    /* the logger says that it dropped `count` lines (0: number unknown) */
	MAIL_KIND_COUNT_,
};

struct mail_event {
	enum mail_kind kind;
	struct slice id;       /* of the message, or of the session */
	struct slice session;  /* ACCEPT: the session it came in, when that line has the rest */
	struct slice other_id; /* what the message was called before (ACCEPT) or after (RELAYED) */
	struct slice listener; /* name of the service, daemon or connector; empty: see the tag */
	uint16_t port;         /* of the listener; 0 when not told */
	struct slice user;     /* who logged in, as written */
	struct slice sender;   /* envelope sender without <>, empty when unknown */
	bool null_sender;      /* the sender is <> */
	struct slice client;   /* address text without brackets */
	struct slice hint;     /* HELO, user agent: what may name the program */
	uint32_t uid;          /* PICKUP */
	uint32_t count;        /* messages (ACCEPT: 0 means one); CLOSE; lines (LOST) */
	bool authenticated; /* ACCEPT, CLOSE: there was a login, whether `user` is known or not */
	bool by_process;    /* AUTH, ACCEPT: the process that wrote the line is the session */
	bool forwards;      /* ACCEPT: `id` is the name the message has at the next server */
	bool forwarded;     /* ACCEPT: the login was made at a front, which told it on */
	bool webmail;       /* the line was written by a webmail */
	bool named_channel; /* `listener` is the name of a channel itself */
	bool url_encoded;   /* `user` is written as in a URL, see mail_url_decode() */
};

/* The head of a line that every syslog daemon writes. */
struct mail_line {
	int64_t at; /* local seconds, see stamp.h */
	struct slice host;
	struct slice tag; /* "postfix/submission/smtpd", "dovecot", "sm-mta" */
	uint32_t pid;     /* 0 when not told */
	struct slice text;
};

/* Which reader a tag belongs to. */
enum mail_program {
	MAIL_PROGRAM_NONE, /* no mail program: its lines are ignored */
	MAIL_PROGRAM_POSTFIX_SMTPD,
	MAIL_PROGRAM_POSTFIX_QMGR,
	MAIL_PROGRAM_POSTFIX_CLEANUP,
	MAIL_PROGRAM_POSTFIX_PICKUP,
	MAIL_PROGRAM_POSTFIX_DELIVERY, /* smtp, lmtp, local, virtual, pipe, error, bounce … */
	MAIL_PROGRAM_POSTFIX_OTHER,
	MAIL_PROGRAM_EXIM,
	MAIL_PROGRAM_DOVECOT,
	MAIL_PROGRAM_SENDMAIL,
	MAIL_PROGRAM_OPENSMTPD,
	MAIL_PROGRAM_HARAKA,
	MAIL_PROGRAM_ROUNDCUBE,
	MAIL_PROGRAM_SOGO,
	MAIL_PROGRAM_LOGGER, /* rsyslogd, systemd-journald: they tell of lost lines */
	MAIL_PROGRAM_COUNT_,
};

/*
 * RFC 3164, the same with an RFC 3339 stamp, and RFC 5424, each with or
 * without <PRI>. False when the line has no such head.
 */
bool mail_line_read(struct stamp_clock *clock, struct slice line, struct mail_line *ret);
enum mail_program mail_program_of(struct slice tag);

/* The readers behind mail_program_of(); *ret is filled for MAIL_UNDERSTOOD only. */
enum mail_reading mail_postfix_smtpd(struct slice text, struct mail_event *ret);
enum mail_reading mail_postfix_qmgr(struct slice text, struct mail_event *ret);
enum mail_reading mail_postfix_cleanup(struct slice text, struct mail_event *ret);
enum mail_reading mail_postfix_pickup(struct slice text, struct mail_event *ret);
enum mail_reading mail_postfix_delivery(struct slice text, struct mail_event *ret);
enum mail_reading mail_dovecot(struct slice text, struct mail_event *ret);
enum mail_reading mail_exim(struct slice text, struct mail_event *ret);
enum mail_reading mail_sendmail(struct slice text, struct mail_event *ret);
enum mail_reading mail_opensmtpd(struct slice text, struct mail_event *ret);
enum mail_reading mail_haraka(struct slice text, struct mail_event *ret);
enum mail_reading mail_logger(struct slice text, struct mail_event *ret);

enum mail_reading mail_roundcube(struct slice text, struct mail_event *ret);
enum mail_reading mail_sogo(struct slice text, struct mail_event *ret);
/* Behind the stamp of mailbox.log. */
enum mail_reading mail_zimbra(struct slice text, struct mail_event *ret);
/* Roundcube's own file has a stamp of its own. */
bool mail_roundcube_line(struct stamp_clock *clock, struct slice line, struct mail_line *ret);
/* A line of the report stream, with its time in seconds since 1970 UTC. */
enum mail_reading mail_opensmtpd_report(struct slice text, int64_t *utc_s, struct mail_event *ret);

/* Choose by program. */
enum mail_reading mail_read(enum mail_program program, struct slice text, struct mail_event *ret);

/* RFC 3986 2.1: %40 is @; cut at the room there is. */
struct slice mail_url_decode(struct slice s, char *buffer, size_t room);
/* A user name that may be counted: not empty, not too long, no control characters. */
bool mail_user_valid(struct slice user);
