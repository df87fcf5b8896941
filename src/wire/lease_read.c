/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/lease_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/lease_read_priv.h"
#include "wire/stamp.h"

#define DAY_S 86400

void lease_fault(struct lease_sink *sink, const char *format, ...)
{
	char text[WHY_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	sink->faults++;
	sink->fault(sink->arg, sink->line, text);
}

bool lease_name_set(char *ret, size_t room, struct slice text)
{
	if (text.len >= room)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
			return false;
	memcpy(ret, text.at, text.len);
	ret[text.len] = '\0';
	return true;
}

bool lease_place_set(struct slice text, struct prefix *ret)
{
	char buffer[PREFIX_TEXT_MAX];

	if (!lease_name_set(buffer, sizeof(buffer), text))
		return false;
	enum prefix_fault fault = prefix_parse(buffer, ret);
	return (fault == PREFIX_OK || fault == PREFIX_HOST_BITS) && ret->addr.bits != 0;
}

int lease_emit(struct lease_sink *sink, const struct lease *l)
{
	if (!lease_valid(l)) {
		lease_fault(sink, "ends before it begins, or begins before 1970");
		return 0;
	}
	sink->leases++;
	return sink->lease(sink->arg, l);
}

bool lease_line_next(struct lease_sink *sink, struct slice *rest, struct slice *ret)
{
	if (!rest->len)
		return false;
	sink->line++;
	*ret = slice_until(*rest, '\n');
	*rest = slice_from(*rest, ret->len + 1);
	if (ret->len && ret->at[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

/* --- times --------------------------------------------------------------------------------- */

/* `count` digits off the front of *text, or -1. */
static int number(struct slice *text, size_t count)
{
	int n = 0;

	if (text->len < count)
		return -1;
	for (size_t i = 0; i < count; i++) {
		unsigned digit = (unsigned char)text->at[i] - (unsigned)'0';

		if (digit > 9)
			return -1;
		n = n * 10 + (int)digit;
	}
	*text = slice_from(*text, count);
	return n;
}

static bool skip(struct slice *text, char c)
{
	if (!text->len || text->at[0] != c)
		return false;
	*text = slice_from(*text, 1);
	return true;
}

/* "Z", "+00", "-03:00", " +0000" to the end of the text. */
static bool zone_parse(struct slice text, int32_t *ret)
{
	int32_t sign = 1;

	skip(&text, ' ');
	if (skip(&text, 'Z')) {
		*ret = 0;
		return text.len == 0;
	}
	if (skip(&text, '-'))
		sign = -1;
	else if (!skip(&text, '+'))
		return false;
	int h = number(&text, 2), m = 0;
	if (text.len) {
		skip(&text, ':');
		m = number(&text, 2);
	}
	*ret = sign * (h * 3600 + m * 60);
	return h >= 0 && h <= 14 && m >= 0 && m < 60 && text.len == 0;
}

static bool epoch_parse(struct slice text, int64_t *ret)
{
	int64_t n = 0;

	if (!text.len || text.len > 11)
		return false;
	for (; text.len; text = slice_from(text, 1)) {
		unsigned digit = (unsigned char)text.at[0] - (unsigned)'0';

		if (digit > 9)
			return false;
		n = n * 10 + digit;
	}
	*ret = n;
	return true;
}

bool lease_time_parse(struct slice text, int32_t zone_s, int64_t *ret)
{
	int64_t day;

	if (epoch_parse(text, ret))
		return true;
	if (!stamp_day_parse(slice_cut(text, 10), &day))
		return false;
	text = slice_from(text, 10);
	if (!text.len) {
		*ret = day * DAY_S - zone_s;
		return true;
	}
	if (!skip(&text, 'T') && !skip(&text, ' '))
		return false;
	int h = number(&text, 2), m = skip(&text, ':') ? number(&text, 2) : -1,
	    s = skip(&text, ':') ? number(&text, 2) : -1;
	if (h < 0 || m < 0 || s < 0 || h > 23 || m > 59 || s > 60)
		return false;
	if (skip(&text, '.'))
		while (number(&text, 1) >= 0)
			;
	if (text.len && !zone_parse(text, &zone_s))
		return false;
	*ret = day * DAY_S + h * 3600 + m * 60 + s - zone_s;
	return true;
}
