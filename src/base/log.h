/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log: one event per line on standard error, as logfmt.
 *
 *     ts=2026-12-01T08:00:00Z level=info role=engine event=plan-applied id=E0203 plan=7 by=ana
 *
 * An event has an id that never changes meaning, a name and a level; the tables
 * of events live with the programs (prog/event.h), and each has a paragraph in
 * the manual. Fields carry what varies. Not for packets or requests by the
 * thousand: those have counters.
 */
#pragma once

#include <stdint.h>

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARNING_, LOG_ERROR_, LOG_LEVEL_COUNT_ };

struct log_event {
	const char *id;   /* "E0203" */
	const char *name; /* "plan-applied" */
	enum log_level level;
	const char *text; /* what it means and what to do, for the manual */
};

struct log_field {
	const char *key; /* NULL ends the list */
	const char *string;
	int64_t number; /* when string is NULL */
};

static inline struct log_field log_string(const char *key, const char *s)
{
	return (struct log_field){ key, s ? s : "", 0 };
}

#define LOG_S(key, s) log_string((key), (s))
#define LOG_N(key, n) ((struct log_field){ (key), NULL, (int64_t)(n) })

#define log_event(event, ...) \
	log_write((event),    \
		  (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ NULL, NULL, 0 } })

/* The role is borrowed for good; events below `level` are left out. */
void log_start(const char *role, enum log_level level);
void log_write(const struct log_event *event, const struct log_field *fields);
/* What log_write() writes after the time stamp, without newline; at most `room` bytes. Pure. */
void log_format(char *ret, unsigned room, const char *role, const struct log_event *event,
		const struct log_field *fields);
const char *log_level_name(enum log_level level);
