/* SPDX-License-Identifier: BSD-2-Clause */
#include "classify/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify/keyset.h"

#define BLOCK_USERS 8192
#define BLOCK_WORDS (BLOCK_USERS / 16) /* 16 nibbles to a word */
#define LOW_BITS    0x1111111111111111ULL
#define GROUP_BITS  4
#define BUCKETS_MAX (CHANNEL_COUNT_ + INDEX_SOURCES_MAX)
#define GROUPS_MAX  ((BUCKETS_MAX + GROUP_BITS - 1) / GROUP_BITS)
#define NO_USER     UINT32_MAX
#define NEVER       INT64_MAX

/* A nibble per user, in blocks that exist when one of their users does something. */
struct plane {
	uint64_t **block;
	uint32_t blocks;
};

struct day {
	int64_t day;
	struct plane group[GROUPS_MAX]; /* bucket b is bit b % 4 of group b / 4 */
	struct keyset messages[BUCKETS_MAX];
};

struct source {
	uint64_t name;
	int64_t tagged_since; /* first day with a tag for 587 or 465 */
};

struct index {
	uint64_t *user; /* hash of user i */
	uint32_t users, users_room;
	uint32_t *table; /* hash → i + 1; 0: free */
	size_t table_room;

	struct day **day; /* ascending */
	unsigned days, last_used;

	struct source source[INDEX_SOURCES_MAX];
	unsigned sources;

	struct plane base; /* bit 0: on the provider's list */
	uint64_t base_count;
	bool base_given;
};

int index_new(struct index **ret)
{
	struct index *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	*ret = x;
	return 0;
}

static void plane_done(struct plane *p)
{
	for (uint32_t i = 0; i < p->blocks; i++)
		free(p->block[i]);
	free(p->block);
}

static void day_free(struct day *d)
{
	for (unsigned g = 0; g < GROUPS_MAX; g++)
		plane_done(&d->group[g]);
	for (unsigned b = 0; b < BUCKETS_MAX; b++)
		keyset_done(&d->messages[b]);
	free(d);
}

void index_free(struct index *x)
{
	if (!x)
		return;
	for (unsigned i = 0; i < x->days; i++)
		day_free(x->day[i]);
	plane_done(&x->base);
	free(x->day);
	free(x->user);
	free(x->table);
	free(x);
}

/* Users */

static size_t user_slot(const struct index *x, const uint32_t *table, size_t room, uint64_t hash)
{
	size_t i = (size_t)(hash >> 20) & (room - 1);

	while (table[i] && x->user[table[i] - 1] != hash)
		i = (i + 1) & (room - 1);
	return i;
}

static int users_room(struct index *x)
{
	if (x->users == x->users_room) {
		uint32_t room = x->users_room ? x->users_room + x->users_room / 2 : 1024;
		uint64_t *user = realloc(x->user, room * sizeof(*user));
		if (!user)
			return -ENOMEM;
		x->user = user;
		x->users_room = room;
	}
	if ((x->users + 1ULL) * 4 <= x->table_room * 3)
		return 0;

	size_t room = x->table_room ? x->table_room * 2 : 2048;
	uint32_t *table = calloc(room, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (uint32_t i = 0; i < x->users; i++)
		table[user_slot(x, table, room, x->user[i])] = i + 1;
	free(x->table);
	x->table = table;
	x->table_room = room;
	return 0;
}

static uint32_t user_find(const struct index *x, uint64_t hash)
{
	return x->table_room ? x->table[user_slot(x, x->table, x->table_room, hash)] - 1 : NO_USER;
}

static int user_add(struct index *x, uint64_t hash, uint32_t *ret)
{
	uint32_t i = user_find(x, hash);

	if (i == NO_USER) {
		if (x->users >= INDEX_USERS_MAX)
			return -ENOSPC;
		int r = users_room(x);
		if (r < 0)
			return r;
		i = x->users++;
		x->user[i] = hash;
		x->table[user_slot(x, x->table, x->table_room, hash)] = i + 1;
	}
	*ret = i;
	return 0;
}

/* Planes */

static int plane_block(struct plane *p, uint32_t b, uint64_t **ret)
{
	if (b >= p->blocks) {
		uint32_t blocks = b + 1 > p->blocks * 2 ? b + 1 : p->blocks * 2;
		uint64_t **block = realloc(p->block, blocks * sizeof(*block));
		if (!block)
			return -ENOMEM;
		memset(block + p->blocks, 0, (blocks - p->blocks) * sizeof(*block));
		p->block = block;
		p->blocks = blocks;
	}
	if (!p->block[b]) {
		p->block[b] = calloc(BLOCK_WORDS, sizeof(uint64_t));
		if (!p->block[b])
			return -ENOMEM;
	}
	*ret = p->block[b];
	return 0;
}

static int plane_or(struct plane *p, uint32_t user, unsigned nibble)
{
	uint64_t *block;
	int r = plane_block(p, user / BLOCK_USERS, &block);

	if (r < 0)
		return r;
	user %= BLOCK_USERS;
	block[user / 16] |= (uint64_t)nibble << (user % 16 * 4);
	return 0;
}

static inline const uint64_t *plane_look(const struct plane *p, uint32_t b)
{
	return b < p->blocks ? p->block[b] : NULL;
}

static unsigned plane_get(const struct plane *p, uint32_t user)
{
	const uint64_t *block = plane_look(p, user / BLOCK_USERS);

	user %= BLOCK_USERS;
	return block ? (unsigned)(block[user / 16] >> (user % 16 * 4)) & 0xf : 0;
}

/* Days */

static unsigned day_place(const struct index *x, int64_t day)
{
	unsigned low = 0, high = x->days;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		if (x->day[mid]->day < day)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int day_get(struct index *x, int64_t day, struct day **ret)
{
	if (x->last_used < x->days && x->day[x->last_used]->day == day) {
		*ret = x->day[x->last_used];
		return 0;
	}
	unsigned i = day_place(x, day);
	if (i == x->days || x->day[i]->day != day) {
		if (x->days >= INDEX_DAYS_MAX)
			return -ENOSPC;
		struct day **list = realloc(x->day, (x->days + 1) * sizeof(*list));
		if (!list)
			return -ENOMEM;
		x->day = list;
		struct day *d = calloc(1, sizeof(*d));
		if (!d)
			return -ENOMEM;
		d->day = day;
		memmove(list + i + 1, list + i, (x->days - i) * sizeof(*list));
		list[i] = d;
		x->days++;
	}
	x->last_used = i;
	*ret = x->day[i];
	return 0;
}

bool index_days(const struct index *x, int64_t *first, int64_t *last)
{
	if (!x->days)
		return false;
	*first = x->day[0]->day;
	*last = x->day[x->days - 1]->day;
	return true;
}

/* Sources */

int index_source(struct index *x, uint64_t name, unsigned *ret_bucket)
{
	unsigned i = 0;

	while (i < x->sources && x->source[i].name != name)
		i++;
	if (i == x->sources) {
		if (i == INDEX_SOURCES_MAX)
			return -ENOSPC;
		x->source[x->sources++] = (struct source){ .name = name, .tagged_since = NEVER };
	}
	*ret_bucket = CHANNEL_COUNT_ + i;
	return 0;
}

int index_source_tagged(struct index *x, uint64_t name, int64_t day)
{
	unsigned bucket;
	int r = index_source(x, name, &bucket);

	if (r < 0)
		return r;
	struct source *s = &x->source[bucket - CHANNEL_COUNT_];
	if (day < s->tagged_since)
		s->tagged_since = day;
	return 0;
}

/* What a bucket means on a day. */
static enum channel bucket_channel(const struct index *x, unsigned bucket, int64_t day)
{
	if (bucket < CHANNEL_COUNT_)
		return (enum channel)bucket;
	return day >= x->source[bucket - CHANNEL_COUNT_].tagged_since ? CHANNEL_LEGACY25
								      : CHANNEL_UNCLASSIFIED;
}

/* Counting */

int index_note(struct index *x, uint64_t user, int64_t day, unsigned bucket, uint64_t key)
{
	struct day *d;
	uint32_t i;
	int r = user_add(x, user, &i);

	if (r < 0)
		return r;
	r = day_get(x, day, &d);
	if (r < 0)
		return r;
	r = plane_or(&d->group[bucket / GROUP_BITS], i, 1U << bucket % GROUP_BITS);
	if (r < 0)
		return r;
	return keyset_add(&d->messages[bucket], key);
}

int index_base_add(struct index *x, uint64_t user)
{
	uint32_t i;
	int r = user_add(x, user, &i);

	if (r < 0)
		return r;
	x->base_given = true;
	if (plane_get(&x->base, i))
		return 0;
	r = plane_or(&x->base, i, 1);
	if (r == 0)
		x->base_count++;
	return r;
}

static int merge_plane(struct plane *into, const struct plane *from, const uint32_t *id,
		       unsigned from_bit, unsigned into_bit)
{
	for (uint32_t b = 0; b < from->blocks; b++) {
		const uint64_t *block = from->block[b];
		for (uint32_t w = 0; block && w < BLOCK_WORDS; w++) {
			uint64_t bits = (block[w] >> from_bit) & LOW_BITS;
			for (; bits; bits &= bits - 1) {
				uint32_t u =
				    b * BLOCK_USERS + w * 16 + (uint32_t)__builtin_ctzll(bits) / 4;
				int r = plane_or(into, id[u], 1U << into_bit);
				if (r < 0)
					return r;
			}
		}
	}
	return 0;
}

static int merge_day(struct index *into, const struct index *from, const struct day *f,
		     const uint32_t *id, const unsigned *bucket)
{
	struct day *d;
	int r = day_get(into, f->day, &d);

	for (unsigned b = 0; r == 0 && b < CHANNEL_COUNT_ + from->sources; b++) {
		unsigned to = bucket[b];
		if (!keyset_size(&f->messages[b]))
			continue;
		r = merge_plane(&d->group[to / GROUP_BITS], &f->group[b / GROUP_BITS], id,
				b % GROUP_BITS, to % GROUP_BITS);
		if (r == 0)
			r = keyset_merge(&d->messages[to], &f->messages[b]);
	}
	return r;
}

int index_merge(struct index *into, const struct index *from)
{
	own_mem uint32_t *id = malloc((from->users + 1ULL) * sizeof(*id));
	unsigned bucket[BUCKETS_MAX];
	int r = id ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < from->users; i++)
		r = user_add(into, from->user[i], &id[i]);
	for (unsigned b = 0; b < CHANNEL_COUNT_; b++)
		bucket[b] = b;
	for (unsigned s = 0; r == 0 && s < from->sources; s++) {
		r = index_source(into, from->source[s].name, &bucket[CHANNEL_COUNT_ + s]);
		if (r == 0)
			r = index_source_tagged(into, from->source[s].name,
						from->source[s].tagged_since);
	}
	for (unsigned i = 0; r == 0 && i < from->days; i++)
		r = merge_day(into, from, from->day[i], id, bucket);
	for (uint32_t i = 0; r == 0 && i < from->users; i++)
		if (plane_get(&from->base, i))
			r = index_base_add(into, from->user[i]);
	return r;
}

/* Asking: sixteen accounts at a time, one bit of a word's nibbles each */

struct sixteen {
	uint64_t used[CHANNEL_COUNT_];
	uint64_t after, after_worst;   /* sent another way since 25 was last used */
	uint64_t recent, recent_worst; /* used 25 within the quiet days */
};

/* The day's use per channel of word `w` of block `b`. */
static inline void day_word(const struct index *x, const struct day *d, uint32_t b, uint32_t w,
			    uint64_t ret[static CHANNEL_COUNT_])
{
	unsigned buckets = CHANNEL_COUNT_ + x->sources;

	memset(ret, 0, CHANNEL_COUNT_ * sizeof(*ret));
	for (unsigned g = 0; g * GROUP_BITS < buckets; g++) {
		const uint64_t *block = plane_look(&d->group[g], b);
		if (!block || !block[w])
			continue;
		for (unsigned i = 0; i < GROUP_BITS && g * GROUP_BITS + i < buckets; i++)
			ret[bucket_channel(x, g * GROUP_BITS + i, d->day)] |=
			    (block[w] >> i) & LOW_BITS;
	}
}

static inline void day_apply(struct sixteen *s, const uint64_t use[static CHANNEL_COUNT_],
			     bool recent)
{
	uint64_t legacy = use[CHANNEL_LEGACY25];
	uint64_t worst = legacy | use[CHANNEL_UNCLASSIFIED];
	uint64_t other =
	    use[CHANNEL_587] | use[CHANNEL_465] | use[CHANNEL_WEBMAIL] | use[CHANNEL_OTHER];

	for (int c = 0; c < CHANNEL_COUNT_; c++)
		s->used[c] |= use[c];
	s->after = (s->after | other) & ~legacy;
	s->after_worst = (s->after_worst | other) & ~worst;
	if (recent) {
		s->recent |= legacy;
		s->recent_worst |= worst;
	}
}

static inline uint64_t count(uint64_t bits)
{
	return (uint64_t)__builtin_popcountll(bits);
}

static void sixteen_count(const struct sixteen *s, uint64_t base, struct index_result *ret)
{
	uint64_t known = 0;

	for (int c = 0; c < CHANNEL_COUNT_; c++) {
		ret->by_channel[c] += count(s->used[c]);
		if (c != CHANNEL_UNCLASSIFIED)
			known |= s->used[c];
	}
	uint64_t active = known | s->used[CHANNEL_UNCLASSIFIED];
	uint64_t migrated = s->after & ~s->recent;
	uint64_t worst = s->after_worst & ~s->recent_worst;
	uint64_t elsewhere = active;

	elsewhere &= s->used[CHANNEL_LEGACY25] | s->used[CHANNEL_587] | s->used[CHANNEL_465] |
		     s->used[CHANNEL_OTHER] | s->used[CHANNEL_UNCLASSIFIED];
	ret->active += count(active);
	ret->known += count(known);
	ret->migrated += count(migrated);
	ret->migrated_worst += count(worst);
	ret->base_active += count(active & base);
	ret->base_migrated += count(migrated & base);
	ret->base_migrated_worst += count(worst & base);
	ret->base_webmail_only += count(active & ~elsewhere & base);
	ret->outside_base += count(active & ~base);
}

static void query_block(const struct index *x, struct index_window win, uint32_t b, unsigned first,
			struct index_result *ret)
{
	const uint64_t *base = plane_look(&x->base, b);
	struct sixteen s[BLOCK_WORDS] = { 0 };

	for (unsigned i = first; i < x->days && x->day[i]->day <= win.to; i++) {
		const struct day *d = x->day[i];
		bool recent = win.quiet_days <= 0 || d->day > win.to - win.quiet_days;
		for (uint32_t w = 0; w < BLOCK_WORDS; w++) {
			uint64_t use[CHANNEL_COUNT_];
			day_word(x, d, b, w, use);
			day_apply(&s[w], use, recent);
		}
	}
	for (uint32_t w = 0; w < BLOCK_WORDS; w++)
		sixteen_count(&s[w], base ? base[w] & LOW_BITS : 0, ret);
}

void index_query(const struct index *x, struct index_window win, struct index_result *ret)
{
	unsigned first = day_place(x, win.from);

	*ret = (struct index_result){ .base_given = x->base_given, .base = x->base_count };
	for (uint32_t b = 0; b * (uint64_t)BLOCK_USERS < x->users; b++)
		query_block(x, win, b, first, ret);
	if (!x->base_given)
		ret->outside_base = 0;
	for (unsigned i = first; i < x->days && x->day[i]->day <= win.to; i++) {
		for (unsigned k = 0; k < CHANNEL_COUNT_ + x->sources; k++) {
			uint64_t n = keyset_size(&x->day[i]->messages[k]);
			ret->messages[bucket_channel(x, k, x->day[i]->day)] += n;
			if (k >= CHANNEL_COUNT_)
				ret->untagged_messages += n;
		}
	}
}

struct index_user index_user(const struct index *x, struct index_window win, uint64_t user)
{
	struct index_user u = { .last25 = INT64_MIN, .last = INT64_MIN };
	struct sixteen s = { 0 };
	uint32_t id = user_find(x, user);

	if (id == NO_USER)
		return u;
	u.known = true;
	u.in_base = plane_get(&x->base, id) != 0;
	uint32_t b = id / BLOCK_USERS, w = id % BLOCK_USERS / 16;
	uint64_t bit = 1ULL << (id % 16 * 4);
	for (unsigned i = day_place(x, win.from); i < x->days && x->day[i]->day <= win.to; i++) {
		int64_t day = x->day[i]->day;
		uint64_t use[CHANNEL_COUNT_];
		day_word(x, x->day[i], b, w, use);
		day_apply(&s, use, win.quiet_days <= 0 || day > win.to - win.quiet_days);
		if (use[CHANNEL_LEGACY25] & bit)
			u.last25 = day;
		for (int c = 0; c < CHANNEL_COUNT_; c++)
			if (use[c] & bit)
				u.last = day;
	}
	for (int c = 0; c < CHANNEL_COUNT_; c++)
		u.channels |= s.used[c] & bit ? 1U << c : 0;
	u.migrated = s.after & ~s.recent & bit;
	return u;
}

size_t index_bytes(const struct index *x)
{
	size_t n =
	    sizeof(*x) + x->users_room * sizeof(*x->user) + x->table_room * sizeof(*x->table);

	for (unsigned i = 0; i < x->days; i++) {
		const struct day *d = x->day[i];
		n += sizeof(*d);
		for (unsigned g = 0; g < GROUPS_MAX; g++)
			for (uint32_t b = 0; b < d->group[g].blocks; b++)
				n += sizeof(uint64_t *) +
				     (d->group[g].block[b] ? BLOCK_WORDS * sizeof(uint64_t) : 0);
		for (unsigned b = 0; b < BUCKETS_MAX; b++)
			n += d->messages[b].room * sizeof(uint64_t);
	}
	return n;
}
