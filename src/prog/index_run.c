/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/index_run.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mono.h"
#include "base/text.h"
#include "classify/keyset.h"
#include "observe/mailfile.h"

#define WORKERS_MAX    64
#define BASE_BYTES_MAX (2L * 1024 * 1024 * 1024)
#define FUTURE_S       (26 * 3600) /* a clock may be wrong, and its zone east of ours */

/* A local sender from dynamic space: judged when all logins are known. */
struct suspect {
	uint64_t user, place, key; /* place: hash of the client's address, a /64 of IPv6 */
	int64_t day;
};

/* A submission told on by a front: counted only if no front's log was read. */
struct forwarded {
	uint64_t user, key, at_front, source;
	int64_t day;
	enum place place;
	enum channel channel;
};

/* How far all workers are, for the person who waits. */
struct progress {
	_Atomic uint64_t done;
	_Atomic int64_t drawn_ns;
	uint64_t total; /* bytes of all files as they lie; 0: not known */
};

struct worker {
	pthread_t thread;
	const struct index_run_options *o;
	atomic_int *next;
	bool *done; /* files read before */
	struct progress *progress;
	struct index_run *run;
	struct suspect *suspects;
	size_t suspects_count, suspects_room;
	struct forwarded *forwards;
	size_t forwards_count, forwards_room;
	const struct keyset *fronts_first; /* of the fronts' own logs, which were read before */
	struct keyset fronts; /* ids that messages counted at a front have behind it, and day */
	struct keyset logins; /* hash of account, address and day */
	int error;
	struct why why;
};

/* One account, canonical and hashed; false when the name is none. */
static bool account_of(const struct mailsite *site, struct slice name, uint64_t *ret)
{
	char text[ACCOUNT_MAX];
	size_t n = account_canonical(site->accounts, name, text);

	if (!n)
		return false;
	*ret = account_hash(site->key, (struct slice){ text, n });
	return true;
}

/* A client's address as far as it belongs to one line: IPv6 by its /64. */
static uint64_t place_hash(struct slice client)
{
	char text[ADDR_TEXT_MAX];
	struct addr a;

	if (client.len >= sizeof(text))
		return 0;
	memcpy(text, client.at, client.len);
	text[client.len] = '\0';
	if (!addr_parse(text, &a))
		return 0;
	uint64_t high = (uint64_t)(a.bits >> 64),
		 low = a.family == FAMILY_V4 ? (uint64_t)a.bits : 0;
	return hash_fold(high ^ 0xa0761d6478bd642fULL, low ^ 0xe7037ed1a0b428dbULL);
}

static uint64_t login_hash(uint64_t user, uint64_t place, int64_t day)
{
	return hash_fold(user ^ place, (uint64_t)day ^ 0x8ebc6af09c88c6e3ULL);
}

static int suspect_add(struct worker *w, const struct submission *s, uint64_t user)
{
	if (w->suspects_count == w->suspects_room) {
		size_t room = w->suspects_room ? w->suspects_room * 2 : 256;
		struct suspect *list = realloc(w->suspects, room * sizeof(*list));
		if (!list)
			return -ENOMEM;
		w->suspects = list;
		w->suspects_room = room;
	}
	w->suspects[w->suspects_count++] = (struct suspect){
		.user = user,
		.place = place_hash(s->client),
		.key = s->key,
		.day = s->at / STAMP_DAY_S,
	};
	return 0;
}

static uint64_t front_hash(uint64_t at_front, int64_t day)
{
	return hash_fold(at_front, (uint64_t)day ^ 0x589965cc75374cc3ULL);
}

/* A front counted the message that its server knows by `id`, that day or one beside it. */
static bool at_front(const struct keyset *fronts, uint64_t id, int64_t day)
{
	return keyset_has(fronts, front_hash(id, day)) ||
	       keyset_has(fronts, front_hash(id, day - 1)) ||
	       keyset_has(fronts, front_hash(id, day + 1));
}

static int bucket_of(struct index *x, enum place place, enum channel channel, uint64_t source,
		     unsigned *ret)
{
	*ret = place == PLACE_CHANNEL ? channel : CHANNEL_UNCLASSIFIED;
	if (place != PLACE_PLAIN)
		return 0;
	int r = index_source(x, source, ret);
	return r == -ENOSPC ? 0 : r; /* too many sources: nobody knows, then */
}

static int forwarded_add(struct worker *w, const struct submission *s, uint64_t user)
{
	if (w->forwards_count == w->forwards_room) {
		size_t room = w->forwards_room ? w->forwards_room * 2 : 256;
		struct forwarded *list = realloc(w->forwards, room * sizeof(*list));
		if (!list)
			return -ENOMEM;
		w->forwards = list;
		w->forwards_room = room;
	}
	w->forwards[w->forwards_count++] = (struct forwarded){
		.user = user,
		.key = s->key,
		.at_front = s->id,
		.source = s->source,
		.day = s->at / STAMP_DAY_S,
		.place = s->place,
		.channel = s->channel,
	};
	return 0;
}

static int straggler_of(struct worker *w, const struct submission *s, uint64_t user,
			uint32_t messages)
{
	char name[ACCOUNT_MAX];
	size_t n = account_canonical(w->o->site->accounts, s->user, name);

	return stragglers_note(w->run->stragglers, user, (struct slice){ name, n }, s->at, messages,
			       s->client, s->hint);
}

static int on_submission(void *ctx, const struct submission *s)
{
	struct worker *w = ctx;
	unsigned bucket;
	uint64_t user;

	if (!account_of(w->o->site, s->user, &user)) {
		w->run->invalid_users++;
		return 0;
	}
	if (s->tier == TIER_DYNAMIC)
		return suspect_add(w, s, user);
	if (s->forwarded)
		return forwarded_add(w, s, user);
	if (!s->front && keyset_size(w->fronts_first) &&
	    at_front(w->fronts_first, s->id, s->at / STAMP_DAY_S)) {
		w->run->counts.reinjected++;
		return 0;
	}
	int r = bucket_of(w->run->index, s->place, s->channel, s->source, &bucket);
	if (r < 0)
		return r;
	uint32_t fresh = 0; /* a copy of a line is no message */
	for (uint32_t i = 0; r >= 0 && i < s->count; i++) {
		r = index_note(w->run->index, user, s->at / STAMP_DAY_S, bucket, s->key + i);
		fresh += r > 0;
	}
	if (r < 0 || !fresh || (bucket != CHANNEL_LEGACY25 && bucket < CHANNEL_COUNT_))
		return r < 0 ? r : 0;
	w->run->tiers[s->tier] += fresh;
	return w->run->stragglers ? straggler_of(w, s, user, fresh) : 0;
}

static int on_tagged(void *ctx, uint64_t source, int64_t day)
{
	struct worker *w = ctx;
	int r = index_source_tagged(w->run->index, source, day);

	return r == -ENOSPC ? 0 : r;
}

static int on_login(void *ctx, int64_t at, struct slice name, struct slice client)
{
	struct worker *w = ctx;
	uint64_t user;

	if (!w->o->site->dynamic.count || !account_of(w->o->site, name, &user))
		return 0;
	int r = keyset_add(&w->logins, login_hash(user, place_hash(client), at / STAMP_DAY_S));
	return r < 0 ? r : 0;
}

static int on_forwarded(void *ctx, int64_t at, uint64_t at_front)
{
	struct worker *w = ctx;
	int r = keyset_add(&w->fronts, front_hash(at_front, at / STAMP_DAY_S));

	return r < 0 ? r : 0;
}

static void unexplained_add(struct index_run *run, const char *name, uint64_t count)
{
	unsigned i = 0;

	while (i < run->unexplained_count && strcmp(run->unexplained[i].name, name) != 0)
		i++;
	if (i == INDEX_UNEXPLAINED_MAX)
		return;
	if (i == run->unexplained_count) {
		snprintf(run->unexplained[i].name, sizeof(run->unexplained[i].name), "%s", name);
		run->unexplained_count++;
	}
	run->unexplained[i].count += count;
}

static void on_unexplained(void *ctx, struct slice name)
{
	struct worker *w = ctx;
	char text[sizeof(w->run->unexplained[0].name)];
	size_t n = 0;

	for (; n < name.len && n + 1 < sizeof(text); n++)
		text[n] = name.at[n] >= 0x20 && name.at[n] < 0x7f ? name.at[n] : '?';
	text[n] = '\0';
	unexplained_add(w->run, text, 1);
}

struct reading {
	struct worker *worker;
	struct maillog *log;
};

static int line(void *ctx, struct slice s)
{
	return maillog_line(((struct reading *)ctx)->log, s);
}

static void overlong(void *ctx)
{
	maillog_overlong(((struct reading *)ctx)->log);
}

static void draw(struct worker *w, uint64_t bytes);

static void progressed(void *ctx, uint64_t bytes)
{
	draw(((struct reading *)ctx)->worker, bytes);
}

/* Local time minus UTC at an instant, by the zone of the environment. */
static int32_t zone_offset(int64_t utc_s)
{
	time_t t = utc_s;
	struct tm tm;

	return localtime_r(&t, &tm) ? (int32_t)tm.tm_gmtoff : 0;
}

static struct stamp_clock clock_for(const struct index_run_options *o, const char *path)
{
	int64_t newest = mailfile_time(path, o->now) + FUTURE_S;
	struct stamp_clock c = { .newest = newest + zone_offset(newest) };

	if (o->site->timezone)
		c.offset = zone_offset;
	if (o->year) /* the first stamp is then the latest that is not after that year's end */
		c.newest = stamp_days(o->year + 1, 1, 1) * STAMP_DAY_S - 1;
	return c;
}

static void counts_add(struct maillog_counts *to, const struct maillog_counts *c)
{
	const uint64_t *from = (const uint64_t *)c;
	uint64_t *into = (uint64_t *)to;

	_Static_assert(sizeof(*c) % sizeof(uint64_t) == 0, "all counts are uint64_t");
	for (size_t i = 0; i < sizeof(*c) / sizeof(uint64_t); i++)
		into[i] += from[i];
}

/* Whichever worker comes by after a tenth of a second draws the bar. */
static void draw(struct worker *w, uint64_t bytes)
{
	struct progress *p = w->progress;
	uint64_t done = atomic_fetch_add(&p->done, bytes) + bytes;
	int64_t now = mono_now().ns, last = atomic_load(&p->drawn_ns);

	if (!p->total || now - last < 100000000 ||
	    !atomic_compare_exchange_strong(&p->drawn_ns, &last, now))
		return;
	unsigned percent = (unsigned)(done >= p->total ? 100 : done * 100 / p->total);
	static const char bar[] = "########################################";
	fprintf(stderr, "\r[%-40.*s] %3u %%  %llu MB", (int)(percent * 40 / 100), bar, percent,
		(unsigned long long)(done / 1000000));
}

static int work_file(struct worker *w, const char *path)
{
	const struct maillog_sink sink = { w,        on_submission, on_tagged,
					   on_login, on_forwarded,  on_unexplained };
	own(maillog) struct maillog *m = NULL;
	int r = maillog_new(w->o->site, &sink, clock_for(w->o, path), w->o->span, &m);

	if (r < 0)
		return r;
	struct reading reading = { w, m };
	const struct mailfile_reader reader = { &reading, line, overlong,
						w->o->progress ? progressed : NULL };
	r = mailfile_read(path, &reader, &w->why);
	if (r == 0)
		r = maillog_end(m);
	counts_add(&w->run->counts, maillog_counts(m));
	w->run->files++;
	return r;
}

static int first_line(void *ctx, struct slice s)
{
	*(bool *)ctx = s.len > 24 && s.at[0] == '[' && slice_after(s, SLICE("]; Message ")).at;
	return s.len ? -ECANCELED : 0;
}

static void no_line(void *ctx)
{
	(void)ctx;
}

/* The log of a webmail that says what its server called each message: it is read first. */
static bool is_front(const char *path)
{
	bool front = false;
	const struct mailfile_reader reader = { &front, first_line, no_line, NULL };

	if (strcmp(path, "-") != 0)
		mailfile_read(path, &reader, NULL);
	return front;
}

/* Read the fronts' logs, in order; their places in `done` are marked. */
static int work_fronts(struct worker *w, bool *done)
{
	int r = 0;

	for (int i = 0; r == 0 && i < w->o->paths_count; i++) {
		done[i] = is_front(w->o->paths[i]);
		if (done[i])
			r = work_file(w, w->o->paths[i]);
	}
	return r;
}

static void *work(void *ctx)
{
	struct worker *w = ctx;

	while (w->error == 0) {
		int i = atomic_fetch_add(w->next, 1);
		if (i >= w->o->paths_count)
			break;
		if (!w->done[i])
			w->error = work_file(w, w->o->paths[i]);
		if (w->error < 0 && !w->why.code)
			why_set(&w->why, w->error, "%s: %s", w->o->paths[i], strerror(-w->error));
	}
	return NULL;
}

void index_run_free(struct index_run *r)
{
	if (!r)
		return;
	index_free(r->index);
	stragglers_free(r->stragglers);
	free(r);
}

static int run_new(const struct index_run_options *o, struct index_run **ret)
{
	own(index_run) struct index_run *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	int e = index_new(&r->index);
	if (e == 0 && o->names)
		e = stragglers_new(&r->stragglers);
	if (e < 0)
		return e;
	*ret = take(r);
	return 0;
}

static int run_merge(struct index_run *into, const struct index_run *from)
{
	counts_add(&into->counts, &from->counts);
	into->files += from->files;
	into->bytes += from->bytes;
	into->invalid_users += from->invalid_users;
	for (int t = 0; t < TIER_COUNT_; t++)
		into->tiers[t] += from->tiers[t];
	for (unsigned i = 0; i < from->unexplained_count; i++)
		unexplained_add(into, from->unexplained[i].name, from->unexplained[i].count);
	int r = from->stragglers ? stragglers_merge(into->stragglers, from->stragglers) : 0;
	return r < 0 ? r : index_merge(into->index, from->index);
}

/* S3+: the account read its mail from there the day before, that day or the day after. */
static int judge(struct index_run *run, const struct suspect *s, const struct keyset *logins)
{
	bool seen = false;

	for (int64_t d = s->day - 1; !seen && d <= s->day + 1; d++)
		seen = keyset_has(logins, login_hash(s->user, s->place, d));
	run->tiers[seen ? TIER_CORROBORATED : TIER_DYNAMIC]++;
	int r = index_note(run->index, s->user, s->day,
			   seen ? CHANNEL_LEGACY25 : CHANNEL_UNCLASSIFIED, s->key);
	return r < 0 ? r : 0;
}

static int judge_forwarded(struct index_run *run, const struct forwarded *f,
			   const struct keyset *fronts)
{
	if (at_front(fronts, f->at_front, f->day)) {
		run->counts.reinjected++;
		return 0;
	}
	unsigned bucket;
	int r = bucket_of(run->index, f->place, f->channel, f->source, &bucket);
	if (r == 0)
		r = index_note(run->index, f->user, f->day, bucket, f->key);
	return r < 0 ? r : 0;
}

static int workers_join(struct worker *w, int count, struct index_run *run, struct why *why)
{
	struct keyset logins = { 0 }, fronts = { 0 };
	int r = 0;

	for (int i = 0; i < count; i++) {
		if (w[i].error < 0 && r == 0) {
			r = w[i].error;
			if (why)
				*why = w[i].why;
		}
		if (r == 0 && w[i].run != run)
			r = run_merge(run, w[i].run);
		if (r == 0)
			r = keyset_merge(&logins, &w[i].logins);
		if (r == 0)
			r = keyset_merge(&fronts, &w[i].fronts);
	}
	for (int i = 0; i < count; i++)
		for (size_t k = 0; r == 0 && k < w[i].suspects_count; k++)
			r = judge(run, &w[i].suspects[k], &logins);
	for (int i = 0; i < count; i++)
		for (size_t k = 0; r == 0 && k < w[i].forwards_count; k++)
			r = judge_forwarded(run, &w[i].forwards[k], &fronts);
	keyset_done(&fronts);
	keyset_done(&logins);
	return r;
}

/* 0 when standard input is among them. */
static uint64_t total_bytes(const struct index_run_options *o)
{
	uint64_t total = 0;
	struct stat st;

	for (int i = 0; i < o->paths_count; i++) {
		if (strcmp(o->paths[i], "-") == 0)
			return 0;
		if (stat(o->paths[i], &st) == 0)
			total += (uint64_t)st.st_size;
	}
	return total;
}

static int workers_run(const struct index_run_options *o, struct index_run *run, int count,
		       struct why *why)
{
	struct worker w[WORKERS_MAX] = { 0 };
	atomic_int next = 0;
	struct progress progress = { .total = total_bytes(o) };
	own_mem bool *done = calloc((size_t)o->paths_count + 1, sizeof(*done));
	struct worker first = {
		.o = o, .run = run, .progress = &progress, .fronts_first = &first.fronts
	};
	int r = done ? work_fronts(&first, done) : -ENOMEM, started = 0;

	if (r < 0 && why)
		*why = first.why;
	for (int i = 0; r == 0 && i < count; i++) {
		w[i].o = o;
		w[i].done = done;
		w[i].fronts_first = &first.fronts;
		w[i].next = &next;
		w[i].progress = &progress;
		w[i].run = run;
		if (i > 0)
			r = run_new(o, &w[i].run);
		if (r == 0 && i > 0)
			r = -pthread_create(&w[i].thread, NULL, work, &w[i]);
		if (r == 0)
			started++;
		else if (i > 0)
			index_run_free(w[i].run);
	}
	if (started > 0)
		work(&w[0]);
	for (int i = 1; i < started; i++)
		pthread_join(w[i].thread, NULL);
	if (o->progress && atomic_load(&progress.drawn_ns))
		fprintf(stderr, "\r%60s\r", ""); /* the bar goes, the figures come */
	if (r == 0)
		r = keyset_merge(&w[0].fronts, &first.fronts);
	if (r == 0)
		r = workers_join(w, started, run, why);
	keyset_done(&first.fronts);
	keyset_done(&first.logins);
	free(first.suspects);
	free(first.forwards);
	for (int i = 0; i < started; i++) {
		free(w[i].suspects);
		free(w[i].forwards);
		keyset_done(&w[i].fronts);
		keyset_done(&w[i].logins);
		if (i > 0)
			index_run_free(w[i].run);
	}
	return r;
}

/* One account a line; what stands behind a comma, semicolon or tab is not read. */
static int base_load(const struct index_run_options *o, struct index_run *run, struct why *why)
{
	own(text) struct text *t = NULL;
	unsigned number = 0;
	int r = text_read(o->base, BASE_BYTES_MAX, &t);

	if (r < 0)
		return why_set(why, r, "%s: %s", o->base, strerror(-r));
	struct slice rest = { t->bytes, t->len };
	while (r == 0 && rest.len) {
		struct slice row = slice_until(rest, '\n');
		rest = slice_from(rest, row.len + 1);
		number++;
		row = slice_trim(slice_until(slice_until(slice_until(row, ','), ';'), '\t'));
		if (!row.len || row.at[0] == '#')
			continue;
		uint64_t user;
		if (!account_of(o->site, row, &user))
			return why_set(why, -EINVAL, "%s: line %u: no account name", o->base,
				       number);
		r = index_base_add(run->index, user);
	}
	return r;
}

int index_run(const struct index_run_options *o, struct index_run **ret, struct why *why)
{
	own(index_run) struct index_run *run = NULL;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int count = o->workers ? o->workers : (int)(cores < 1 ? 1 : cores);
	int r = run_new(o, &run);

	if (r < 0)
		return r;
	if (count > o->paths_count)
		count = o->paths_count;
	if (count > WORKERS_MAX)
		count = WORKERS_MAX;
	if (o->base)
		r = base_load(o, run, why);
	if (r == 0)
		r = workers_run(o, run, count, why);
	if (r < 0)
		return why && !why->code ? why_set(why, r, "%s", strerror(-r)) : r;
	*ret = take(run);
	return 0;
}

struct index_window index_run_window(const struct index_run *r, struct maillog_span span,
				     const struct mailsite *site)
{
	struct index_window w = { 0, 0, site->quiet_days };
	int64_t first = 0, last = 0;
	bool any = index_days(r->index, &first, &last);

	w.to = span.to != INT64_MAX ? span.to : any ? last : span.from;
	if (span.from != INT64_MIN)
		w.from = span.from;
	else if (any && first > w.to - site->window_days)
		w.from = first < w.to ? first : w.to;
	else
		w.from = w.to - site->window_days + 1;
	return w;
}
