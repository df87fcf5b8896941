/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/mail_table.h"

#include "wire/mail_json.h"
#include "wire/mail_scan.h"

static const struct {
	struct slice name;
	enum table_column column;
} columns[] = {
	{ { "date-time", 9 }, COLUMN_TIME },
	{ { "connector-id", 12 }, COLUMN_CONNECTOR },
	{ { "session-id", 10 }, COLUMN_SESSION },
	{ { "local-endpoint", 14 }, COLUMN_LOCAL },
	{ { "remote-endpoint", 15 }, COLUMN_REMOTE },
	{ { "event", 5 }, COLUMN_EVENT },
	{ { "data", 4 }, COLUMN_DATA },
	{ { "context", 7 }, COLUMN_CONTEXT },
	{ { "source", 6 }, COLUMN_SOURCE },
	{ { "event-id", 8 }, COLUMN_EVENT_ID },
	{ { "message-id", 10 }, COLUMN_MESSAGE_ID },
	{ { "sender-address", 14 }, COLUMN_SENDER },
	{ { "client-ip", 9 }, COLUMN_CLIENT_IP },
	{ { "source-context", 14 }, COLUMN_SOURCE_CONTEXT },
	{ { "time", 4 }, COLUMN_TIME },
	{ { "user", 4 }, COLUMN_USER },
	{ { "channel", 7 }, COLUMN_CHANNEL },
	{ { "port", 4 }, COLUMN_PORT },
	{ { "id", 2 }, COLUMN_ID },
	{ { "client", 6 }, COLUMN_CLIENT },
	{ { "count", 5 }, COLUMN_COUNT },
};

/* RFC 4180: the next field; a quoted one keeps its doubled quotes (no field of ours has any). */
static struct slice csv(struct slice *s)
{
	struct slice f;

	if (!s->len || s->at[0] != '"')
		return scan_field(s, ',');
	size_t n = 1;
	while (n < s->len && (s->at[n] != '"' || (n + 1 < s->len && s->at[n + 1] == '"')))
		n += s->at[n] == '"' ? 2 : 1;
	f = (struct slice){ s->at + 1, (n < s->len ? n : s->len) - 1 };
	*s = slice_from(*s, n + 1);
	if (s->len && s->at[0] == ',')
		*s = slice_from(*s, 1);
	return f;
}

static bool has(const struct mail_table *t, enum table_column c)
{
	for (unsigned i = 0; i < t->fields; i++)
		if (t->column[i] == (int8_t)c)
			return true;
	return false;
}

static void names(struct mail_table *t, struct slice header)
{
	*t = (struct mail_table){ 0 };
	while (header.len && t->fields < TABLE_FIELDS_MAX) {
		struct slice name = slice_trim(csv(&header));
		t->column[t->fields] = -1;
		for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
			if (slice_is(name, columns[i].name))
				t->column[t->fields] = (int8_t)columns[i].column;
		t->fields++;
	}
	if (has(t, COLUMN_TIME) && has(t, COLUMN_LOCAL) && has(t, COLUMN_EVENT))
		t->kind = TABLE_EXCHANGE_SMTP;
	else if (has(t, COLUMN_TIME) && has(t, COLUMN_EVENT_ID) && has(t, COLUMN_SENDER))
		t->kind = TABLE_EXCHANGE_TRACKING;
	else if (has(t, COLUMN_TIME) && has(t, COLUMN_USER) &&
		 (has(t, COLUMN_CHANNEL) || has(t, COLUMN_PORT)))
		t->kind = TABLE_GENERIC;
}

bool mail_table_header(struct mail_table *t, struct slice line)
{
	struct mail_table found;

	/* Windows writes a byte order mark. */
	if (slice_starts(line, SLICE("\xef\xbb\xbf")))
		line = slice_from(line, 3);
	if (slice_starts(line, SLICE("#Fields: "))) {
		names(t, slice_from(line, 9));
		return true;
	}
	if (line.len && line.at[0] == '#')
		return true;
	if (!slice_starts(line, SLICE("time,")) && !slice_starts(line, SLICE("user,")) &&
	    !slice_starts(line, SLICE("date-time,")))
		return false;
	names(&found, line);
	if (found.kind == TABLE_NONE)
		return false;
	*t = found;
	return true;
}

bool mail_table_guess(struct mail_table *t, struct slice line)
{
	static const char header[] = "date-time,connector-id,session-id,sequence-number,"
				     "local-endpoint,remote-endpoint,event,data,context";
	struct slice rest = line, address;
	struct stamp_clock clock = { .newest = INT64_MAX / 2 };
	int64_t at;
	uint16_t port;

	if (!stamp_read(&clock, csv(&rest), &at))
		return false;
	csv(&rest);
	csv(&rest);
	csv(&rest);
	if (!scan_endpoint(csv(&rest), &address, &port))
		return false;
	names(t, slice_of(header));
	return true;
}

/* "Client Proxy …" and "Default …" on 2525 are hops between Exchange's own services. */
static bool inner(struct slice connector, uint16_t port)
{
	const char *slash = connector.len ? memrchr(connector.at, '\\', connector.len) : NULL;
	struct slice name =
	    slash ? slice_from(connector, (size_t)(slash - connector.at) + 1) : connector;

	return slice_starts(name, SLICE("Client Proxy")) ||
	       (port == 2525 && slice_starts(name, SLICE("Default")));
}

static enum mail_reading exchange_smtp(struct slice *f, struct mail_event *ret)
{
	struct slice local, event = f[COLUMN_EVENT], data = f[COLUMN_DATA];
	uint16_t remote_port;

	*ret = (struct mail_event){ .id = f[COLUMN_SESSION] };
	if (!scan_endpoint(f[COLUMN_LOCAL], &local, &ret->port))
		return MAIL_MALFORMED;
	scan_endpoint(f[COLUMN_REMOTE], &ret->client, &remote_port);
	if (inner(f[COLUMN_CONNECTOR], ret->port))
		return MAIL_IGNORED;
	if (slice_is(event, SLICE("+"))) {
		ret->kind = MAIL_SESSION;
	} else if (slice_is(event, SLICE("*")) &&
		   slice_is(f[COLUMN_CONTEXT], SLICE("authenticated"))) {
		ret->kind = MAIL_AUTH;
		ret->user = data;
	} else if (slice_is(event, SLICE(">")) && slice_starts(data, SLICE("250 2.6.0 "))) {
		ret->kind = MAIL_ACCEPT;
		ret->session = f[COLUMN_SESSION];
		ret->id = slice_until(slice_from(data, 10), ' ');
	} else if (slice_is(event, SLICE(">")) && slice_starts(data, SLICE("535 "))) {
		ret->kind = MAIL_REFUSED;
	} else if (slice_is(event, SLICE("-"))) {
		ret->kind = MAIL_CLOSE;
	} else {
		return MAIL_IGNORED;
	}
	return ret->user.at && !mail_user_valid(ret->user) ? MAIL_MALFORMED : MAIL_UNDERSTOOD;
}

/* What mailbox clients (OWA, Outlook, phones) submit never passes an SMTP listener. */
static enum mail_reading exchange_tracking(struct slice *f, struct mail_event *ret)
{
	if (!slice_is(f[COLUMN_SOURCE], SLICE("STOREDRIVER")) ||
	    !slice_is(f[COLUMN_EVENT_ID], SLICE("SUBMIT")))
		return MAIL_IGNORED;
	*ret = (struct mail_event){ .kind = MAIL_ACCEPT, .authenticated = true };
	ret->id = f[COLUMN_MESSAGE_ID];
	ret->user = f[COLUMN_SENDER];
	ret->client = f[COLUMN_CLIENT_IP];
	ret->webmail = slice_after(f[COLUMN_SOURCE_CONTEXT], SLICE("ClientType:OWA")).at != NULL;
	ret->listener = SLICE("exchange-mailbox");
	return mail_user_valid(ret->user) ? MAIL_UNDERSTOOD : MAIL_MALFORMED;
}

static enum mail_reading generic(struct slice user, struct slice channel, struct slice port,
				 struct slice id, struct slice client, struct slice count,
				 struct mail_event *ret)
{
	*ret = (struct mail_event){ .kind = MAIL_ACCEPT, .authenticated = true };
	ret->user = user;
	ret->id = id.len ? id : SLICE("NOQUEUE");
	ret->client = client;
	ret->listener = channel;
	if (count.len && (scan_number(count) == 0 || scan_number(count) > 1000000))
		return MAIL_MALFORMED;
	ret->count = count.len ? scan_number(count) : 0;
	if (!channel.len) {
		ret->port = scan_port(port);
		if (!ret->port)
			return MAIL_MALFORMED;
	}
	ret->named_channel = channel.len > 0;
	return mail_user_valid(user) ? MAIL_UNDERSTOOD : MAIL_MALFORMED;
}

enum mail_reading mail_table_read(const struct mail_table *t, struct stamp_clock *clock,
				  struct slice line, struct mail_line *l, struct mail_event *ret)
{
	struct slice f[COLUMN_COUNT_] = { 0 };
	struct slice rest = line;

	for (unsigned i = 0; i < t->fields && rest.len; i++) {
		struct slice field = csv(&rest);
		if (t->column[i] >= 0)
			f[t->column[i]] = field;
	}
	*l = (struct mail_line){ .host = SLICE("table"), .text = line };
	if (!f[COLUMN_TIME].len || !stamp_read(clock, f[COLUMN_TIME], &l->at))
		return MAIL_MALFORMED;
	switch (t->kind) {
	case TABLE_EXCHANGE_SMTP:
		l->tag = SLICE("exchange-smtp");
		return exchange_smtp(f, ret);
	case TABLE_EXCHANGE_TRACKING:
		l->tag = SLICE("exchange-tracking");
		return exchange_tracking(f, ret);
	case TABLE_GENERIC:
		l->tag = SLICE("generic");
		return generic(f[COLUMN_USER], f[COLUMN_CHANNEL], f[COLUMN_PORT], f[COLUMN_ID],
			       f[COLUMN_CLIENT], f[COLUMN_COUNT], ret);
	default:
		return MAIL_MALFORMED;
	}
}

enum mail_reading mail_jsonl_read(struct stamp_clock *clock, struct slice line, char *buffer,
				  size_t room, struct mail_line *l, struct mail_event *ret)
{
	struct mail_json_member m[] = {
		{ SLICE("time"), { NULL, 0 } },    { SLICE("user"), { NULL, 0 } },
		{ SLICE("channel"), { NULL, 0 } }, { SLICE("port"), { NULL, 0 } },
		{ SLICE("id"), { NULL, 0 } },      { SLICE("client"), { NULL, 0 } },
		{ SLICE("count"), { NULL, 0 } },
	};

	if (!mail_json_read(line, m, sizeof(m) / sizeof(*m), buffer, room))
		return MAIL_MALFORMED;
	*l = (struct mail_line){ .host = SLICE("table"), .tag = SLICE("generic"), .text = line };
	if (!m[0].value.len || !m[1].value.at || !stamp_read(clock, m[0].value, &l->at))
		return MAIL_MALFORMED;
	return generic(m[1].value, m[2].value, m[3].value, m[4].value, m[5].value, m[6].value, ret);
}

bool mail_journal_json(struct stamp_clock *clock, struct slice line, char *buffer, size_t room,
		       struct mail_line *ret)
{
	struct mail_json_member m[] = {
		{ SLICE("__REALTIME_TIMESTAMP"), { NULL, 0 } },
		{ SLICE("_HOSTNAME"), { NULL, 0 } },
		{ SLICE("SYSLOG_IDENTIFIER"), { NULL, 0 } },
		{ SLICE("SYSLOG_PID"), { NULL, 0 } },
		{ SLICE("_PID"), { NULL, 0 } },
		{ SLICE("MESSAGE"), { NULL, 0 } },
	};

	if (!mail_json_read(line, m, sizeof(m) / sizeof(*m), buffer, room) || m[0].value.len < 7 ||
	    m[0].value.len > 18 || !m[5].value.at)
		return false;
	int64_t us = 0;
	for (size_t i = 0; i < m[0].value.len; i++) {
		if (m[0].value.at[i] < '0' || m[0].value.at[i] > '9')
			return false;
		us = us * 10 + (m[0].value.at[i] - '0');
	}
	*ret = (struct mail_line){
		.at = stamp_local(clock, us / 1000000),
		.host = m[1].value,
		.tag = m[2].value,
		.pid = scan_number(m[3].value.len ? m[3].value : m[4].value),
		.text = m[5].value,
	};
	if (!ret->host.at)
		ret->host = SLICE("");
	if (!ret->tag.at)
		ret->tag = SLICE("");
	return true;
}
