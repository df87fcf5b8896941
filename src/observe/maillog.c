/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/maillog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "wire/mail_scan.h"
#include "wire/mail_table.h"

#define HEAD_S     600 /* a message may have begun in the file before this one */
#define SETTLE_S   60  /* an outer hop may be logged after its inner one is done */
#define SECOND_IDS 64

enum open_flag {
	OPEN_ORIGIN = 1,  /* its first line was seen */
	OPEN_SUSPECT = 2, /* arrived, has a sender, and no first line */
	OPEN_SESSION = 8, /* a session of a listener that tells more than its messages do */
	OPEN_EARLY = 4,   /* arrived in the first minutes of the file */
};

/* A submission without login: it waits for its sender's name. */
struct waiting {
	struct submission s;
	char client[ADDR_TEXT_MAX];
	char user[MAIL_USER_MAX];
	uint64_t id;
	int64_t done_at;
	struct waiting *next;
};

struct open {
	uint64_t id; /* hash of host and queue id; 0: free */
	int64_t at;
	struct waiting *waiting;
	uint16_t flags;
	uint8_t place, channel; /* of a session */
	char *user;             /* of a session whose login was told apart */
};

struct tag {
	uint64_t hash; /* 0: free */
	char *text;
	size_t len;
	enum mail_program program;
	struct placing placing;
	uint64_t source; /* of host and first part of the tag */
	uint64_t host;
	bool told;
};

struct maillog {
	const struct mailsite *site;
	const struct maillog_sink *sink;
	struct stamp_clock clock;
	struct maillog_span span;
	struct maillog_counts counts;
	uint64_t seed;
	int64_t first_at; /* of the log; INT64_MIN: no line yet */

	struct tag tag[MAILLOG_TAGS_MAX * 2];
	size_t tags;
	struct mail_table table;
	struct {
		bool open; /* inside a record of journalctl -o export */
		bool skip; /* a field with binary data follows: the record is unreadable */
		int64_t utc_s;
		uint32_t pid;
		size_t host_len, tag_len, text_len;
		char host[256], tag[128];
	} journal;
	char decode[MAIL_LINE_MAX];
	char joined[512];
	struct tag stray; /* for tags beyond the maximum */

	struct open *open;
	size_t open_room, open_count;
	struct waiting *first, *last; /* done, and settling */

	/* Messages without an id that share a second: the how-maniest is part of the key. */
	int64_t second;
	unsigned second_count;
	struct {
		uint64_t hash;
		unsigned times;
	} same[SECOND_IDS];
};

int maillog_new(const struct mailsite *site, const struct maillog_sink *sink,
		struct stamp_clock clock, struct maillog_span span, struct maillog **ret)
{
	struct maillog *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->site = site;
	m->sink = sink;
	m->clock = clock;
	m->span = span;
	m->first_at = INT64_MIN;
	memcpy(&m->seed, site->key, sizeof(m->seed));
	*ret = m;
	return 0;
}

void maillog_free(struct maillog *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < MAILLOG_TAGS_MAX * 2; i++)
		free(m->tag[i].text);
	for (size_t i = 0; i < m->open_room; i++) {
		free(m->open[i].waiting);
		free(m->open[i].user);
	}
	free(m->open);
	free(m);
}

const struct maillog_counts *maillog_counts(const struct maillog *m)
{
	return &m->counts;
}

/* Tags */

static void tag_fill(const struct maillog *m, struct tag *t, struct slice host, struct slice tag)
{
	struct slice name = slice_until(tag, '/');

	t->program = mail_program_of(tag);
	t->placing = mailsite_place_tag(m->site, tag);
	t->host = hash_bytes(host.at, host.len, m->seed);
	t->source = hash_bytes(name.at, name.len, t->host);
	t->told = false;
}

static struct slice joined(struct maillog *m, struct slice host, struct slice tag)
{
	size_t h = slice_cut(host, sizeof(m->joined) / 2 - 1).len;
	size_t t = slice_cut(tag, sizeof(m->joined) / 2).len;

	slice_copy(m->joined, host, h);
	m->joined[h] = ' ';
	slice_copy(m->joined + h + 1, tag, t);
	return (struct slice){ m->joined, h + 1 + t };
}

/* Three looks at the text and one multiplication; the table compares the whole. */
static inline uint64_t tag_hash(struct slice s, uint64_t seed)
{
	if (s.len < 8)
		return hash_bytes(s.at, s.len, seed);
	return hash_fold(hash_load(s.at, 8) ^ seed ^ (s.len << 56),
			 hash_load(s.at + s.len - 8, 8) ^
			     (hash_load(s.at + s.len / 2 - 4, 8) << 1) ^ 0x9fb21c651e98df25ULL);
}

/* What is known of this host and tag, looked up once and remembered. */
static struct tag *tag_get(struct maillog *m, struct slice host, struct slice tag)
{
	/* In most lines host and tag stand side by side: one comparison for both. */
	struct slice both = { host.at, (size_t)(tag.at + tag.len - host.at) };
	if (tag.at != host.at + host.len + 1)
		both = joined(m, host, tag);
	uint64_t hash = tag_hash(both, m->seed) | 1;
	size_t i = (size_t)(hash >> 32) & (MAILLOG_TAGS_MAX * 2 - 1);

	for (; m->tag[i].hash; i = (i + 1) & (MAILLOG_TAGS_MAX * 2 - 1))
		if (m->tag[i].hash == hash && m->tag[i].len == both.len &&
		    memcmp(m->tag[i].text, both.at, both.len) == 0)
			return &m->tag[i];

	char *text = m->tags < MAILLOG_TAGS_MAX ? malloc(both.len + 1) : NULL;
	struct tag *t = text ? &m->tag[i] : &m->stray;
	tag_fill(m, t, host, tag);
	if (text) {
		slice_copy(text, both, both.len);
		t->text = text;
		t->len = both.len;
		t->hash = hash;
		m->tags++;
	}
	return t;
}

/* Messages in flight: open addressing with deletion by shifting back */

static uint64_t open_id(const struct tag *t, struct slice id)
{
	uint64_t h = hash_bytes(id.at, id.len, t->host);

	return h ? h : 1;
}

static struct open *open_find(struct maillog *m, uint64_t id)
{
	if (!m->open_room)
		return NULL;
	size_t i = (size_t)id & (m->open_room - 1);
	while (m->open[i].id && m->open[i].id != id)
		i = (i + 1) & (m->open_room - 1);
	return m->open[i].id ? &m->open[i] : NULL;
}

static void open_remove(struct maillog *m, struct open *o)
{
	size_t mask = m->open_room - 1, hole = (size_t)(o - m->open), i = hole;

	free(o->waiting);
	free(o->user);
	m->open_count--;
	for (;;) {
		i = (i + 1) & mask;
		if (!m->open[i].id)
			break;
		size_t home = (size_t)m->open[i].id & mask;
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->open[hole] = m->open[i];
			hole = i;
		}
	}
	m->open[hole] = (struct open){ 0 };
}

static int open_resize(struct maillog *m, size_t room, int64_t oldest)
{
	struct open *table = calloc(room, sizeof(*table));

	if (!table)
		return -ENOMEM;
	m->open_count = 0;
	for (size_t k = 0; k < m->open_room; k++) {
		struct open *o = &m->open[k];
		if (!o->id)
			continue;
		if (o->at < oldest && !(o->waiting && o->waiting->done_at)) {
			m->counts.forgotten++;
			free(o->waiting);
			free(o->user);
			continue;
		}
		size_t i = (size_t)o->id & (room - 1);
		while (table[i].id)
			i = (i + 1) & (room - 1);
		table[i] = *o;
		m->open_count++;
	}
	free(m->open);
	m->open = table;
	m->open_room = room;
	return 0;
}

static int open_room(struct maillog *m, int64_t at)
{
	if ((m->open_count + 1) * 2 <= m->open_room)
		return 0;
	if (m->open_count < MAILLOG_OPEN_MAX)
		return open_resize(m, m->open_room ? m->open_room * 2 : 1024, INT64_MIN);
	int r = open_resize(m, m->open_room, at - STAMP_DAY_S);
	if (r == 0 && (m->open_count + 1) * 2 > m->open_room)
		r = open_resize(m, m->open_room, INT64_MAX);
	return r;
}

static int open_add(struct maillog *m, uint64_t id, int64_t at, struct open **ret)
{
	struct open *o = open_find(m, id);

	if (!o) {
		int r = open_room(m, at);
		if (r < 0)
			return r;
		size_t i = (size_t)id & (m->open_room - 1);
		while (m->open[i].id)
			i = (i + 1) & (m->open_room - 1);
		o = &m->open[i];
		*o = (struct open){ .id = id, .at = at };
		m->open_count++;
	}
	*ret = o;
	return 0;
}

/* Telling */

static int tell(struct maillog *m, const struct submission *s, struct slice name)
{
	int64_t day = s->at / STAMP_DAY_S;

	if (s->place == PLACE_IGNORE) {
		m->counts.reinjected++;
		return 0;
	}
	if (day < m->span.from || day > m->span.to) {
		m->counts.outside++;
		return 0;
	}
	if (s->place == PLACE_UNKNOWN && m->sink->unexplained)
		m->sink->unexplained(m->sink->ctx, name);
	return m->sink->submission(m->sink->ctx, s);
}

/* The session that this message came in: by its id, or by the process that wrote the line. */
static struct open *session_of(struct maillog *m, const struct mail_line *l, const struct tag *t,
			       const struct mail_event *e)
{
	uint64_t id = 0;

	if (e->session.len)
		id = open_id(t, e->session);
	else if (e->by_process)
		id = hash_fold(t->host ^ l->pid, 0xe7037ed1a0b428dbULL) | 1;
	struct open *o = id ? open_find(m, id) : NULL;
	return o && (o->flags & OPEN_SESSION) ? o : NULL;
}

static struct placing place_of(const struct maillog *m, const struct tag *t, const struct open *o,
			       const struct mail_event *e)
{
	struct placing p = { PLACE_CHANNEL, CHANNEL_OTHER };

	if (e->named_channel)
		return channel_parse(e->listener, &p.channel)
			   ? p
			   : mailsite_place_name(m->site, e->listener);
	if (o && !e->port && !(e->listener.len && e->by_process))
		return (struct placing){ o->place, o->channel };
	if (e->webmail || (m->site->webmail.count && mailsite_holds(&m->site->webmail, e->client)))
		return (struct placing){ PLACE_CHANNEL, CHANNEL_WEBMAIL };
	if (e->port)
		return mailsite_place_port(m->site, e->port);
	if (e->listener.len)
		return mailsite_place_name(m->site, e->listener);
	return t->placing;
}

/* How often this unnamed message was seen in this second of this log. */
static unsigned same_second(struct maillog *m, int64_t at, uint64_t hash)
{
	if (at != m->second) {
		m->second = at;
		m->second_count = 0;
	}
	for (unsigned i = 0; i < m->second_count; i++)
		if (m->same[i].hash == hash)
			return ++m->same[i].times;
	if (m->second_count < SECOND_IDS) {
		m->same[m->second_count].hash = hash;
		m->same[m->second_count++].times = 0;
	}
	return 0;
}

static uint64_t message_key(struct maillog *m, const struct mail_line *l, struct slice id,
			    struct slice user)
{
	uint64_t h = hash_bytes(id.at, id.len, m->seed ^ (uint64_t)l->at);

	h = hash_bytes(user.at, user.len, h);
	h = hash_fold(h ^ l->pid, 0x9fb21c651e98df25ULL);
	if (slice_is(id, SLICE("NOQUEUE")))
		h = hash_fold(h ^ same_second(m, l->at, h), 0x9e3779b97f4a7c15ULL);
	return h;
}

static struct submission submission_of(struct maillog *m, const struct mail_line *l,
				       const struct tag *t, const struct mail_event *e)
{
	struct open *o = session_of(m, l, t, e);
	struct placing p = place_of(m, t, o, e);
	struct slice user = e->user;

	if (!user.len && o && o->user)
		user = slice_of(o->user);
	if (e->url_encoded)
		user = mail_url_decode(user, m->decode, MAIL_USER_MAX + 1);
	return (struct submission){
		.at = l->at,
		.place = p.place,
		.channel = p.channel,
		.source = t->source,
		.user = user,
		.client = e->client,
		.hint = e->hint,
		.id = hash_bytes(e->id.at, e->id.len, m->seed) | 1,
		.key = message_key(m, l, e->id, user),
		.count = e->count ? e->count : 1,
	};
}

static bool loopback(struct slice a)
{
	return slice_starts(a, SLICE("127.")) || slice_is(a, SLICE("::1"));
}

/* Why a message without login is a submission nevertheless; false: it is transport. */
static bool without_login(const struct maillog *m, const struct mail_event *e, enum tier *ret)
{
	const struct mailsite *site = m->site;

	if (site->webmail.count && mailsite_holds(&site->webmail, e->client))
		*ret = TIER_OWN_NETWORK;
	else if (loopback(e->client))
		return false;
	else if (site->own.count && mailsite_holds(&site->own, e->client))
		*ret = TIER_OWN_NETWORK;
	else if (site->dynamic.count && mailsite_holds(&site->dynamic, e->client))
		*ret = TIER_DYNAMIC;
	else
		return false;
	return true;
}

static int wait_for_sender(struct maillog *m, struct open *o, const struct submission *s)
{
	if (o->waiting)
		return 0;
	struct waiting *w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->s = *s;
	w->id = o->id;
	w->s.client = (struct slice){ w->client, slice_cut(s->client, sizeof(w->client)).len };
	slice_copy(w->client, s->client, w->s.client.len);
	w->s.hint = (struct slice){ w->user, 0 };
	w->s.user = slice_cut((struct slice){ w->user, s->user.len }, sizeof(w->user));
	slice_copy(w->user, s->user, w->s.user.len);
	o->waiting = w;
	(void)m;
	return 0;
}

static int on_accept(struct maillog *m, const struct mail_line *l, struct tag *t,
		     const struct mail_event *e)
{
	struct open *o = NULL;
	bool named = !e->forwards && !slice_is(e->id, SLICE("NOQUEUE"));

	if (named) {
		int r = open_add(m, open_id(t, e->id), l->at, &o);
		if (r < 0)
			return r;
		o->flags |= OPEN_ORIGIN;
	}
	if (e->other_id.len && (!e->user.len || open_find(m, open_id(t, e->other_id)))) {
		m->counts.reinjected++;
		return 0;
	}
	struct submission s = submission_of(m, l, t, e);
	if (!s.user.len && (e->authenticated || e->session.len)) {
		m->counts.unattributed += e->authenticated;
		return 0;
	}
	if (s.user.len) {
		s.forwarded = e->forwarded;
		s.front = e->forwards;
		if (e->forwards && m->sink->forwarded) {
			int r = m->sink->forwarded(m->sink->ctx, l->at, s.id);
			if (r < 0)
				return r;
		}
		return tell(m, &s, e->listener.len ? e->listener : l->tag);
	}
	enum tier tier;
	if (!named || !without_login(m, e, &tier))
		return 0;
	s.tier = tier;
	s.user = e->sender;
	return s.place == PLACE_IGNORE ? 0 : wait_for_sender(m, o, &s);
}

/* A session's first lines tell the listener and the user; its messages come later. */
static int on_session(struct maillog *m, const struct mail_line *l, struct tag *t,
		      const struct mail_event *e)
{
	uint64_t id = e->by_process ? hash_fold(t->host ^ l->pid, 0xe7037ed1a0b428dbULL) | 1
				    : open_id(t, e->id);
	struct open *o;
	int r = open_add(m, id, l->at, &o);

	if (r < 0)
		return r;
	if (e->kind == MAIL_SESSION || !(o->flags & OPEN_SESSION)) {
		struct placing p = place_of(m, t, NULL, e);
		o->place = (uint8_t)p.place;
		o->channel = (uint8_t)p.channel;
	}
	o->flags |= OPEN_SESSION | OPEN_ORIGIN;
	if (e->kind == MAIL_SESSION) { /* a new one under an old id */
		free(o->user);
		o->user = NULL;
	}
	if (e->kind == MAIL_AUTH) {
		free(o->user);
		o->user = strndup(e->user.at, e->user.len);
		if (!o->user)
			return -ENOMEM;
	}
	return 0;
}

/* The session is over; Haraka says only here how many messages it took. */
static int on_close(struct maillog *m, const struct mail_line *l, struct tag *t,
		    const struct mail_event *e)
{
	struct open *o = open_find(m, open_id(t, e->id));
	int r = 0;

	if (!o || !(o->flags & OPEN_SESSION))
		return 0;
	if (e->authenticated && e->count) {
		struct mail_event closing = *e;
		closing.session = e->id;
		struct submission s = submission_of(m, l, t, &closing);
		if (s.user.len)
			r = tell(m, &s, l->tag);
		else
			m->counts.unattributed += e->count;
	}
	open_remove(m, o);
	return r;
}

static int on_pickup(struct maillog *m, const struct mail_line *l, struct tag *t,
		     const struct mail_event *e)
{
	struct open *o;
	int r = open_add(m, open_id(t, e->id), l->at, &o);

	if (r < 0)
		return r;
	o->flags |= OPEN_ORIGIN;
	for (size_t i = 0; i < m->site->webmail_uids_count; i++) {
		if (m->site->webmail_uids[i] != e->uid || !e->sender.len)
			continue;
		struct mail_event by_uid = *e;
		by_uid.webmail = true;
		by_uid.user = e->sender;
		struct submission s = submission_of(m, l, t, &by_uid);
		return tell(m, &s, l->tag);
	}
	return 0;
}

static bool double_bounce(struct slice sender)
{
	return slice_starts(sender, SLICE("double-bounce@"));
}

static void on_envelope(struct maillog *m, struct open *o, const struct mail_event *e)
{
	if (!(o->flags & OPEN_ORIGIN) && !e->null_sender && !double_bounce(e->sender) &&
	    !(o->flags & OPEN_EARLY))
		o->flags |= OPEN_SUSPECT;
	struct waiting *w = o->waiting;
	if (!w || w->s.user.len || !e->sender.len || e->sender.len > sizeof(w->user))
		return;
	slice_copy(w->user, e->sender, e->sender.len);
	w->s.user = (struct slice){ w->user, e->sender.len };
	(void)m;
}

/* Tell a submission that waited, now that nobody has called it an inner hop. */
static int settle(struct maillog *m, struct waiting *w)
{
	if (w->s.tier == TIER_DYNAMIC && !mailsite_local(m->site, w->s.user))
		return 0; /* foreign sender: a server's delivery, or a bot's */
	if (!w->s.user.len || !mailsite_local(m->site, w->s.user)) {
		m->counts.unattributed++;
		return 0;
	}
	return tell(m, &w->s, SLICE("without login"));
}

static int settle_due(struct maillog *m, int64_t now)
{
	while (m->first && m->first->done_at + SETTLE_S < now) {
		struct waiting *w = m->first;
		struct open *o = open_find(m, w->id);

		m->first = w->next;
		if (!m->first)
			m->last = NULL;
		if (!o || o->waiting != w)
			continue;
		int r = settle(m, w);
		open_remove(m, o);
		if (r < 0)
			return r;
	}
	return 0;
}

static int on_done(struct maillog *m, struct open *o, int64_t at)
{
	struct waiting *w = o->waiting;

	m->counts.originless += (o->flags & OPEN_SUSPECT) && !(o->flags & OPEN_ORIGIN);
	if (!w) {
		open_remove(m, o);
	} else if (!w->done_at) {
		w->done_at = at;
		if (m->last)
			m->last->next = w;
		else
			m->first = w;
		m->last = w;
	}
	return settle_due(m, at);
}

/* The message went on to a second server here under another id: one message, not two. */
static void on_relayed(struct maillog *m, const struct tag *t, const struct mail_event *e)
{
	struct open *inner = open_find(m, open_id(t, e->other_id));

	if (!inner || !inner->waiting || !open_find(m, open_id(t, e->id)))
		return;
	if (inner->waiting->done_at) {
		/* It stands in the queue of the settling: void it there. */
		inner->waiting->s.place = PLACE_IGNORE;
		return;
	}
	m->counts.reinjected++;
	free(inner->waiting);
	inner->waiting = NULL;
}

static int on_cleanup(struct maillog *m, const struct mail_line *l, const struct tag *t,
		      const struct mail_event *e)
{
	struct open *o;
	int r = open_add(m, open_id(t, e->id), l->at, &o);

	if (r == 0 && !(o->flags & OPEN_ORIGIN) && l->at < m->first_at + HEAD_S)
		o->flags |= OPEN_EARLY;
	return r;
}

static int on_event(struct maillog *m, const struct mail_line *l, struct tag *t,
		    const struct mail_event *e)
{
	struct open *o;

	switch (e->kind) {
	case MAIL_ACCEPT:
		return on_accept(m, l, t, e);
	case MAIL_PICKUP:
		return on_pickup(m, l, t, e);
	case MAIL_CLEANUP:
		return on_cleanup(m, l, t, e);
	case MAIL_ENVELOPE:
		o = open_find(m, open_id(t, e->id));
		if (o)
			on_envelope(m, o, e);
		return 0;
	case MAIL_BORN:
		o = open_find(m, open_id(t, e->id));
		if (o)
			o->flags |= OPEN_ORIGIN;
		return 0;
	case MAIL_DONE:
		o = open_find(m, open_id(t, e->id));
		return o ? on_done(m, o, l->at) : 0;
	case MAIL_RELAYED:
		on_relayed(m, t, e);
		return 0;
	case MAIL_SESSION:
	case MAIL_AUTH:
		return on_session(m, l, t, e);
	case MAIL_CLOSE:
		return on_close(m, l, t, e);
	case MAIL_LOGIN:
		return m->sink->login ? m->sink->login(m->sink->ctx, l->at, e->user, e->client) : 0;
	case MAIL_REFUSED:
		m->counts.refused++;
		return 0;
	case MAIL_LOST:
		m->counts.lost_said += e->count;
		m->counts.lost_times++;
		return 0;
	default:
		return 0;
	}
}

static int told_tagged(struct maillog *m, struct tag *t, int64_t at)
{
	t->told = true;
	if (t->placing.place != PLACE_CHANNEL ||
	    (t->placing.channel != CHANNEL_587 && t->placing.channel != CHANNEL_465))
		return 0;
	return m->sink->tagged(m->sink->ctx, t->source, at / STAMP_DAY_S);
}

static int on_reading(struct maillog *m, enum mail_reading r, const struct mail_line *l,
		      struct tag *t, const struct mail_event *e)
{
	switch (r) {
	case MAIL_UNDERSTOOD:
		m->counts.understood++;
		return on_event(m, l, t, e);
	case MAIL_MALFORMED:
		m->counts.malformed++;
		return 0;
	default:
		m->counts.ignored++;
		return 0;
	}
}

/* A line with a syslog head, from whatever it was taken. */
static int on_syslog(struct maillog *m, const struct mail_line *l)
{
	struct mail_event e;

	if (m->first_at == INT64_MIN)
		m->first_at = l->at;
	struct tag *t = tag_get(m, l->host, l->tag);
	if (!t->told) {
		int r = told_tagged(m, t, l->at);
		if (r < 0)
			return r;
	}
	return on_reading(m, mail_read(t->program, l->text, &e), l, t, &e);
}

/* JSON: the journal, Haraka, or the generic form. */
static int on_json(struct maillog *m, struct slice line)
{
	struct mail_line l;
	struct mail_event e;

	if (mail_journal_json(&m->clock, line, m->decode, sizeof(m->decode), &l))
		return on_syslog(m, &l);
	enum mail_reading r =
	    mail_jsonl_read(&m->clock, line, m->decode, sizeof(m->decode), &l, &e);
	if (r != MAIL_UNDERSTOOD) {
		m->counts.malformed++;
		return 0;
	}
	return on_reading(m, r, &l, tag_get(m, l.host, l.tag), &e);
}

/* A report of OpenSMTPD's filter protocol: its time is seconds since 1970. */
static int on_report(struct maillog *m, struct slice line)
{
	struct mail_line l = { .host = SLICE("report"), .tag = SLICE("smtpd"), .text = line };
	struct mail_event e;
	int64_t utc_s = 0;
	enum mail_reading r = mail_opensmtpd_report(line, &utc_s, &e);

	l.at = stamp_local(&m->clock, utc_s);
	return on_reading(m, r, &l, tag_get(m, l.host, l.tag), &e);
}

static int on_table(struct maillog *m, struct slice line)
{
	struct mail_line l;
	struct mail_event e;
	enum mail_reading r = mail_table_read(&m->table, &m->clock, line, &l, &e);

	if (r != MAIL_UNDERSTOOD)
		return on_reading(m, r, &l, NULL, &e);
	return on_reading(m, r, &l, tag_get(m, l.host, l.tag), &e);
}

/* Own log files: a stamp, and then no host. Exim, Zimbra, Haraka, Roundcube. */
static int on_own_file(struct maillog *m, struct slice line)
{
	struct mail_line l = { .host = SLICE("file") };
	struct mail_event e;
	enum mail_reading r;
	size_t n = 0;

	if (line.len && line.at[0] == '[' && mail_roundcube_line(&m->clock, line, &l))
		return on_syslog(m, &l);
	if (line.len > 19 && line.at[0] >= '0' && line.at[0] <= '9')
		n = stamp_read(&m->clock, line, &l.at);
	if (!n || n >= line.len || line.at[n] != ' ') {
		m->counts.malformed++;
		return 0;
	}
	l.text = slice_from(line, n + 1);
	if (slice_starts(l.text, SLICE("INFO ")) || slice_starts(l.text, SLICE("WARN ")) ||
	    slice_starts(l.text, SLICE("DEBUG ")) || slice_starts(l.text, SLICE("ERROR "))) {
		l.tag = SLICE("zimbra-mailbox");
		r = mail_zimbra(l.text, &e);
	} else if (l.text.len && l.text.at[0] == '[' &&
		   slice_after(slice_cut(l.text, 16), SLICE("] [")).at) {
		l.tag = SLICE("haraka");
		r = mail_haraka(l.text, &e);
	} else {
		l.tag = SLICE("exim");
		r = mail_exim(l.text, &e);
	}
	return on_reading(m, r, &l, tag_get(m, l.host, l.tag), &e);
}

/* The record is complete: it is one line to us, however many it was written in. */
static int journal_end(struct maillog *m)
{
	struct mail_line l = {
		.at = stamp_local(&m->clock, m->journal.utc_s),
		.host = { m->journal.host, m->journal.host_len },
		.tag = { m->journal.tag, m->journal.tag_len },
		.pid = m->journal.pid,
		.text = { m->decode, m->journal.text_len },
	};
	bool readable = m->journal.utc_s && m->journal.text_len && !m->journal.skip;

	m->journal.open = false;
	if (readable)
		return on_syslog(m, &l);
	m->counts.malformed++;
	return 0;
}

static size_t keep(char *buffer, size_t room, struct slice s)
{
	size_t n = slice_cut(s, room).len;

	slice_copy(buffer, s, n);
	return n;
}

/* One "KEY=value" of the journal's export format; a key alone announces binary data. */
static int journal_field(struct maillog *m, struct slice line)
{
	struct slice key = slice_until(line, '=');
	struct slice value = slice_from(line, key.len + 1);

	if (line.len == 0)
		return journal_end(m);
	m->counts.read--;
	if (key.len == line.len)
		m->journal.skip = true;
	else if (slice_is(key, SLICE("__REALTIME_TIMESTAMP")) && value.len > 6 && value.len < 19)
		for (size_t i = 0; i < value.len - 6 && value.at[i] >= '0' && value.at[i] <= '9';
		     i++)
			m->journal.utc_s = m->journal.utc_s * 10 + (value.at[i] - '0');
	else if (slice_is(key, SLICE("_HOSTNAME")))
		m->journal.host_len = keep(m->journal.host, sizeof(m->journal.host), value);
	else if (slice_is(key, SLICE("SYSLOG_IDENTIFIER")))
		m->journal.tag_len = keep(m->journal.tag, sizeof(m->journal.tag), value);
	else if (slice_is(key, SLICE("_PID")) || slice_is(key, SLICE("SYSLOG_PID")))
		m->journal.pid = scan_number(value);
	else if (slice_is(key, SLICE("MESSAGE")))
		m->journal.text_len = keep(m->decode, sizeof(m->decode), value);
	return 0;
}

static bool journal_begins(struct maillog *m, struct slice line)
{
	if (!slice_starts(line, SLICE("__CURSOR=")))
		return false;
	memset(&m->journal, 0, sizeof(m->journal));
	m->journal.open = true;
	m->counts.read--;
	return true;
}

/* What has no syslog head. */
static int on_other(struct maillog *m, struct slice line)
{
	if (slice_trim(line).len == 0) {
		m->counts.ignored++;
		return 0;
	}
	if (line.at[0] == '_' && journal_begins(m, line))
		return 0;
	if (line.at[0] == '{')
		return on_json(m, line);
	if (slice_starts(line, SLICE("report|")))
		return on_report(m, line);
	if (mail_table_header(&m->table, line)) {
		m->counts.ignored++;
		return 0;
	}
	if (m->table.kind == TABLE_NONE && !mail_table_guess(&m->table, line))
		return on_own_file(m, line);
	return on_table(m, line);
}

int maillog_line(struct maillog *m, struct slice line)
{
	struct mail_line l;

	m->counts.read++;
	if (m->journal.open)
		return journal_field(m, line);
	if (m->table.kind == TABLE_NONE && mail_line_read(&m->clock, line, &l))
		return on_syslog(m, &l);
	return on_other(m, line);
}

void maillog_overlong(struct maillog *m)
{
	m->counts.read++;
	m->counts.malformed++;
}

int maillog_end(struct maillog *m)
{
	int r = 0;

	if (m->journal.open) {
		m->counts.read++;
		r = journal_end(m);
	}
	for (size_t i = 0; r == 0 && i < m->open_room; i++) {
		struct open *o = &m->open[i];
		if (!o->id)
			continue;
		m->counts.originless += (o->flags & OPEN_SUSPECT) && !(o->flags & OPEN_ORIGIN);
		if (o->waiting)
			r = settle(m, o->waiting);
	}
	for (size_t i = 0; i < m->open_room; i++) {
		free(m->open[i].waiting);
		free(m->open[i].user);
	}
	free(m->open);
	m->open = NULL;
	m->open_room = m->open_count = 0;
	m->first = m->last = NULL;
	return r;
}
