/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "wire/packet.h"
#include "wire/pcap.h"

static const uint16_t ports[] = { 25, 465, 587 };
#define PORTS (sizeof(ports) / sizeof(*ports))

struct source {
	struct addr addr;
	uint64_t syn25, refused; /* one of them is not 0 in a slot that is taken */
};

struct replay_totals {
	uint64_t frames, unparsed;
	uint64_t syn[PORTS];
	uint64_t verdict[VERDICT_COUNT_];
	struct source *sources; /* open addressing; `room` is a power of two, at most half full */
	size_t sources_count, room;
};

#define ROOM_MIN 64

struct reference {
	struct replay_judge judge;
	const struct ruleset *rs;
	enum side side;
	struct wall now;
};

static bool is_counted_port(uint16_t port)
{
	for (size_t i = 0; i < PORTS; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static int reference_observe(struct replay_judge *j, const uint8_t *frame, size_t len,
			     struct replay_observation *ret, struct why *why)
{
	const struct reference *r = (const struct reference *)j;
	struct packet p = packet_parse(frame, len);

	(void)why;
	ret->verdict = verdict_of(r->rs, &p, r->side, r->now).verdict;
	ret->unparsed = packet_is_unparsed(&p);
	if (p.kind == PACKET_TCP && p.syn && !p.ack && is_counted_port(p.dport))
		ret->syn_port = p.dport;
	ret->src = p.src;
	return 0;
}

static void reference_free(struct replay_judge *j)
{
	free(j);
}

int replay_reference_new(const struct ruleset *rs, enum side side, struct wall now,
			 struct replay_judge **ret, struct why *why)
{
	struct reference *r = malloc(sizeof(*r));

	if (!r)
		return why_set(why, -ENOMEM, "out of memory");
	*r = (struct reference){ { reference_observe, reference_free }, rs, side, now };
	*ret = &r->judge;
	return 0;
}

int replay_totals_new(struct replay_totals **ret)
{
	own(replay_totals) struct replay_totals *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->room = ROOM_MIN;
	t->sources = calloc(t->room, sizeof(*t->sources));
	if (!t->sources)
		return -ENOMEM;
	*ret = take(t);
	return 0;
}

void replay_totals_free(struct replay_totals *t)
{
	if (!t)
		return;
	free(t->sources);
	free(t);
}

static bool is_taken(const struct source *s)
{
	return s->syn25 || s->refused;
}

/* The slot of the address, or the free one where it belongs. */
static struct source *slot_of(struct source *sources, size_t room, struct addr a)
{
	uint64_t h = (uint64_t)a.bits ^ (uint64_t)(a.bits >> 64) ^ (uint64_t)a.family << 63;

	h *= 0x9e3779b97f4a7c15u;
	for (size_t i = (size_t)(h >> 20) & (room - 1);; i = (i + 1) & (room - 1)) {
		struct source *s = &sources[i];

		if (!is_taken(s) || (s->addr.family == a.family && s->addr.bits == a.bits))
			return s;
	}
}

static int grow(struct replay_totals *t)
{
	size_t room = 2 * t->room;
	struct source *more = calloc(room, sizeof(*more));

	if (!more)
		return -ENOMEM;
	for (size_t i = 0; i < t->room; i++)
		if (is_taken(&t->sources[i]))
			*slot_of(more, room, t->sources[i].addr) = t->sources[i];
	free(t->sources);
	t->sources = more;
	t->room = room;
	return 0;
}

static int source_add(struct replay_totals *t, struct addr a, bool syn25, bool refused)
{
	if (2 * t->sources_count >= t->room) {
		int r = grow(t);
		if (r < 0)
			return r;
	}
	struct source *s = slot_of(t->sources, t->room, a);

	t->sources_count += !is_taken(s);
	s->addr = a;
	s->syn25 += syn25;
	s->refused += refused;
	return 0;
}

int replay_totals_add(struct replay_totals *t, const struct replay_observation *o)
{
	bool refused = o->verdict == VERDICT_REJECT || o->verdict == VERDICT_DROP;

	t->frames++;
	t->unparsed += o->unparsed;
	t->verdict[o->verdict]++;
	for (size_t i = 0; i < PORTS; i++)
		t->syn[i] += o->syn_port == ports[i];
	if (o->syn_port != SMTP_PORT && !refused)
		return 0;
	return source_add(t, o->src, o->syn_port == SMTP_PORT, refused);
}

static int source_order(const void *x, const void *y)
{
	const struct source *a = x, *b = y;

	return prefix_compare((struct prefix){ .addr = a->addr },
			      (struct prefix){ .addr = b->addr });
}

/* The sources in order, in an array of their own. */
static int sorted(const struct replay_totals *t, struct source **ret)
{
	struct source *list = malloc((t->sources_count + 1) * sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < t->room; i++)
		if (is_taken(&t->sources[i]))
			list[n++] = t->sources[i];
	qsort(list, n, sizeof(*list), source_order);
	*ret = list;
	return 0;
}

int replay_totals_text(struct replay_totals *t, FILE *out)
{
	own_mem struct source *list = NULL;
	char text[ADDR_TEXT_MAX];
	int r = sorted(t, &list);

	if (r < 0)
		return r;
	fprintf(out, "frames    %12" PRIu64 "\nunparsed  %12" PRIu64 "\n", t->frames, t->unparsed);
	for (size_t i = 0; i < PORTS; i++)
		fprintf(out, "SYN to %-3u%12" PRIu64 "\n", ports[i], t->syn[i]);
	for (enum verdict v = 0; v < VERDICT_COUNT_; v++)
		fprintf(out, "%-10s%12" PRIu64 "\n", verdict_name(v), t->verdict[v]);
	if (t->sources_count > 0)
		fprintf(out, "\n%-40s%12s%12s\n", "source", "SYN to 25", "refused");
	for (size_t i = 0; i < t->sources_count; i++)
		fprintf(out, "%-40s%12" PRIu64 "%12" PRIu64 "\n", addr_text(list[i].addr, text),
			list[i].syn25, list[i].refused);
	return ferror(out) ? -EIO : 0;
}

int replay_totals_json(struct replay_totals *t, FILE *out)
{
	own_mem struct source *list = NULL;
	char text[ADDR_TEXT_MAX];
	int r = sorted(t, &list);

	if (r < 0)
		return r;
	fprintf(out, "{\"frames\":%" PRIu64 ",\"unparsed\":%" PRIu64 ",\"syn\":{", t->frames,
		t->unparsed);
	for (size_t i = 0; i < PORTS; i++)
		fprintf(out, "%s\"%u\":%" PRIu64, i ? "," : "", ports[i], t->syn[i]);
	fputs("},\"verdict\":{", out);
	for (enum verdict v = 0; v < VERDICT_COUNT_; v++)
		fprintf(out, "%s\"%s\":%" PRIu64, v ? "," : "", verdict_name(v), t->verdict[v]);
	fputs("},\"sources\":[", out);
	for (size_t i = 0; i < t->sources_count; i++)
		fprintf(out, "%s{\"address\":\"%s\",\"syn25\":%" PRIu64 ",\"refused\":%" PRIu64 "}",
			i ? "," : "", addr_text(list[i].addr, text), list[i].syn25,
			list[i].refused);
	fputs("]}\n", out);
	return ferror(out) ? -EIO : 0;
}

static int replay_frames(struct pcap *p, struct replay_judge *j, struct replay_totals *t,
			 struct why *why)
{
	struct pcap_frame frame;
	int r;

	while ((r = pcap_next(p, &frame, why)) > 0) {
		struct replay_observation o = { 0 };

		r = j->observe(j, frame.bytes, frame.len, &o, why);
		if (r < 0)
			return r;
		r = replay_totals_add(t, &o);
		if (r < 0)
			return why_set(why, r, "out of memory");
	}
	return r;
}

int replay_file(const char *path, struct replay_judge *j, struct replay_totals *t, bool *ret_cut,
		struct why *why)
{
	bool is_stdin = strcmp(path, "-") == 0;
	own_file FILE *opened = is_stdin ? NULL : fopen(path, "rbe");
	FILE *file = is_stdin ? stdin : opened;
	own(pcap) struct pcap *p = NULL;

	if (!file)
		return why_set(why, -errno, "%s", strerror(errno));
	int r = pcap_new(file, &p, why);
	if (r == 0)
		r = replay_frames(p, j, t, why);
	if (r == 0)
		*ret_cut = pcap_is_cut(p);
	return r;
}
