/* SPDX-License-Identifier: BSD-2-Clause */
#include "classify/straggler.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"

#define DAY_S       86400
#define CLOCK_HOURS 18 /* of 24: nobody sits that long at a desk */
#define CLOCK_DAYS  3

struct stragglers {
	struct straggler *slot; /* open addressing by user; name NULL: free */
	size_t room, count;
	const struct straggler **list;
};

int stragglers_new(struct stragglers **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void stragglers_free(struct stragglers *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->room; i++)
		free(s->slot[i].name);
	free(s->slot);
	free(s->list);
	free(s);
}

static struct straggler *slot_of(struct straggler *slot, size_t room, uint64_t user)
{
	size_t i = (size_t)(user >> 16) & (room - 1);

	while (slot[i].name && slot[i].user != user)
		i = (i + 1) & (room - 1);
	return &slot[i];
}

static int make_room(struct stragglers *s)
{
	if ((s->count + 1) * 2 <= s->room)
		return 0;
	size_t room = s->room ? s->room * 2 : 256;
	struct straggler *slot = calloc(room, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	for (size_t i = 0; i < s->room; i++)
		if (s->slot[i].name)
			*slot_of(slot, room, s->slot[i].user) = s->slot[i];
	free(s->slot);
	s->slot = slot;
	s->room = room;
	return 0;
}

static int get(struct stragglers *s, uint64_t user, struct slice name, struct straggler **ret)
{
	int r = make_room(s);

	if (r < 0)
		return r;
	struct straggler *g = slot_of(s->slot, s->room, user);
	if (!g->name) {
		char *copy = strndup(name.at, name.len);
		if (!copy)
			return -ENOMEM;
		*g = (struct straggler){
			.user = user, .name = copy, .first = INT64_MAX, .last = INT64_MIN
		};
		s->count++;
	}
	*ret = g;
	return 0;
}

static void keep(char *ret, size_t room, struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n + 1 < room; i++)
		ret[n++] = isprint((unsigned char)s.at[i]) ? s.at[i] : '?';
	ret[n] = '\0';
}

static void client_add(struct straggler *g, uint32_t hash)
{
	unsigned known = g->clients < STRAGGLER_CLIENTS_MAX ? g->clients : STRAGGLER_CLIENTS_MAX;

	for (unsigned i = 0; i < known; i++)
		if (g->client_hash[i] == hash)
			return;
	if (known < STRAGGLER_CLIENTS_MAX)
		g->client_hash[known] = hash;
	if (g->clients <= STRAGGLER_CLIENTS_MAX)
		g->clients++;
}

int stragglers_note(struct stragglers *s, uint64_t user, struct slice name, int64_t at,
		    uint32_t messages, struct slice client, struct slice hint)
{
	struct straggler *g;
	int r = get(s, user, name, &g);

	if (r < 0)
		return r;
	g->messages += messages;
	g->hours |= 1U << (((at % DAY_S + DAY_S) % DAY_S) / 3600);
	g->days += g->last == INT64_MIN || at / DAY_S != g->last / DAY_S;
	if (at < g->first)
		g->first = at;
	if (client.len)
		client_add(g, (uint32_t)hash_bytes(client.at, client.len, 1));
	if (at < g->last)
		return 0;
	g->last = at;
	if (client.len)
		keep(g->client, sizeof(g->client), client);
	if (hint.len)
		keep(g->hint, sizeof(g->hint), hint);
	return 0;
}

static void add(struct straggler *into, const struct straggler *from)
{
	into->messages += from->messages;
	into->hours |= from->hours;
	into->days += from->days;
	if (from->first < into->first)
		into->first = from->first;
	for (unsigned i = 0; i < from->clients && i < STRAGGLER_CLIENTS_MAX; i++)
		client_add(into, from->client_hash[i]);
	if (from->last > into->last) {
		into->last = from->last;
		memcpy(into->client, from->client, sizeof(into->client));
		if (from->hint[0])
			memcpy(into->hint, from->hint, sizeof(into->hint));
	}
}

int stragglers_merge(struct stragglers *into, const struct stragglers *from)
{
	for (size_t i = 0; i < from->room; i++) {
		const struct straggler *f = &from->slot[i];
		struct straggler *g;
		int r = f->name ? get(into, f->user, slice_of(f->name), &g) : 0;

		if (r < 0)
			return r;
		if (f->name)
			add(g, f);
	}
	return 0;
}

static int recent_first(const void *a, const void *b)
{
	const struct straggler *s = *(const struct straggler *const *)a;
	const struct straggler *t = *(const struct straggler *const *)b;

	if (s->last != t->last)
		return s->last > t->last ? -1 : 1;
	return strcmp(s->name, t->name);
}

const struct straggler *const *stragglers_list(struct stragglers *s, size_t *ret_count)
{
	size_t n = 0;

	free(s->list);
	s->list = calloc(s->count + 1, sizeof(*s->list));
	for (size_t i = 0; s->list && i < s->room; i++)
		if (s->slot[i].name)
			s->list[n++] = &s->slot[i];
	if (s->list)
		qsort(s->list, n, sizeof(*s->list), recent_first);
	*ret_count = n;
	return s->list;
}

/* How clients name themselves in HELO: what makers put there, and what programs do. */
static const struct {
	const char *start, *program;
} names[] = {
	{ "BRN", "printer" },      { "BRW", "printer" },      { "EPSON", "printer" },
	{ "HP", "printer" },       { "NPI", "printer" },      { "KM", "printer" },
	{ "RNP", "printer" },      { "XRX", "printer" },      { "Canon", "printer" },
	{ "SEC", "printer" },      { "MFP", "printer" },      { "scan", "printer" },
	{ "Kyocera", "printer" },  { "Lexmark", "printer" },  { "camera", "camera" },
	{ "DVR", "camera" },       { "NVR", "camera" },       { "IPC", "camera" },
	{ "DESKTOP-", "outlook" }, { "LAPTOP-", "outlook" },  { "WIN-", "outlook" },
	{ "[", "thunderbird" },    { "localhost", "script" },
};

const char *straggler_program(const char *hint)
{
	size_t len = strlen(hint);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncasecmp(hint, names[i].start, strlen(names[i].start)) == 0)
			return names[i].program;
	if (len > 3 && strcasecmp(hint + len - 3, "-PC") == 0)
		return "outlook";
	if (len > 6 && strcasecmp(hint + len - 6, ".local") == 0)
		return "apple-mail";
	return "";
}

enum straggler_kind straggler_kind(const struct straggler *s)
{
	const char *program = straggler_program(s->hint);

	if (strcmp(program, "printer") == 0 || strcmp(program, "camera") == 0)
		return STRAGGLER_DEVICE;
	if (__builtin_popcount(s->hours) >= CLOCK_HOURS && s->days >= CLOCK_DAYS)
		return STRAGGLER_SERVER;
	return STRAGGLER_PERSON;
}

const char *straggler_kind_name(enum straggler_kind k)
{
	static const char *const kinds[] = { "person", "device", "server" };

	return kinds[k];
}
