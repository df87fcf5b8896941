/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stamp: the time at the start of a log line → seconds of the local calendar.
 *
 * Reads RFC 3164 ("Nov 21 22:54:39", no year, no zone) and ISO 8601 / RFC 3339
 * ("2026-11-21T22:54:39.123456-03:00", "2026-11-21 22:54:39 +0000").
 *
 * The result counts seconds since 1970-01-01T00:00:00 *as the wall clock showed
 * them*, so that a day of the log is a day of its people: second / 86400 is the
 * day number. DST needs no rule this way: the repeated hour stays on its date.
 * With `offset` set, stamps that name their zone are moved to the local one.
 *
 * A year that is not written is inferred: the first stamp is the latest that is
 * not after `newest`; from there the year turns when a line jumps back (or
 * forth) by more than half a year. The clock remembers the last stamp and is
 * good for one file, read in order.
 *
 * Pure: the reading file's time comes in as `newest`.
 */
#pragma once

#include <stdint.h>

#include "base/slice.h"

#define STAMP_DAY_S 86400

struct stamp_clock {
	int64_t newest; /* local seconds; stamps without a year are not after it */
	int32_t (*offset)(int64_t utc_s); /* local minus UTC, seconds; NULL: as printed */

	/* The rest starts as zeros and is the clock's own. */
	int year, month; /* of the last stamp */
	char minute[17]; /* text of the last stamp up to its minute */
	uint8_t minute_len;
	int64_t minute_s;
};

/* Bytes of the stamp at the start of `text` and its time; 0 when there is none. */
size_t stamp_read(struct stamp_clock *clock, struct slice text, int64_t *ret);

/* Seconds since 1970 UTC → local seconds of this clock. */
int64_t stamp_local(const struct stamp_clock *clock, int64_t utc_s);

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back. */
int64_t stamp_days(int year, unsigned month, unsigned day);
void stamp_date(int64_t days, int *year, unsigned *month, unsigned *day);
/* "2026-11-21" → days; false for anything else, 2026-02-30 too. */
bool stamp_day_parse(struct slice text, int64_t *ret);
#define STAMP_DATE_MAX 16
const char *stamp_day_text(int64_t days, char ret[static STAMP_DATE_MAX]);
