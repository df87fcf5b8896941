/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/stamp.h"

#include <stdio.h>

#define HALF_YEAR_MONTHS 6

int64_t stamp_days(int year, unsigned month, unsigned day)
{
	/* March-based years put the leap day last; 719468 days lie before 1970. */
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void stamp_date(int64_t days, int *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	*month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

static bool leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool date_valid(int year, unsigned month, unsigned day)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1] + (month == 2 && leap(year) ? 1U : 0U);
}

/* `count` decimal digits, or -1. */
static inline int digits(const char *p, int count)
{
	int v = 0;

	for (int i = 0; i < count; i++) {
		unsigned d = (unsigned char)p[i] - (unsigned)'0';
		if (d > 9)
			return -1;
		v = v * 10 + (int)d;
	}
	return v;
}

bool stamp_day_parse(struct slice text, int64_t *ret)
{
	if (text.len != 10 || text.at[4] != '-' || text.at[7] != '-')
		return false;
	int y = digits(text.at, 4), m = digits(text.at + 5, 2), d = digits(text.at + 8, 2);
	if (y < 0 || m < 0 || d < 0 || !date_valid(y, (unsigned)m, (unsigned)d))
		return false;
	*ret = stamp_days(y, (unsigned)m, (unsigned)d);
	return true;
}

const char *stamp_day_text(int64_t days, char ret[static STAMP_DATE_MAX])
{
	int year;
	unsigned month, day;

	stamp_date(days, &year, &month, &day);
	snprintf(ret, STAMP_DATE_MAX, "%04d-%02u-%02u", year % 10000, month % 100, day % 100);
	return ret;
}

static unsigned month_of(const char *p)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned m = 0; m < 12; m++)
		if (memcmp(p, names + 3 * m, 3) == 0)
			return m + 1;
	return 0;
}

/* The latest year in which this date and time is not after the clock's `newest`. */
static int year_first(const struct stamp_clock *clock, unsigned month, unsigned day, int64_t time_s)
{
	int year;
	unsigned m, d;

	stamp_date(clock->newest / STAMP_DAY_S, &year, &m, &d);
	while (!date_valid(year, month, day) ||
	       stamp_days(year, month, day) * STAMP_DAY_S + time_s > clock->newest)
		year--; /* ends: every date is valid within eight years */
	return year;
}

static int year_next(const struct stamp_clock *clock, unsigned month)
{
	int jump = (int)month - clock->month;

	if (jump < -HALF_YEAR_MONTHS)
		return clock->year + 1;
	return jump > HALF_YEAR_MONTHS ? clock->year - 1 : clock->year;
}

static void remember(struct stamp_clock *clock, int year, unsigned month, struct slice minute,
		     int64_t minute_s)
{
	clock->year = year;
	clock->month = (int)month;
	clock->minute_len = (uint8_t)minute.len;
	memcpy(clock->minute, minute.at, minute.len);
	clock->minute_s = minute_s;
}

/* ":SS" at `p`, or -1; a leap second is the minute's last second. */
static inline int seconds(const char *p)
{
	int s = p[0] == ':' ? digits(p + 1, 2) : -1;

	return s > 60 ? -1 : s == 60 ? 59 : s;
}

/* RFC 3164 4.1.2: "Mmm dd hh:mm:ss"; some write the day with one character. */
static size_t rfc3164(struct stamp_clock *clock, struct slice t, int64_t *ret)
{
	unsigned month = month_of(t.at);
	if (!month || t.at[3] != ' ')
		return 0;

	const char *p = t.at + 4;
	size_t day_len = p[1] == ' ' ? 1 : 2;
	int day = *p == ' ' ? digits(p + 1, 1) : digits(p, (int)day_len);
	if (day < 1 || p[day_len] != ' ' || !date_valid(2000, month, (unsigned)day))
		return 0;

	p += day_len + 1;
	if (p + 8 > t.at + t.len || p[2] != ':')
		return 0;
	int hour = digits(p, 2), minute = digits(p + 3, 2), second = seconds(p + 5);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0)
		return 0;

	int64_t time_s = hour * 3600LL + minute * 60LL + second;
	int year =
	    clock->year ? year_next(clock, month) : year_first(clock, month, (unsigned)day, time_s);
	int64_t at = stamp_days(year, month, (unsigned)day) * STAMP_DAY_S + time_s;

	remember(clock, year, month, slice_cut(t, (size_t)(p + 5 - t.at)), at - second);
	*ret = at;
	return (size_t)(p + 8 - t.at);
}

/* The fraction and zone behind the seconds; -1 in *zone_s for "none written". */
static size_t tail(struct slice t, int32_t *zone_s)
{
	size_t n = 0;

	*zone_s = INT32_MIN;
	if (n < t.len && (t.at[n] == '.' || t.at[n] == ','))
		for (n++; n < t.len && t.at[n] >= '0' && t.at[n] <= '9'; n++)
			;
	if (n < t.len && t.at[n] == 'Z') {
		*zone_s = 0;
		return n + 1;
	}

	size_t z = n + (n < t.len && t.at[n] == ' ');
	if (z + 5 > t.len || (t.at[z] != '+' && t.at[z] != '-'))
		return n;
	size_t colon = t.at[z + 3] == ':';
	int hours = digits(t.at + z + 1, 2);
	int minutes = z + 5 + colon <= t.len ? digits(t.at + z + 3 + colon, 2) : -1;
	if (hours < 0 || minutes < 0)
		return n;
	*zone_s = (hours * 3600 + minutes * 60) * (t.at[z] == '-' ? -1 : 1);
	return z + 5 + colon;
}

static int64_t moved(const struct stamp_clock *clock, int64_t printed, int32_t zone_s)
{
	if (!clock->offset || zone_s == INT32_MIN)
		return printed;
	return stamp_local(clock, printed - zone_s);
}

/* RFC 3339 5.6, also with a space for the T. */
static size_t iso(struct stamp_clock *clock, struct slice t, int64_t *ret)
{
	const char *p = t.at;

	if (t.len < 19 || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != ' ') ||
	    p[13] != ':')
		return 0;
	int year = digits(p, 4), month = digits(p + 5, 2), day = digits(p + 8, 2);
	int hour = digits(p + 11, 2), minute = digits(p + 14, 2), second = seconds(p + 16);
	if (year < 1 || month < 0 || day < 0 || !date_valid(year, (unsigned)month, (unsigned)day) ||
	    hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0)
		return 0;

	int64_t minute_s = stamp_days(year, (unsigned)month, (unsigned)day) * STAMP_DAY_S +
			   hour * 3600LL + minute * 60LL;
	int32_t zone_s;
	size_t n = 19 + tail(slice_from(t, 19), &zone_s);

	remember(clock, year, (unsigned)month, slice_cut(t, 16), minute_s);
	*ret = moved(clock, minute_s + second, zone_s);
	return n;
}

static inline uint64_t load8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Most lines share the minute with the one before. */
static inline size_t same_minute(struct stamp_clock *clock, struct slice t, int64_t *ret)
{
	size_t n = clock->minute_len;

	if (n == 0 || t.len < n + 3)
		return 0;
	/* A minute's text has 11 to 16 bytes: two overlapping looks cover it. */
	if (load8(t.at) != load8(clock->minute) ||
	    load8(t.at + n - 8) != load8(clock->minute + n - 8))
		return 0;
	int second = seconds(t.at + n);
	if (second < 0)
		return 0;
	*ret = clock->minute_s + second;
	n += 3;
	if (t.at[4] != '-')
		return n;

	int32_t zone_s;
	n += tail(slice_from(t, n), &zone_s);
	*ret = moved(clock, *ret, zone_s);
	return n;
}

size_t stamp_read(struct stamp_clock *clock, struct slice text, int64_t *ret)
{
	size_t n = same_minute(clock, text, ret);

	if (n || text.len < 14)
		return n;
	return text.at[0] >= '0' && text.at[0] <= '9' ? iso(clock, text, ret)
						      : rfc3164(clock, text, ret);
}

int64_t stamp_local(const struct stamp_clock *clock, int64_t utc_s)
{
	return clock->offset ? utc_s + clock->offset(utc_s) : utc_s;
}
