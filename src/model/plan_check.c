/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only the plan as a whole can show:
 *
 *   a name given twice; a wave that names no segment, or one of another wave
 *   a prefix that stands twice: in one list, in two segments, and worse in two
 *   segments that are treated differently
 *   a closed segment without IPv6; a business or fixed one closed without a
 *   reason; announced space in no segment (warnings)
 *
 * Everything is sorted first, so that a million prefixes take O(n log n).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/plan_build.h"

/* A prefix, and who has it. `segment` is NULL for smarthosts and announced space. */
struct claim {
	const struct plan_prefix *at;
	const struct segment *segment;
};

struct claims {
	struct claim *claim;
	size_t count;
};

static int claim_compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int r = prefix_compare(x->at->prefix, y->at->prefix);

	if (r != 0)
		return r;
	return x->at->line < y->at->line ? -1 : x->at->line > y->at->line;
}

static void claims_add(struct claims *c, const struct plan_prefix *prefixes, unsigned count,
		       const struct segment *segment)
{
	for (unsigned i = 0; i < count; i++)
		c->claim[c->count++] = (struct claim){ &prefixes[i], segment };
}

static void claims_sort(struct claims *c)
{
	if (c->count)
		qsort(c->claim, c->count, sizeof(*c->claim), claim_compare);
}

static const char *name_or_dash(const char *name)
{
	return name ? name : "-";
}

static bool treated_alike(const struct segment *a, const struct segment *b)
{
	return a->treatment == b->treatment && a->mode == b->mode && a->strict == b->strict &&
	       a->inbound == b->inbound;
}

static const char *treatment_words(const struct segment *s, char ret[static QUOTE_MAX])
{
	snprintf(ret, QUOTE_MAX, "%s%s%s%s%s", treatment_name(s->treatment),
		 s->treatment == TREATMENT_CLOSED ? ", mode " : "",
		 s->treatment == TREATMENT_CLOSED ? mode_name(s->mode) : "",
		 s->strict ? ", strict" : "", s->inbound != MODE_OFF ? ", inbound too" : "");
	return ret;
}

static void fault_twice(const struct claim *first, const struct claim *again,
			struct fault_list *faults)
{
	const struct segment *a = first->segment, *b = again->segment;
	unsigned line = again->at->line, before = first->at->line;
	char text[PREFIX_TEXT_MAX], name[2][QUOTE_MAX], words[2][QUOTE_MAX];

	prefix_text(again->at->prefix, text);
	if (a == b) { /* one segment, or neither is of a segment */
		fault_wrong(faults, FAULT_ERROR, line, "%s stands twice: on line %u and here", text,
			    before);
		fault_right(faults, "remove one of the two");
		return;
	}
	quote(name_or_dash(a->name), name[0]);
	quote(name_or_dash(b->name), name[1]);
	if (treated_alike(a, b))
		fault_wrong(faults, FAULT_ERROR, line,
			    "%s stands twice: in segment '%s' on line %u and here in '%s'", text,
			    name[0], before, name[1]);
	else
		fault_wrong(faults, FAULT_ERROR, line,
			    "%s has two treatments: '%s' on line %u says %s; here '%s' says %s",
			    text, name[0], before, treatment_words(a, words[0]), name[1],
			    treatment_words(b, words[1]));
	fault_right(faults,
		    "keep it in one segment; a longer prefix may differ from a shorter one");
}

static void twice_check(const struct claims *c, struct fault_list *faults)
{
	size_t first = 0;

	for (size_t i = 1; i < c->count; i++) {
		if (prefix_compare(c->claim[first].at->prefix, c->claim[i].at->prefix) == 0)
			fault_twice(&c->claim[first], &c->claim[i], faults);
		else
			first = i;
	}
}

/* Walks the sorted claims of segments along the addresses of one announced prefix. */
struct gap {
	struct addr first; /* the first address without a segment */
	addr_bits last;
	size_t count;
};

static void gap_note(struct gap *g, enum family f, addr_bits first, addr_bits last)
{
	if (g->count++ == 0) {
		g->first = (struct addr){ .bits = first, .family = f };
		g->last = last;
	}
}

/*
 * `reach[i]` is the furthest address of the claims before i of the same family,
 * so that a claim that begins before the space and covers it is found.
 */
static struct gap gap_find(const struct claims *c, const addr_bits *reach, struct prefix space)
{
	enum family f = space.addr.family;
	addr_bits at = space.addr.bits, last = prefix_last(space);
	struct gap g = { .count = 0 };
	size_t low = 0, high = c->count;

	while (low < high) { /* the first claim that begins behind the space's first address */
		size_t middle = low + (high - low) / 2;
		struct addr first = c->claim[middle].at->prefix.addr;

		if (first.family < f || (first.family == f && first.bits <= at))
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0 && c->claim[low - 1].at->prefix.addr.family == f && reach[low - 1] >= at) {
		if (reach[low - 1] >= last)
			return g;
		at = reach[low - 1] + 1;
	}
	for (size_t i = low; i < c->count; i++) {
		struct prefix p = c->claim[i].at->prefix;

		if (p.addr.family != f || p.addr.bits > last)
			break;
		if (p.addr.bits > at)
			gap_note(&g, f, at, p.addr.bits - 1);
		if (prefix_last(p) >= last)
			return g;
		if (prefix_last(p) >= at)
			at = prefix_last(p) + 1;
	}
	gap_note(&g, f, at, last);
	return g;
}

static void fault_gap(const struct plan_prefix *space, const struct gap *g,
		      struct fault_list *faults)
{
	char text[PREFIX_TEXT_MAX], first[ADDR_TEXT_MAX], last[ADDR_TEXT_MAX];
	struct addr end = { .bits = g->last, .family = g->first.family };

	prefix_text(space->prefix, text);
	addr_text(g->first, first);
	addr_text(end, last);
	if (g->count == 1)
		fault_wrong(faults, FAULT_WARNING, space->line,
			    "no segment covers %s to %s of the announced %s", first, last, text);
	else
		fault_wrong(
		    faults, FAULT_WARNING, space->line,
		    "no segment covers %s to %s of the announced %s, and %zu more parts of it",
		    first, last, text, g->count - 1);
	fault_right(faults, "add it to a segment, if need be an open one of kind infrastructure");
}

static int space_check(const struct plan *p, const struct claims *segments,
		       struct fault_list *faults)
{
	own_mem addr_bits *reach = NULL;

	if (p->operator_.space_count == 0)
		return 0;
	reach = calloc(segments->count + 1, sizeof(*reach));
	if (!reach)
		return -ENOMEM;
	for (size_t i = 0; i < segments->count; i++) {
		struct prefix q = segments->claim[i].at->prefix;
		addr_bits end = prefix_last(q);
		bool goes_on =
		    i > 0 && segments->claim[i - 1].at->prefix.addr.family == q.addr.family;

		reach[i] = goes_on && reach[i - 1] > end ? reach[i - 1] : end;
	}
	for (unsigned i = 0; i < p->operator_.space_count; i++) {
		struct gap g = gap_find(segments, reach, p->operator_.space[i].prefix);

		if (g.count)
			fault_gap(&p->operator_.space[i], &g, faults);
	}
	return 0;
}

static size_t prefixes_total(const struct plan *p)
{
	size_t total = p->operator_.space_count;

	for (unsigned i = 0; i < p->segments_count; i++)
		total += p->segments[i].prefixes_count;
	for (unsigned i = 0; i < p->smarthosts_count; i++)
		total += p->smarthosts[i].prefixes_count;
	return total;
}

static int prefixes_check(const struct plan *p, struct fault_list *faults)
{
	struct claims c = { 0 };
	own_mem void *room = calloc(prefixes_total(p) + 1, sizeof(*c.claim));

	if (!room)
		return -ENOMEM;
	c.claim = room;
	claims_add(&c, p->operator_.space, p->operator_.space_count, NULL);
	claims_sort(&c);
	twice_check(&c, faults);

	c.count = 0;
	for (unsigned i = 0; i < p->smarthosts_count; i++)
		claims_add(&c, p->smarthosts[i].prefixes, p->smarthosts[i].prefixes_count, NULL);
	claims_sort(&c);
	twice_check(&c, faults);

	c.count = 0;
	for (unsigned i = 0; i < p->segments_count; i++)
		claims_add(&c, p->segments[i].prefixes, p->segments[i].prefixes_count,
			   &p->segments[i]);
	claims_sort(&c);
	twice_check(&c, faults);
	return space_check(p, &c, faults);
}

static bool has_family(const struct segment *s, enum family f)
{
	for (unsigned i = 0; i < s->prefixes_count; i++)
		if (s->prefixes[i].prefix.addr.family == f)
			return true;
	return false;
}

static void segment_check(const struct segment *s, struct fault_list *faults)
{
	char name[QUOTE_MAX];

	if (s->treatment == TREATMENT_OPEN)
		return;
	quote(name_or_dash(s->name), name);
	if (s->prefixes_count && !has_family(s, FAMILY_V6)) {
		fault_wrong(faults, FAULT_WARNING, s->line,
			    "the closed segment '%s' has no IPv6 prefixes", name);
		fault_right(faults,
			    "add them, unless its lines have no IPv6: port 25 stays open there");
	}
	if (s->restriction)
		return;
	if (s->kind == KIND_BUSINESS || s->addressing == ADDRESSING_FIXED) {
		fault_wrong(faults, FAULT_WARNING, s->line,
			    "the %s segment '%s' is closed without 'restriction'",
			    s->kind == KIND_BUSINESS ? "business" : "fixed-address", name);
		fault_right(faults, "leave fixed and business lines open, or write the reason as "
				    "'restriction:'");
	}
}

struct named {
	const char *name;
	unsigned line;
};

static int named_compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : x->line < y->line ? -1 : x->line > y->line;
}

static void names_check(struct named *n, size_t count, const char *noun, struct fault_list *faults)
{
	char name[QUOTE_MAX];

	if (count)
		qsort(n, count, sizeof(*n), named_compare);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(n[i].name, n[i - 1].name) != 0)
			continue;
		fault_wrong(faults, FAULT_ERROR, n[i].line,
			    "two %s are called '%s': on line %u and here", noun,
			    quote(n[i].name, name), n[i - 1].line);
		fault_right(faults, "give each a name of its own");
	}
}

static size_t named_add(struct named *n, size_t count, const char *name, unsigned line)
{
	if (!name)
		return count;
	n[count] = (struct named){ name, line };
	return count + 1;
}

/* `segments` are sorted by name. */
static void wave_unknown(const struct named *segments, size_t count, const struct plan_wave *w,
			 const char *wanted, struct fault_list *faults)
{
	struct named key = { wanted, 0 };
	char name[2][QUOTE_MAX];
	const char *near = NULL;
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(segments[middle].name, key.name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < count && strcmp(segments[low].name, wanted) == 0)
		return;
	/* A hostile plan may name a million that are not: the search is for people. */
	for (size_t i = 0; i < count && !near && faults->found.count < 50; i++)
		near = nearest_word(wanted, &segments[i].name, 1);
	fault_wrong(faults, FAULT_ERROR, w->line,
		    "the wave '%s' names a segment '%s', which there is not",
		    quote(name_or_dash(w->name), name[0]), quote(wanted, name[1]));
	if (near)
		fault_right(faults, "did you mean '%s'?", quote(near, name[0]));
	else
		fault_right(faults, "write the name of a segment of this plan");
}

static int waves_check(const struct plan *p, const struct named *segments, size_t count,
		       struct fault_list *faults)
{
	size_t total = 0, listed = 0;
	char name[QUOTE_MAX];

	for (unsigned i = 0; i < p->waves_count; i++)
		total += p->waves[i].segments_count;
	own_mem void *room = calloc(total + 1, sizeof(struct named));
	struct named *in_waves = room;

	if (!room)
		return -ENOMEM;
	for (unsigned i = 0; i < p->waves_count; i++) {
		const struct plan_wave *w = &p->waves[i];

		for (unsigned j = 0; j < w->segments_count; j++) {
			wave_unknown(segments, count, w, w->segments[j], faults);
			listed = named_add(in_waves, listed, w->segments[j], w->line);
		}
	}
	if (listed)
		qsort(in_waves, listed, sizeof(*in_waves), named_compare);
	for (size_t i = 1; i < listed; i++) {
		if (strcmp(in_waves[i].name, in_waves[i - 1].name) != 0)
			continue;
		fault_wrong(faults, FAULT_ERROR, in_waves[i].line,
			    "the segment '%s' is in two waves: of line %u and of line %u",
			    quote(in_waves[i].name, name), in_waves[i - 1].line, in_waves[i].line);
		fault_right(faults, "a segment closes once: keep it in one wave");
	}
	return 0;
}

static int all_names_check(const struct plan *p, struct fault_list *faults)
{
	size_t most = p->segments_count + p->smarthosts_count + p->waves_count, count = 0;
	own_mem void *room = calloc(most + 1, sizeof(struct named));
	struct named *n = room;

	if (!room)
		return -ENOMEM;
	for (unsigned i = 0; i < p->smarthosts_count; i++)
		count = named_add(n, count, p->smarthosts[i].name, p->smarthosts[i].line);
	names_check(n, count, "smarthosts", faults);
	count = 0;
	for (unsigned i = 0; i < p->waves_count; i++)
		count = named_add(n, count, p->waves[i].name, p->waves[i].line);
	names_check(n, count, "waves", faults);
	count = 0;
	for (unsigned i = 0; i < p->segments_count; i++)
		count = named_add(n, count, p->segments[i].name, p->segments[i].line);
	names_check(n, count, "segments", faults);
	return waves_check(p, n, count, faults);
}

int plan_check(const struct plan *p, struct fault_list *faults)
{
	int r = all_names_check(p, faults);

	for (unsigned i = 0; i < p->segments_count; i++)
		segment_check(&p->segments[i], faults);
	return r < 0 ? r : prefixes_check(p, faults);
}
