/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FreeRADIUS detail files: a record is a line with a date (local, without a
 * zone: not used), indented "Name = value" lines, and an empty line. The
 * instant is Timestamp, the server's clock in seconds since 1970, less
 * Acct-Delay-Time, for which the NAS had been trying (RFC 2866 5.2).
 */
#include <stdio.h>
#include <string.h>

#include "wire/lease_read_priv.h"

enum attribute {
	STATUS,
	USER,
	SESSION,
	UNIQUE,
	NAS_ADDRESS,
	NAS_NAME,
	STAMP,
	DELAY,
	DURATION,
	FRAMED,
	FRAMED6,
	PREFIX6,
	DELEGATED6,
	ATTRIBUTE_COUNT_,
};

static const char *const attribute_names[] = {
	"Acct-Status-Type",
	"User-Name",
	"Acct-Session-Id",
	"Acct-Unique-Session-Id",
	"NAS-IP-Address",
	"NAS-Identifier",
	"Timestamp",
	"Acct-Delay-Time",
	"Acct-Session-Time",
	"Framed-IP-Address",
	"Framed-IPv6-Address",
	"Framed-IPv6-Prefix",
	"Delegated-IPv6-Prefix",
};

struct record {
	struct slice value[ATTRIBUTE_COUNT_]; /* empty: not given */
	size_t line, attributes;
};

static void attribute_read(struct record *r, struct slice line)
{
	struct slice name = slice_trim(slice_until(line, '='));
	struct slice value = slice_trim(slice_from(line, slice_until(line, '=').len + 1));

	r->attributes++;
	if (value.len >= 2 && strchr("\"'", value.at[0]) && value.at[value.len - 1] == value.at[0])
		value = (struct slice){ value.at + 1, value.len - 2 };
	for (int a = 0; a < ATTRIBUTE_COUNT_; a++)
		if (slice_is(name, slice_of(attribute_names[a])))
			r->value[a] = value;
}

/* Seconds; false if something else is written there. Not given: 0. */
static bool seconds(const struct record *r, enum attribute a, int64_t *ret)
{
	*ret = 0;
	return !r->value[a].len || lease_time_parse(r->value[a], 0, ret);
}

static bool status_is(const struct record *r, const char *name)
{
	return slice_is(r->value[STATUS], slice_of(name));
}

/* The session's name among all sessions of all NAS; empty if the record has none. */
static bool session_set(const struct record *r, struct lease *l)
{
	struct slice nas = r->value[NAS_ADDRESS].len ? r->value[NAS_ADDRESS] : r->value[NAS_NAME];
	char id[LEASE_SESSION_MAX];

	if (r->value[UNIQUE].len)
		return lease_name_set(l->session, sizeof(l->session), r->value[UNIQUE]);
	if (!r->value[SESSION].len)
		return true;
	if (!lease_name_set(id, sizeof(id), r->value[SESSION]) || nas.len > 64)
		return false;
	/* A NAS counts its sessions from anew after a restart: the user's name tells them apart. */
	int n = snprintf(l->session, sizeof(l->session), "%.*s/%s/%.40s", (int)nas.len,
			 nas.len ? nas.at : "", id, l->line);
	return n > 0 && (size_t)n < sizeof(l->session);
}

static bool times_set(struct lease_sink *sink, const struct record *r, struct lease *l)
{
	int64_t stamp, delay, duration;

	if (!r->value[STAMP].len || !seconds(r, STAMP, &stamp) || !seconds(r, DELAY, &delay) ||
	    !seconds(r, DURATION, &duration)) {
		lease_fault(sink, "no Timestamp, or a time that is not a number");
		return false;
	}
	l->seen = stamp - delay;
	l->from = l->seen - (status_is(r, "Start") ? 0 : duration);
	l->until = LEASE_FOREVER;
	l->end = LEASE_UNKNOWN;
	if (status_is(r, "Stop")) {
		l->until = l->seen;
		l->end = LEASE_REPORTED;
	}
	return true;
}

static int addresses_emit(struct lease_sink *sink, const struct record *r, struct lease *l)
{
	for (int a = FRAMED; a <= DELEGATED6; a++) {
		if (!r->value[a].len)
			continue;
		if (!lease_place_set(r->value[a], &l->place)) {
			lease_fault(sink, "%s: not an address: '%.*s'", attribute_names[a],
				    (int)(r->value[a].len < 48 ? r->value[a].len : 48),
				    r->value[a].at);
			continue;
		}
		int stop = lease_emit(sink, l);
		if (stop)
			return stop;
	}
	return 0;
}

static int record_emit(struct lease_sink *sink, const struct record *r)
{
	struct lease l = { .ports = LEASE_PORTS_ALL, .source = LEASE_RADIUS };
	bool named = r->value[USER].len > 0;

	if (!r->attributes)
		return 0;
	if (!status_is(r, "Start") && !status_is(r, "Stop") && !status_is(r, "Interim-Update") &&
	    !status_is(r, "Alive")) {
		sink->idle++; /* Accounting-On and Off: the sessions end by silence */
		return 0;
	}
	if (!r->value[FRAMED].len && !r->value[FRAMED6].len && !r->value[PREFIX6].len &&
	    !r->value[DELEGATED6].len) {
		sink->idle++;
		return 0;
	}
	if (!named || !lease_name_set(l.line, sizeof(l.line), r->value[USER]) ||
	    !session_set(r, &l)) {
		lease_fault(sink, "no User-Name, or its name or session is unusable");
		return 0;
	}
	return times_set(sink, r, &l) ? addresses_emit(sink, r, &l) : 0;
}

static int record_end(struct lease_sink *sink, struct record *r)
{
	size_t line = sink->line;

	sink->line = r->line;
	int stop = record_emit(sink, r);
	sink->line = line;
	*r = (struct record){ 0 };
	return stop;
}

int lease_read_detail(struct slice file, struct lease_sink *sink)
{
	struct record r = { 0 };
	struct slice line;
	int stop = 0;

	sink->line = 0;
	while (stop == 0 && lease_line_next(sink, &file, &line)) {
		if (!slice_trim(line).len) {
			stop = record_end(sink, &r);
		} else if (line.at[0] != ' ' && line.at[0] != '\t') {
			stop = record_end(sink, &r); /* a new record, the last one's end was lost */
			r.line = sink->line;
		} else if (memchr(line.at, '=', line.len)) {
			if (!r.line) /* its date was lost */
				r.line = sink->line;
			attribute_read(&r, line);
		} else {
			lease_fault(sink, "neither a date nor an attribute");
		}
	}
	return stop == 0 ? record_end(sink, &r) : stop;
}
