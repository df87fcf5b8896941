/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mono.h"

#define LINE_BYTES 2048

static const char *log_role = "-";
static enum log_level log_least = LOG_INFO_;

const char *log_level_name(enum log_level level)
{
	static const char *const names[LOG_LEVEL_COUNT_] = { "debug", "info", "warning", "error" };

	return names[level];
}

void log_start(const char *role, enum log_level level)
{
	log_role = role;
	log_least = level;
}

struct line {
	char *at, *end;
};

static void put(struct line *l, char c)
{
	if (l->at < l->end)
		*l->at++ = c;
}

static void puts_(struct line *l, const char *s)
{
	while (*s)
		put(l, *s++);
}

static int is_plain(const char *s)
{
	if (!*s)
		return 0;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == '"' || *s == '=' || *s == '\\' || *s == 0x7f)
			return 0;
	return 1;
}

/* Quoted where needed; control bytes never reach the line raw, so no field can forge another. */
static void put_value(struct line *l, const char *s)
{
	if (is_plain(s)) {
		puts_(l, s);
		return;
	}
	put(l, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\') {
			put(l, '\\');
			put(l, (char)c);
		} else if (c < ' ' || c == 0x7f) {
			char hex[5];

			snprintf(hex, sizeof(hex), "\\x%02x", c);
			puts_(l, hex);
		} else {
			put(l, (char)c);
		}
	}
	put(l, '"');
}

static void put_field(struct line *l, const char *key, const char *value)
{
	put(l, ' ');
	puts_(l, key);
	put(l, '=');
	put_value(l, value);
}

void log_format(char *ret, unsigned room, const char *role, const struct log_event *event,
		const struct log_field *fields)
{
	struct line l = { ret, ret + room - 1 };

	puts_(&l, "level=");
	puts_(&l, log_level_name(event->level));
	put_field(&l, "role", role);
	put_field(&l, "event", event->name);
	put_field(&l, "id", event->id);
	for (const struct log_field *f = fields; f->key; f++) {
		char number[24];

		snprintf(number, sizeof(number), "%" PRId64, f->number);
		put_field(&l, f->key, f->string ? f->string : number);
	}
	*l.at = '\0';
}

void log_write(const struct log_event *event, const struct log_field *fields)
{
	char line[LINE_BYTES];
	time_t now = (time_t)wall_now().s;
	struct tm tm;

	if (event->level < log_least)
		return;
	gmtime_r(&now, &tm);
	size_t n = strftime(line, sizeof(line), "ts=%Y-%m-%dT%H:%M:%SZ ", &tm);

	log_format(line + n, (unsigned)(sizeof(line) - n - 1), log_role, event, fields);
	n = strlen(line);
	line[n++] = '\n';
	/* A log that can not be written must not stop the work: there is nobody to tell. */
	ssize_t written = write(STDERR_FILENO, line, n);
	(void)written;
}
