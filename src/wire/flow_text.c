/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/flow_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIELD_MAX 128 /* longer than any address, time or state */

static const struct {
	const char *name;
	enum flow_text_column column;
} names[] = {
	{ "ts", FLOW_TEXT_TIME },           { "StartTime", FLOW_TEXT_TIME },
	{ "time", FLOW_TEXT_TIME },         { "start", FLOW_TEXT_TIME },
	{ "id.orig_h", FLOW_TEXT_SRC },     { "SrcAddr", FLOW_TEXT_SRC },
	{ "src", FLOW_TEXT_SRC },           { "source", FLOW_TEXT_SRC },
	{ "id.orig_p", FLOW_TEXT_SPORT },   { "Sport", FLOW_TEXT_SPORT },
	{ "source_port", FLOW_TEXT_SPORT }, { "id.resp_h", FLOW_TEXT_DST },
	{ "DstAddr", FLOW_TEXT_DST },       { "dst", FLOW_TEXT_DST },
	{ "destination", FLOW_TEXT_DST },   { "id.resp_p", FLOW_TEXT_DPORT },
	{ "Dport", FLOW_TEXT_DPORT },       { "destination_port", FLOW_TEXT_DPORT },
	{ "proto", FLOW_TEXT_PROTO },       { "protocol", FLOW_TEXT_PROTO },
	{ "conn_state", FLOW_TEXT_STATE },  { "State", FLOW_TEXT_STATE },
};

static const char *const wanted[FLOW_TEXT_COUNT_] = {
	[FLOW_TEXT_SRC] = "source",
	[FLOW_TEXT_DST] = "destination",
	[FLOW_TEXT_DPORT] = "destination_port",
};

/* The next field of a line, NUL-terminated and without blanks around; false at the end. */
static bool field_next(const char **at, const char *end, char separator, char ret[FIELD_MAX])
{
	if (!*at)
		return false;
	const char *stop = memchr(*at, separator, (size_t)(end - *at));
	const char *from = *at, *to = stop ? stop : end;

	while (from < to && (*from == ' ' || *from == '"'))
		from++;
	while (to > from && (to[-1] == ' ' || to[-1] == '"' || to[-1] == '\r' || to[-1] == '\n'))
		to--;
	size_t len = (size_t)(to - from) < FIELD_MAX - 1 ? (size_t)(to - from) : FIELD_MAX - 1;
	memcpy(ret, from, len);
	ret[len] = '\0';
	*at = stop ? stop + 1 : NULL;
	return true;
}

static void column_found(struct flow_text *t, const char *name, int number)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(name, names[i].name) == 0 && t->at[names[i].column] < 0)
			t->at[names[i].column] = number;
}

int flow_text_header(const char *line, size_t len, struct flow_text *ret, struct why *why)
{
	static const char zeek[] = "#fields\t";
	struct flow_text t = { .separator = memchr(line, '\t', len)  ? '\t'
					    : memchr(line, ';', len) ? ';'
								     : ',' };
	const char *at = line, *end = line + len;
	char field[FIELD_MAX];

	if (len > sizeof(zeek) && memcmp(line, zeek, sizeof(zeek) - 1) == 0)
		at += sizeof(zeek) - 1;
	for (int i = 0; i < FLOW_TEXT_COUNT_; i++)
		t.at[i] = -1;
	for (int n = 0; field_next(&at, end, t.separator, field); n++)
		column_found(&t, field, n);
	for (int i = 0; i < FLOW_TEXT_COUNT_; i++)
		if (wanted[i] && t.at[i] < 0)
			return why_set(why, -EINVAL, "the first line names no column for the %s",
				       wanted[i]);
	*ret = t;
	return 0;
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool time_parse(const char *text, int64_t *ret)
{
	int y, mo, d, h, mi;
	double s;
	char *end;

	if (sscanf(text, "%4d%*1[/-]%2d%*1[/-]%2d%*1[ T]%2d:%2d:%lf", &y, &mo, &d, &h, &mi, &s) ==
	    6) {
		if (mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 || mi > 59 ||
		    !(s >= 0 && s < 61))
			return false;
		*ret = (days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60) * 1000 +
		       (int64_t)(s * 1000);
		return true;
	}
	s = strtod(text, &end);
	if (end == text || *end || !(s >= 0 && s < 1e11))
		return false;
	*ret = (int64_t)(s * 1000);
	return true;
}

static bool port_parse(const char *text, uint16_t *ret)
{
	char *end;
	/* Argus writes ICMP's type in hexadecimal. */
	unsigned long n = strtoul(text, &end, 0);

	if (end == text || *end || n > 65535)
		return false;
	*ret = (uint16_t)n;
	return true;
}

/* Zeek's conn_state (its manual, base/protocols/conn) and Argus' flags by direction. */
static enum contact_outcome state_outcome(const char *s)
{
	static const char *const failed[] = { "S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR" };
	static const char *const reached[] = { "SF", "S1", "S2", "S3", "RSTO", "RSTR" };
	const char *answer = strchr(s, '_');

	if (answer) {
		if (!strchr(s, 'S') || strchr(s, 'S') > answer)
			return CONTACT_UNKNOWN; /* the beginning was not seen */
		bool synack = strchr(answer, 'S') && strchr(answer, 'A');
		return synack ? CONTACT_ESTABLISHED : CONTACT_FAILED;
	}
	for (size_t i = 0; i < sizeof(failed) / sizeof(*failed); i++)
		if (strcmp(s, failed[i]) == 0)
			return CONTACT_FAILED;
	for (size_t i = 0; i < sizeof(reached) / sizeof(*reached); i++)
		if (strcmp(s, reached[i]) == 0)
			return CONTACT_ESTABLISHED;
	return CONTACT_UNKNOWN;
}

enum flow_row_kind flow_text_row(const struct flow_text *t, const char *line, size_t len,
				 struct flow_row *ret)
{
	char field[FLOW_TEXT_COUNT_][FIELD_MAX] = { "" }, scrap[FIELD_MAX];
	const char *at = line, *end = line + len;
	struct flow_row r = { 0 };

	if (len == 0 || line[0] == '#' || line[0] == '\n' || line[0] == '\r')
		return FLOW_ROW_SKIPPED;
	for (int n = 0; at; n++) {
		char *to = scrap;

		for (int i = 0; i < FLOW_TEXT_COUNT_; i++)
			if (t->at[i] == n)
				to = field[i];
		field_next(&at, end, t->separator, to);
	}
	if (t->at[FLOW_TEXT_PROTO] >= 0 && !*field[FLOW_TEXT_PROTO])
		return FLOW_ROW_MALFORMED;
	if (t->at[FLOW_TEXT_PROTO] >= 0 && strcasecmp(field[FLOW_TEXT_PROTO], "tcp") != 0 &&
	    strcmp(field[FLOW_TEXT_PROTO], "6") != 0)
		return FLOW_ROW_SKIPPED;
	if (!addr_parse(field[FLOW_TEXT_SRC], &r.src) ||
	    !addr_parse(field[FLOW_TEXT_DST], &r.dst) ||
	    !port_parse(field[FLOW_TEXT_DPORT], &r.dport) ||
	    (t->at[FLOW_TEXT_SPORT] >= 0 && !port_parse(field[FLOW_TEXT_SPORT], &r.sport)) ||
	    (t->at[FLOW_TEXT_TIME] >= 0 && !time_parse(field[FLOW_TEXT_TIME], &r.time_ms)))
		return FLOW_ROW_MALFORMED;
	r.outcome = state_outcome(field[FLOW_TEXT_STATE]);
	*ret = r;
	return FLOW_ROW;
}
