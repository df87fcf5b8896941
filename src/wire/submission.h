/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * submission: everything that was heard from one submission service, unjudged.
 *
 * observe/ fills it from the network, classify/ judges it, and neither knows the
 * other. A *point* is one address of one host; a *talk* is one connection to it;
 * a *slot* names one exchange in a talk.
 */
#pragma once

#include <stdint.h>

#include "base/own.h"
#include "wire/smtp_reply.h"

#define SUBMISSION_POINTS 8
#define SUBMISSION_NAME   256

/* One connection each. */
#define SUBMISSION_TALKS(X)                                      \
	X(T587, "port 587")                                      \
	X(T465, "port 465")                                      \
	X(T25, "port 25")                                        \
	X(INJECT, "port 587, STARTTLS with a command behind it") \
	X(OLD587, "port 587, TLS 1.0 and 1.1 only")              \
	X(OLD465, "port 465, TLS 1.0 and 1.1 only")              \
	X(WEAK587, "port 587, broken ciphers only")              \
	X(WEAK465, "port 465, broken ciphers only")              \
	X(IDLE, "port 587, idle")                                \
	X(RULES, "port 587, rules of AUTH")                      \
	X(LOGIN, "port 587, logged in")

enum talk_id {
#define X(id, name) TALK_##id,
	SUBMISSION_TALKS(X)
#undef X
	    TALK_COUNT_
};

enum slot {
	SLOT_BANNER,
	SLOT_EHLO,
	SLOT_AUTH_CLEAR, /* AUTH before TLS */
	SLOT_STARTTLS,
	SLOT_EHLO_TLS,
	SLOT_VRFY,
	SLOT_MAIL, /* a stranger's sender */
	SLOT_RCPT_FOREIGN,
	SLOT_RSET,
	SLOT_MAIL_LOCAL, /* postmaster of the domain as sender, no login */
	SLOT_RCPT_LOCAL,
	SLOT_RCPT_SPOOF, /* foreign recipient with that sender */
	SLOT_RSET_2,
	SLOT_MAIL_NULL,   /* MAIL FROM:<> */
	SLOT_RCPT_NOBODY, /* a made-up user of the domain: is every user accepted? */
	SLOT_RCPT_PERCENT,
	SLOT_RCPT_QUOTED,
	SLOT_RCPT_ROUTE,
	SLOT_AUTH_WRONG,       /* an account that can not be */
	SLOT_AUTH_WRONG_KNOWN, /* the account of --user with a wrong password */
	SLOT_AUTH_UTF8,
	SLOT_AUTH_START,
	SLOT_AUTH_CANCEL,
	SLOT_AUTH_BASE64,
	SLOT_AUTH, /* the right password */
	SLOT_AUTH_AGAIN,
	SLOT_MAIL_HUGE,
	SLOT_MAIL_OTHER, /* logged in, with another's sender */
	SLOT_RCPT_OTHER,
	SLOT_RSET_3,
	SLOT_MAIL_OWN,
	SLOT_RCPT_OWN,
	SLOT_DATA,
	SLOT_BARE_LF, /* whatever is said to a line feed, a dot and CRLF within the message */
	SLOT_DOT,
	SLOT_QUIT,
	SLOT_COUNT_
};

struct tls_heard {
	_Bool tried, done;
	char version[16], cipher[64], error[160];
	_Bool chain_good, name_good, host_is_ip;
	char chain_error[100], names[200]; /* what the certificate is for */
	int64_t until_s;                   /* seconds since 1970 when it ends */
	int key_bits;
	char key_kind[16]; /* "RSA", "EC" … */
	_Bool weak_digest; /* MD5 or SHA-1 */
	_Bool closed_well; /* close_notify came */
};

struct talk {
	_Bool tried, connected;
	_Bool clear_banner; /* on 465: the server spoke before TLS */
	_Bool hung_up;      /* the peer closed where an answer was due */
	_Bool timed_out;
	enum slot at; /* the last slot that was tried */
	int port;
	char error[160];    /* "" or why it ended early */
	char mechanism[32]; /* of SLOT_AUTH */
	int64_t open_ms;    /* how long the connection was held */
	struct tls_heard tls;
	struct smtp_reply *heard[SLOT_COUNT_]; /* NULL: not asked or not answered */
	int64_t ms[SLOT_COUNT_];               /* from asking to the whole answer */
};

struct point {
	char host[SUBMISSION_NAME], address[64];
	_Bool v6, mx; /* mx: only port 25 was talked to */
	struct talk talk[TALK_COUNT_];
};

/* A service record. */
struct srv_heard {
	int status; /* 0: there is one; 1: none; -1: the resolver failed */
	int priority, port;
	char target[SUBMISSION_NAME]; /* "." is said as "" */
};

enum srv_name {
	SRV_SUBMISSIONS,
	SRV_SUBMISSION,
	SRV_IMAPS,
	SRV_AUTODISCOVER,
	SRV_SMTP,
	SRV_COUNT_
};

struct page_heard {
	_Bool tried;
	long status; /* HTTP, 0: none */
	char url[512], error[160];
	char *body; /* malloc()ed, NUL-terminated, or NULL */
	size_t len;
};

enum page_name {
	PAGE_AUTOCONFIG,
	PAGE_WELLKNOWN,
	PAGE_AUTODISCOVER,
	PAGE_MOBILECONFIG,
	PAGE_PACC,
	PAGE_HELP,
	PAGE_COUNT_
};

struct submission {
	char host[SUBMISSION_NAME], domain[SUBMISSION_NAME];
	_Bool login;        /* an account was given */
	_Bool domain_given; /* so that DNS and web were looked at */
	int points;
	struct point point[SUBMISSION_POINTS];
	struct srv_heard srv[SRV_COUNT_];
	int mx_status, tlsa, caa; /* as srv status; numbers of records, -1 not looked at */
	struct page_heard page[PAGE_COUNT_];
};

int submission_new(struct submission **ret);
void submission_free(struct submission *s);
OWNABLE(submission)

extern const char *const talk_names[TALK_COUNT_];

/* Shorthands for judges: the reply's code, 0 if there was no whole one; an EHLO keyword of the best
 * EHLO.
 */
int talk_code(const struct talk *t, enum slot slot);
_Bool talk_offers(const struct talk *t, enum slot ehlo, const char *keyword, char *ret,
		  size_t size);
