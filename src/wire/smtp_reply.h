/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smtp_reply: what an SMTP server answers (RFC 5321 4.2), from bytes as they come.
 *
 * Bounded in every direction: SMTP_REPLY_LINES lines, SMTP_LINE_BYTES a line,
 * SMTP_REPLY_TEXT kept. Lines may end CRLF or, as broken servers do, LF alone
 * (noted in `bare_lf`). Control characters in the text become '?'.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SMTP_REPLY_LINES 100
#define SMTP_LINE_BYTES  4096 /* RFC 5321 4.5.3.1.5 allows 512 */
#define SMTP_REPLY_TEXT  4096

enum smtp_fault {
	SMTP_REPLY_OK,
	SMTP_REPLY_NOT_SMTP,  /* a line does not begin with three digits and ' ', '-' or its end */
	SMTP_REPLY_CODES,     /* the lines have different codes */
	SMTP_REPLY_LONG_LINE, /* a line is longer than SMTP_LINE_BYTES */
	SMTP_REPLY_ENDLESS,   /* more than SMTP_REPLY_LINES lines */
};

struct smtp_reply {
	int code;           /* 200 to 599, 0 while nothing was understood */
	unsigned lines;     /* complete ones */
	_Bool complete;     /* the last line has been read */
	_Bool bare_lf, cut; /* a line ended without CR; more text than is kept */
	enum smtp_fault fault;
	size_t len;                 /* of the text */
	char text[SMTP_REPLY_TEXT]; /* the lines without their codes, each ended by '\n'; NUL behind
				     */
	size_t line_len;            /* of the line that is being read */
	char line[SMTP_LINE_BYTES];
};

void smtp_reply_reset(struct smtp_reply *r);

/* Take bytes until the reply is complete or faulty; returns how many were taken. */
size_t smtp_reply_feed(struct smtp_reply *r, const char *bytes, size_t len);

/*
 * The parameters of an EHLO keyword (RFC 5321 4.1.1.1): 1 and a copy in `ret` ("" if it has none),
 * 0 if it is not offered. The first line, the server's name, is not a keyword. "AUTH=" of old
 * servers counts as AUTH.
 */
_Bool smtp_reply_keyword(const struct smtp_reply *r, const char *keyword, char *ret, size_t size);

/* Is the word among the blank-separated ones, upper or lower case? */
_Bool smtp_word(const char *words, const char *word);

/* The enhanced status code (RFC 2034 4, RFC 3463 2) at the start of the last line, "" if none. */
void smtp_reply_enhanced(const struct smtp_reply *r, char ret[12]);

/* "250 2.1.0 Ok" in one line, cut to `size`. */
void smtp_reply_excerpt(const struct smtp_reply *r, char *ret, size_t size);
