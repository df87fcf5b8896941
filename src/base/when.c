/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/when.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR_0    (-62167219200LL) /* 0000-01-01T00:00:00Z */
#define YEAR_9999 253402300799LL   /* 9999-12-31T23:59:59Z */

const char *when_text(struct wall w, char ret[static WHEN_TEXT_MAX])
{
	time_t t = (time_t)(w.s < YEAR_0 ? YEAR_0 : w.s > YEAR_9999 ? YEAR_9999 : w.s);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(ret, WHEN_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return ret;
}

/* 'd' stands for a digit; anything else for itself. */
static bool looks_like(const char *text, const char *shape)
{
	for (; *shape; shape++, text++)
		if (*shape == 'd' ? !isdigit((unsigned char)*text) : *text != *shape)
			return false;
	return *text == '\0';
}

bool when_parse(const char *text, struct wall *ret)
{
	struct tm tm = { .tm_hour = 23, .tm_min = 59, .tm_sec = 59 };

	if (looks_like(text, "dddd-dd-ddTdd:dd:ddZ"))
		sscanf(text + 11, "%d:%d:%d", &tm.tm_hour, &tm.tm_min, &tm.tm_sec);
	else if (!looks_like(text, "dddd-dd-dd"))
		return false;
	sscanf(text, "%d-%d-%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	struct tm want = tm;
	time_t t = timegm(&tm);

	/* timegm() mends 31 February into March: what comes back must be what was written. */
	if (tm.tm_mday != want.tm_mday || tm.tm_mon != want.tm_mon || tm.tm_year != want.tm_year ||
	    tm.tm_hour != want.tm_hour || tm.tm_min != want.tm_min || tm.tm_sec != want.tm_sec)
		return false;
	ret->s = (int64_t)t;
	return true;
}
