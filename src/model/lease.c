/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/lease.h"

#include <string.h>

const struct lease_terms lease_terms_default = { .skew_s = 2, .interim_s = 5400 };

static const char *const end_names[] = { "standing", "promised", "unknown", "reported" };
static const char *const source_names[] = { "table", "radius", "dhcp", "cgnat" };
static const char *const certainty_names[] = { "out", "near", "presumed", "sure" };

const char *lease_end_name(enum lease_end e)
{
	return end_names[e];
}

const char *lease_source_name(enum lease_source s)
{
	return source_names[s];
}

const char *lease_certainty_name(enum lease_certainty c)
{
	return certainty_names[c];
}

bool lease_valid(const struct lease *l)
{
	if (l->ports == 0 || l->port_low + l->ports > LEASE_PORTS_ALL || !l->line[0])
		return false;
	return l->from >= 0 && l->from <= l->seen && l->seen <= l->until &&
	       l->end < LEASE_END_COUNT_ && l->source < LEASE_SOURCE_COUNT_;
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Which of two reports speaks last about the end: more is said, then later, then longer. */
static bool outdoes(const struct lease *a, const struct lease *b)
{
	if (a->end != b->end)
		return a->end > b->end;
	if (a->seen != b->seen)
		return a->seen > b->seen;
	if (a->until != b->until)
		return a->until > b->until;
	return strcmp(a->line, b->line) > 0;
}

bool lease_merge(struct lease *l, const struct lease *other)
{
	struct lease m = outdoes(other, l) ? *other : *l;

	m.from = min64(l->from, other->from);
	if (m.end == LEASE_UNKNOWN || m.end == LEASE_STANDING)
		m.seen = max64(l->seen, other->seen);
	/* A promise that was withdrawn still says when it would have ended. */
	if (m.end == LEASE_UNKNOWN)
		m.until = max64(m.seen, min64(l->until, other->until));

	bool changed = m.from != l->from || m.until != l->until || m.seen != l->seen ||
		       m.end != l->end || strcmp(m.line, l->line) != 0;
	*l = m;
	return changed;
}

/* Up to when it was surely held. */
static int64_t sure_until(const struct lease *l, int64_t next)
{
	switch (l->end) {
	case LEASE_UNKNOWN:
		return l->seen + 1;
	case LEASE_REPORTED:
		return l->until;
	default:
		return min64(l->until, next);
	}
}

/* Up to when it may have been held. */
static int64_t maybe_until(const struct lease *l, int64_t next, int64_t interim_s)
{
	int64_t end = sure_until(l, next);

	if (l->end != LEASE_UNKNOWN)
		return end;
	return max64(end, min64(min64(l->until, next), l->seen + interim_s));
}

enum lease_certainty lease_judge(const struct lease *l, int64_t next, struct wall at,
				 const struct lease_terms *terms)
{
	int64_t sure = sure_until(l, next), maybe = maybe_until(l, next, terms->interim_s);
	int64_t skew = terms->skew_s;

	if (at.s + skew < l->from || at.s - skew >= maybe)
		return LEASE_OUT;
	if (at.s - skew < l->from)
		return LEASE_NEAR;
	if (at.s + skew < sure)
		return LEASE_SURE;
	if (at.s + skew < maybe)
		return LEASE_PRESUMED;
	return LEASE_NEAR;
}

void lease_answer_add(struct lease_answer *a, const struct lease *l, enum lease_certainty c)
{
	if (c == LEASE_OUT)
		return;
	for (size_t i = 0; i < a->count; i++) {
		struct lease_candidate *known = &a->candidate[i];

		if (strcmp(known->lease.line, l->line) != 0)
			continue;
		if (c > known->certainty)
			*known = (struct lease_candidate){ *l, c };
		return;
	}
	if (a->count == LEASE_CANDIDATES_MAX)
		a->further++;
	else
		a->candidate[a->count++] = (struct lease_candidate){ *l, c };
	a->verdict = a->count == 1 ? LEASE_FOUND : LEASE_AMBIGUOUS;
}
