/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mail_table: mail logs that are tables: Exchange, the generic CSV, and JSON lines.
 *
 * A header names the columns ("#Fields: …" or the first line); each line after
 * it is read by those names. doc/mail-logs.md describes the generic form:
 * time, user and channel or port, and if there are id, client, count.
 */
#pragma once

#include "wire/mail.h"

enum table_kind {
	TABLE_NONE,
	TABLE_EXCHANGE_SMTP,     /* SmtpReceive protocol log */
	TABLE_EXCHANGE_TRACKING, /* message tracking log */
	TABLE_GENERIC,
};

enum table_column {
	/* Exchange protocol log */
	COLUMN_TIME,
	COLUMN_CONNECTOR,
	COLUMN_SESSION,
	COLUMN_LOCAL,
	COLUMN_REMOTE,
	COLUMN_EVENT,
	COLUMN_DATA,
	COLUMN_CONTEXT,
	/* message tracking */
	COLUMN_SOURCE,
	COLUMN_EVENT_ID,
	COLUMN_MESSAGE_ID,
	COLUMN_SENDER,
	COLUMN_CLIENT_IP,
	COLUMN_SOURCE_CONTEXT,
	/* generic */
	COLUMN_USER,
	COLUMN_CHANNEL,
	COLUMN_PORT,
	COLUMN_ID,
	COLUMN_CLIENT,
	COLUMN_COUNT,
	COLUMN_COUNT_,
};

#define TABLE_FIELDS_MAX 64

struct mail_table {
	enum table_kind kind;
	int8_t column[TABLE_FIELDS_MAX]; /* enum table_column of each field, -1 for none of ours */
	unsigned fields;
};

/* True if the line is a header (or a comment); the table is set by it. */
bool mail_table_header(struct mail_table *t, struct slice line);

/* One line of the table; l->at, host, tag and text are filled as for syslog. */
enum mail_reading mail_table_read(const struct mail_table *t, struct stamp_clock *clock,
				  struct slice line, struct mail_line *l, struct mail_event *ret);

/*
 * A protocol log whose header is missing: nine fields in their fixed order,
 * the first a time, the fifth an endpoint. Sets the table when it fits.
 */
bool mail_table_guess(struct mail_table *t, struct slice line);

/* One JSON object a line, generic form; MAIL_MALFORMED when it is not. */
enum mail_reading mail_jsonl_read(struct stamp_clock *clock, struct slice line, char *buffer,
				  size_t room, struct mail_line *l, struct mail_event *ret);

/* journalctl -o json: a syslog head and a text in the buffer; false when it is none. */
bool mail_journal_json(struct stamp_clock *clock, struct slice line, char *buffer, size_t room,
		       struct mail_line *ret);
