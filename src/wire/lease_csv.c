/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables with a header line. The presets name columns that the programs' own
 * schemas have: FreeRADIUS' radacct, Kea's lease files (leases4 and leases6),
 * Splynx' internet services and MK-Auth's sis_cliente.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "wire/lease_read_priv.h"

#define FIELDS_MAX 96

enum column {
	COLUMN_LINE,
	COLUMN_ADDRESS,
	COLUMN_FROM,
	COLUMN_UNTIL,
	COLUMN_SEEN,
	COLUMN_SESSION,
	COLUMN_PORTS,
	COLUMN_PREFIX,
	COLUMN_DELEGATED,
	COLUMN_LIFETIME,
	COLUMN_STATE,
	COLUMN_KIND,
	COLUMN_BITS,
	COLUMN_SOURCE,
	COLUMN_COUNT_,
};

static const char *const column_names[] = {
	"line",   "address",   "from",     "until", "seen", "session", "ports",
	"prefix", "delegated", "lifetime", "state", "kind", "bits",    "source",
};

static const char **map_column(struct lease_map *m, enum column c)
{
	const char **columns[] = { &m->line,      &m->address,  &m->from,  &m->until,
				   &m->seen,      &m->session,  &m->ports, &m->prefix,
				   &m->delegated, &m->lifetime, &m->state, &m->kind,
				   &m->bits,      &m->source };

	return columns[c];
}

static const struct {
	const char *name;
	struct lease_map map;
} presets[] = {
	{ "radacct",
	  { .line = "username",
	    .address = "framedipaddress",
	    .prefix = "framedipv6prefix",
	    .delegated = "delegatedipv6prefix",
	    .from = "acctstarttime",
	    .until = "acctstoptime",
	    .seen = "acctupdatetime",
	    .session = "acctuniqueid",
	    .source = "radius" } },
	{ "kea",
	  { .line = "hwaddr,duid", /* the first that the header has: leases6 has a DUID */
	    .address = "address",
	    .until = "expire",
	    .lifetime = "valid_lifetime",
	    .state = "state",
	    .kind = "lease_type",
	    .bits = "prefix_len",
	    .source = "dhcp" } },
	{ "splynx",
	  { .line = "login", .address = "ipv4", .from = "start_date", .until = "end_date" } },
	{ "mkauth", { .line = "login", .address = "ip" } },
};

const struct lease_map *lease_map_preset(const char *name)
{
	for (size_t i = 0; i < sizeof(presets) / sizeof(*presets); i++)
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i].map;
	return NULL;
}

static int map_set(struct lease_map *map, const char *name, const char *column, struct why *why)
{
	/* The rest speaks Kea's language only. */
	static const enum column settable[] = { COLUMN_LINE,  COLUMN_ADDRESS, COLUMN_FROM,
						COLUMN_UNTIL, COLUMN_SEEN,    COLUMN_SESSION,
						COLUMN_PORTS, COLUMN_PREFIX,  COLUMN_DELEGATED,
						COLUMN_SOURCE };

	for (size_t i = 0; i < sizeof(settable) / sizeof(*settable); i++)
		if (strcmp(name, column_names[settable[i]]) == 0) {
			*map_column(map, settable[i]) = column;
			return 0;
		}
	return why_set(why, -EINVAL, "a mapping has no '%.40s'", name);
}

int lease_map_parse(char *text, struct lease_map *ret, struct why *why)
{
	struct lease_map map = { 0 };
	char *rest = text;

	for (char *one; (one = strsep(&rest, ",")) != NULL;) {
		char *equals = strchr(one, '=');

		if (!equals || !equals[1])
			return why_set(why, -EINVAL, "'%.60s' is not NAME=COLUMN", one);
		*equals = '\0';
		int r = map_set(&map, one, equals + 1, why);
		if (r < 0)
			return r;
	}
	if (!map.line || !map.address)
		return why_set(why, -EINVAL, "a mapping names a column for line and for address");
	if (map.source && strcmp(map.source, "table") != 0 && strcmp(map.source, "radius") != 0 &&
	    strcmp(map.source, "dhcp") != 0 && strcmp(map.source, "cgnat") != 0)
		return why_set(why, -EINVAL, "source is table, radius, dhcp or cgnat, not '%.40s'",
			       map.source);
	*ret = map;
	return 0;
}

/* --- rows ---------------------------------------------------------------------------------- */

struct table {
	const struct lease_map *map;
	const struct lease_read_options *options;
	struct lease_sink *sink;
	struct slice rest;
	char separator;
	enum lease_source source;
	int at[COLUMN_COUNT_]; /* field of each column; -1: there is none */
	size_t fields;
	struct slice field[FIELDS_MAX];
	char text[FIELDS_MAX * 64]; /* of the quoted fields, without their quotes */
	size_t used;
};

/* A field in quotes (RFC 4180 2.5 to 2.7), copied. False if it has no end or is too long. */
static bool quoted(struct table *t, struct slice *ret)
{
	char *begin = t->text + t->used;
	size_t room = sizeof(t->text) - t->used, n = 0;

	t->rest = slice_from(t->rest, 1);
	for (; t->rest.len; t->rest = slice_from(t->rest, 1)) {
		char c = t->rest.at[0];

		if (c == '"') {
			t->rest = slice_from(t->rest, 1);
			if (!t->rest.len || t->rest.at[0] != '"') {
				t->used += n;
				*ret = (struct slice){ begin, n };
				return true;
			}
		}
		if (c == '\n')
			t->sink->line++;
		if (n == room)
			return false;
		begin[n++] = c;
	}
	return false;
}

static void plain(struct table *t, struct slice *ret)
{
	size_t n = 0;

	while (n < t->rest.len && t->rest.at[n] != t->separator && t->rest.at[n] != '\n')
		n++;
	*ret = slice_trim(slice_cut(t->rest, n));
	t->rest = slice_from(t->rest, n);
}

static void row_skip(struct table *t)
{
	t->rest = slice_from(t->rest, slice_until(t->rest, '\n').len + 1);
}

/* The fields of the next row; false with a fault counted if it can not be read. */
static bool row_next(struct table *t)
{
	t->fields = t->used = 0;
	t->sink->line++;
	for (;;) {
		struct slice field;

		if (t->fields == FIELDS_MAX) {
			lease_fault(t->sink, "more than %d fields", FIELDS_MAX);
			row_skip(t);
			return false;
		}
		if (t->rest.len && t->rest.at[0] == '"') {
			if (!quoted(t, &field)) {
				lease_fault(t->sink, "a quote has no end, or too much in it");
				row_skip(t);
				return false;
			}
			if (t->rest.len && t->rest.at[0] == '\r')
				t->rest = slice_from(t->rest, 1);
		} else {
			plain(t, &field);
		}
		t->field[t->fields++] = field;
		char end = t->rest.len ? t->rest.at[0] : '\n';
		t->rest = slice_from(t->rest, 1);
		if (end == '\n')
			return true;
		if (end != t->separator) {
			lease_fault(t->sink, "something stands behind the closing quote");
			row_skip(t);
			return false;
		}
	}
}

/* What stands in the column; empty for none, NULL and \N as databases write it. */
static struct slice cell(const struct table *t, enum column c)
{
	if (t->at[c] < 0 || (size_t)t->at[c] >= t->fields)
		return SLICE("");
	struct slice s = t->field[t->at[c]];
	return slice_is(s, SLICE("NULL")) || slice_is(s, SLICE("\\N")) ? SLICE("") : s;
}

static int find(const struct table *t, struct slice name)
{
	for (size_t i = 0; i < t->fields; i++)
		if (t->field[i].len == name.len &&
		    strncasecmp(t->field[i].at, name.at, name.len) == 0)
			return (int)i;
	return -1;
}

static int header_read(struct table *t, struct why *why)
{
	struct lease_map map = *t->map;

	if (slice_starts(t->rest, SLICE("\xef\xbb\xbf"))) /* a spreadsheet's byte-order mark */
		t->rest = slice_from(t->rest, 3);
	struct slice first = slice_until(t->rest, '\n');
	t->separator =
	    memchr(first.at, ';', first.len) && !memchr(first.at, ',', first.len) ? ';' : ',';
	if (!row_next(t))
		return why_set(why, -EINVAL, "line 1: the header can not be read");
	for (int c = 0; c < COLUMN_COUNT_; c++) {
		const char *name = *map_column(&map, (enum column)c);

		t->at[c] = -1;
		if (!name || c == COLUMN_SOURCE)
			continue;
		struct slice names = slice_of(name), one;
		do {
			one = slice_until(names, ',');
			names = slice_from(names, one.len + 1);
			t->at[c] = find(t, one);
		} while (t->at[c] < 0 && names.len);
		if (t->at[c] < 0 && c <= COLUMN_UNTIL)
			return why_set(why, -EINVAL, "line 1: there is no column '%s'", name);
	}
	return 0;
}

/* 1 and *ret; 0 for an empty cell or a database's zero date; -1 with the fault counted. */
static int time_read(struct table *t, enum column c, int64_t *ret)
{
	struct slice s = cell(t, c);

	if (!s.len || slice_starts(s, SLICE("0000-00-00")))
		return 0;
	if (lease_time_parse(s, t->options->zone_s, ret))
		return 1;
	lease_fault(t->sink, "%s: not a time: '%.*s'", column_names[c],
		    (int)(s.len < 40 ? s.len : 40), s.at);
	return -1;
}

static bool ports_read(struct table *t, struct lease *l)
{
	struct slice s = cell(t, COLUMN_PORTS);
	char text[16];
	unsigned low, high;
	int end = 0;

	if (!s.len)
		return true;
	if (!lease_name_set(text, sizeof(text), s) ||
	    sscanf(text, "%5u-%5u%n", &low, &high, &end) != 2 || text[end] || low > high ||
	    high >= LEASE_PORTS_ALL) {
		lease_fault(t->sink, "ports: not of the form 1024-2047");
		return false;
	}
	l->port_low = low;
	l->ports = high - low + 1;
	return true;
}

/* Kea: states 0 assigned, 1 declined, 2 expired and reclaimed; a lifetime of 0 is a release. */
static int kea_end(struct table *t, struct lease *l)
{
	int64_t lifetime = 0, state = 0;

	if (!lease_time_parse(cell(t, COLUMN_LIFETIME), 0, &lifetime) ||
	    (cell(t, COLUMN_STATE).len && !lease_time_parse(cell(t, COLUMN_STATE), 0, &state))) {
		lease_fault(t->sink, "valid_lifetime and state are numbers");
		return -1;
	}
	if (state == 1)
		return 0;
	l->from = l->seen = l->until - lifetime;
	l->end = state == 2 ? LEASE_REPORTED : LEASE_PROMISED;
	if (lifetime == 0) {
		l->end = LEASE_UNKNOWN;
		l->until = LEASE_FOREVER;
	} else if (state == 2) {
		l->seen = l->until;
	}
	return 1;
}

/* How it ends, by what the source is and what the row has: 1, 0 for nobody, -1 for a fault. */
static int times_read(struct table *t, struct lease *l)
{
	int64_t from = t->options->now_s, until = LEASE_FOREVER, seen = 0;
	int has_from = time_read(t, COLUMN_FROM, &from),
	    has_until = time_read(t, COLUMN_UNTIL, &until),
	    has_seen = time_read(t, COLUMN_SEEN, &seen);

	if (has_from < 0 || has_until < 0 || has_seen < 0)
		return -1;
	l->from = from;
	l->until = until;
	l->end = LEASE_REPORTED;
	if (t->at[COLUMN_LIFETIME] >= 0)
		return kea_end(t, l);
	if (t->at[COLUMN_FROM] >= 0 && !has_from && t->source != LEASE_TABLE) {
		lease_fault(t->sink, "there is no start");
		return -1;
	}
	if (has_until) {
		l->seen = until;
	} else if (t->source == LEASE_TABLE) {
		l->end = LEASE_STANDING;
		l->seen = from;
	} else {
		l->end = LEASE_UNKNOWN;
		l->seen = has_seen && seen > from ? seen : from;
	}
	return 1;
}

static int place_emit(struct table *t, struct lease *l, enum column c)
{
	struct slice s = cell(t, c);

	if (!s.len)
		return 0;
	if (!lease_place_set(s, &l->place)) {
		lease_fault(t->sink, "not an address: '%.*s'", (int)(s.len < 48 ? s.len : 48),
			    s.at);
		return 0;
	}
	/* Kea: type 2 is a delegated prefix, its length beside it. */
	int64_t bits;
	if (slice_is(cell(t, COLUMN_KIND), SLICE("2"))) {
		if (!lease_time_parse(cell(t, COLUMN_BITS), 0, &bits) || bits < 1 || bits > 128 ||
		    l->place.addr.family != FAMILY_V6) {
			lease_fault(t->sink, "a delegated prefix without its length");
			return 0;
		}
		l->place.len = (uint8_t)bits;
		l->place.addr.bits &= ~(addr_bits)0 << (128 - bits);
	}
	return lease_emit(t->sink, l);
}

static int row_emit(struct table *t)
{
	struct lease l = { .ports = LEASE_PORTS_ALL, .source = t->source };
	struct slice line = cell(t, COLUMN_LINE);
	int r;

	if (!cell(t, COLUMN_ADDRESS).len && !cell(t, COLUMN_PREFIX).len &&
	    !cell(t, COLUMN_DELEGATED).len) {
		t->sink->idle++;
		return 0;
	}
	if (!line.len || !lease_name_set(l.line, sizeof(l.line), line) ||
	    !lease_name_set(l.session, sizeof(l.session), cell(t, COLUMN_SESSION))) {
		lease_fault(t->sink, "no line is named, or its name or session is unusable");
		return 0;
	}
	if (!ports_read(t, &l))
		return 0;
	r = times_read(t, &l);
	if (r == 0)
		t->sink->idle++;
	if (r <= 0)
		return 0;
	r = place_emit(t, &l, COLUMN_ADDRESS);
	if (r == 0)
		r = place_emit(t, &l, COLUMN_PREFIX);
	return r == 0 ? place_emit(t, &l, COLUMN_DELEGATED) : r;
}

static enum lease_source source_named(const char *name)
{
	for (int s = 0; s < LEASE_SOURCE_COUNT_; s++)
		if (name && strcmp(name, lease_source_name((enum lease_source)s)) == 0)
			return (enum lease_source)s;
	return LEASE_TABLE;
}

int lease_read_csv(struct slice file, const struct lease_map *map,
		   const struct lease_read_options *options, struct lease_sink *sink,
		   struct why *why)
{
	struct table t = { .map = map,
			   .options = options,
			   .sink = sink,
			   .rest = file,
			   .source = source_named(map->source) };
	int r;

	sink->line = 0;
	if (!file.len)
		return why_set(why, -EINVAL, "line 1: there is no header");
	r = header_read(&t, why);
	while (r == 0 && t.rest.len) {
		if (row_next(&t) && !(t.fields == 1 && !t.field[0].len))
			r = row_emit(&t);
	}
	return r;
}
