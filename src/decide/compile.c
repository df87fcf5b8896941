/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One sweep over all prefixes in the order of their addresses. Prefixes nest or
 * are disjoint, so those that hold the current address form a stack; each frame
 * knows what holds in it, all that lies beneath it included.
 */
#include "decide/compile.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "decide/entry.h"

/* What is said of an address by everything that covers it. All zero: nothing. */
struct state {
	uint32_t segment;     /* index + 1 of the longest segment prefix */
	uint32_t restriction; /* rank + 1 of the strongest */
	bool excepted;
};

struct frame {
	struct prefix prefix;
	struct state state;
	bool claimed; /* a segment names this very prefix */
};

/* One frame per prefix length and one for the whole family. */
#define STACK_MAX 130

/* A restriction as far as classes can tell it from another; ordered by strength. */
struct force {
	struct wall until;
	enum mode mode;
};

/* Where the class of a restricted state is remembered; a power of two above all classes. */
#define SLOTS 131072

struct slot {
	uint64_t key; /* rank + 1 and the base class, or 0 */
	uint16_t class;
};

struct sweep {
	const struct compile_input *in;
	const struct force *forces;
	struct ruleset *rs;
	uint16_t *base;     /* class of a state without restriction, by state_base(); 0: not yet */
	struct slot *slots; /* of states with one */
	addr_bits at;       /* everything before has been written */
	bool ended;         /* so has the family's last address; `at` is meaningless */
	bool full;          /* classes have run out */
};

static int force_order(const void *x, const void *y)
{
	const struct force *a = x, *b = y;

	if (a->until.s != b->until.s)
		return a->until.s < b->until.s ? -1 : 1;
	return (int)a->mode - (int)b->mode;
}

static void class_fill(struct class *c, const struct segment *s, enum cause cause)
{
	c->cause = cause;
	if (s)
		snprintf(c->segment, sizeof(c->segment), "%s", s->name);
	if (cause != CAUSE_SEGMENT || !s)
		return;
	c->mode = s->treatment == TREATMENT_CLOSED ? s->mode : MODE_OFF;
	c->inbound = s->inbound;
	c->strict = s->strict && (c->mode != MODE_OFF || c->inbound != MODE_OFF);
}

/* Append a class; 0 with `full` set if there is no room. */
static uint16_t class_add(struct sweep *w, struct class c)
{
	struct ruleset *rs = w->rs;

	if (rs->classes_count == RULESET_CLASSES_MAX) {
		w->full = true;
		return 0;
	}
	rs->classes[rs->classes_count] = c;
	return (uint16_t)rs->classes_count++;
}

static const struct segment *state_segment(const struct sweep *w, struct state s)
{
	return s.segment ? &w->in->plan->segments[s.segment - 1] : NULL;
}

/* The class of the state were there no restriction. */
static uint16_t base_class(struct sweep *w, struct state s)
{
	uint16_t *known = &w->base[s.segment * 2 + s.excepted];
	struct class c = { .cause = CAUSE_NONE };

	if (!s.segment && !s.excepted)
		return 0;
	if (*known == 0) {
		class_fill(&c, state_segment(w, s), s.excepted ? CAUSE_EXCEPTION : CAUSE_SEGMENT);
		*known = class_add(w, c);
	}
	return *known;
}

/* The slot of the key, or the free one where it belongs. */
static struct slot *slot_of(struct sweep *w, uint64_t key)
{
	uint64_t i = key * 0x9e3779b97f4a7c15u;

	for (i >>= 40;; i++) {
		struct slot *s = &w->slots[i % SLOTS];

		if (s->key == key || s->key == 0)
			return s;
	}
}

static uint16_t state_class(struct sweep *w, struct state s)
{
	uint16_t under = base_class(w, s);

	if (s.restriction == 0)
		return under;

	struct slot *slot = slot_of(w, (uint64_t)s.restriction << 16 | under);
	if (slot->key == 0) {
		const struct force *f = &w->forces[s.restriction - 1];
		const struct segment *segment = state_segment(w, s);
		struct class c = w->rs->classes[under];

		c.cause = CAUSE_RESTRICTION;
		c.mode = f->mode;
		c.strict = segment && segment->strict;
		c.until = f->until;
		c.under = under;
		c.inbound = w->rs->classes[under].inbound;
		uint16_t class = class_add(w, c);
		if (class != 0)
			*slot = (struct slot){ (uint64_t)s.restriction << 16 | under, class };
		return class;
	}
	return slot->class;
}

/* Write that `state` holds from where we are up to `last`. */
static void emit(struct sweep *w, enum family f, addr_bits last, struct state state)
{
	struct ruleset *rs = w->rs;
	uint16_t class = state_class(w, state);

	if (f == FAMILY_V4) {
		if (rs->v4_count == 0 || rs->v4[rs->v4_count - 1].class != class)
			rs->v4[rs->v4_count++] = (struct interval4){ (uint32_t)w->at, class };
	} else {
		if (rs->v6_count == 0 || rs->v6[rs->v6_count - 1].class != class)
			rs->v6[rs->v6_count++] = (struct interval6){ w->at, class };
	}
	w->ended = last == family_last(f);
	w->at = last + 1;
}

/* The line of the plan on which the segment names the prefix. */
static unsigned prefix_line(const struct segment *s, struct prefix p)
{
	for (unsigned i = 0; i < s->prefixes_count; i++)
		if (prefix_compare(s->prefixes[i].prefix, p) == 0)
			return s->prefixes[i].line;
	return 0;
}

static int contradiction(const struct sweep *w, struct prefix p, uint32_t a, uint32_t b,
			 struct why *why)
{
	const struct segment *s = &w->in->plan->segments[a], *t = &w->in->plan->segments[b];
	char text[PREFIX_TEXT_MAX];

	if (prefix_line(s, p) > prefix_line(t, p)) {
		const struct segment *swap = s;

		s = t;
		t = swap;
	}
	return why_set(why, -EINVAL, "line %u: segment %s and line %u: segment %s both claim %s",
		       prefix_line(s, p), s->name, prefix_line(t, p), t->name,
		       prefix_text(p, text));
}

/* Let the entry speak in the frame of its own prefix. */
static int frame_add(const struct sweep *w, struct frame *f, const struct entry *e, struct why *why)
{
	switch (e->layer) {
	case LAYER_SEGMENT:
		if (f->claimed && f->state.segment != e->index + 1)
			return contradiction(w, f->prefix, f->state.segment - 1, e->index, why);
		f->state.segment = e->index + 1;
		f->claimed = true;
		break;
	case LAYER_EXCEPTION:
		f->state.excepted = true;
		break;
	default:
		if (f->state.restriction < e->index + 1)
			f->state.restriction = e->index + 1;
	}
	return 0;
}

/* Write what is left of the frame behind its last child. */
static void close_frame(struct sweep *w, const struct frame *f)
{
	addr_bits last = prefix_last(f->prefix);

	if (!w->ended && w->at <= last)
		emit(w, f->prefix.addr.family, last, f->state);
}

/* All entries of one family; those of others are not among `e`. */
static int sweep_family(struct sweep *w, enum family f, const struct entry *e, size_t count,
			struct why *why)
{
	struct frame stack[STACK_MAX] = { { .prefix = { .addr = { .family = f } } } };
	struct frame *top = stack;

	w->at = 0;
	w->ended = false;
	for (size_t i = 0; i < count; i++) {
		struct prefix p = { { e[i].first, f }, e[i].len };

		while (prefix_last(top->prefix) < p.addr.bits)
			close_frame(w, top--);
		if (prefix_compare(top->prefix, p) != 0) {
			if (w->at < p.addr.bits)
				emit(w, f, p.addr.bits - 1, top->state);
			assert(top < stack + STACK_MAX - 1);
			top[1] = (struct frame){ .prefix = p, .state = top->state };
			top++;
		}
		int r = frame_add(w, top, &e[i], why);
		if (r < 0)
			return r;
	}
	for (; top >= stack; top--)
		close_frame(w, top);
	return 0;
}

/* Restrictions that still hold, each once as a force, weakest first. */
static size_t forces_collect(const struct compile_input *in, struct wall now, struct force *ret)
{
	size_t n = 0, distinct = 0;

	for (size_t i = 0; i < in->restrictions_count; i++)
		if (in->restrictions[i].until.s > now.s)
			ret[n++] =
			    (struct force){ in->restrictions[i].until, in->restrictions[i].mode };
	qsort(ret, n, sizeof(*ret), force_order);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || force_order(&ret[distinct - 1], &ret[i]) != 0)
			ret[distinct++] = ret[i];
	return distinct;
}

static bool is_canonical(struct prefix p)
{
	struct prefix host = { { 0, p.addr.family }, p.len };

	return p.addr.family < FAMILY_COUNT_ && p.len <= family_bits(p.addr.family) &&
	       p.addr.bits <= family_last(p.addr.family) && (p.addr.bits & prefix_last(host)) == 0;
}

static struct entry entry_of(struct prefix p, enum layer layer, size_t index)
{
	return (struct entry){
		.first = p.addr.bits,
		.index = (uint32_t)index,
		.family = (uint8_t)p.addr.family,
		.len = p.len,
		.layer = (uint8_t)layer,
	};
}

static size_t entries_max(const struct compile_input *in)
{
	size_t n = in->exceptions_count + in->restrictions_count;

	for (unsigned i = 0; i < in->plan->segments_count; i++)
		n += in->plan->segments[i].prefixes_count;
	return n;
}

static int bad_prefix(const char *what, uint64_t id, struct prefix p, struct why *why)
{
	char text[PREFIX_TEXT_MAX];

	if (p.addr.family >= FAMILY_COUNT_)
		return why_set(why, -EINVAL, "%s %" PRIu64 ": not an address family", what, id);
	return why_set(why, -EINVAL, "%s %" PRIu64 ": %s has host bits or a wrong length", what, id,
		       prefix_text(p, text));
}

static int segments_collect(const struct plan *plan, struct entry **e, struct why *why)
{
	for (unsigned i = 0; i < plan->segments_count; i++) {
		const struct segment *s = &plan->segments[i];

		for (unsigned k = 0; k < s->prefixes_count; k++) {
			if (!is_canonical(s->prefixes[k].prefix))
				return bad_prefix("line", s->prefixes[k].line,
						  s->prefixes[k].prefix, why);
			*(*e)++ = entry_of(s->prefixes[k].prefix, LAYER_SEGMENT, i);
		}
	}
	return 0;
}

static int exceptions_collect(const struct compile_input *in, struct wall now, struct entry **e,
			      struct why *why)
{
	for (size_t i = 0; i < in->exceptions_count; i++) {
		const struct exception *x = &in->exceptions[i];

		if (!is_canonical(x->prefix))
			return bad_prefix("exception", x->id, x->prefix, why);
		if (x->until.s >= now.s)
			*(*e)++ = entry_of(x->prefix, LAYER_EXCEPTION, 0);
	}
	return 0;
}

static int restrictions_collect(const struct compile_input *in, struct wall now,
				const struct force *forces, size_t forces_count, struct entry **e,
				struct why *why)
{
	for (size_t i = 0; i < in->restrictions_count; i++) {
		const struct restriction *x = &in->restrictions[i];
		struct force key = { x->until, x->mode };

		if (!is_canonical(x->prefix))
			return bad_prefix("restriction", x->id, x->prefix, why);
		if (x->mode != MODE_REJECT && x->mode != MODE_DROP)
			return why_set(
			    why, -EINVAL,
			    "restriction %" PRIu64 ": its mode is neither reject nor drop", x->id);
		if (x->until.s <= now.s)
			continue;
		const struct force *f =
		    bsearch(&key, forces, forces_count, sizeof(*forces), force_order);
		*(*e)++ = entry_of(x->prefix, LAYER_RESTRICTION, (size_t)(f - forces));
	}
	return 0;
}

static int smarthost_order(const void *x, const void *y)
{
	const struct smarthost_range *a = x, *b = y;

	if (a->first.family != b->first.family)
		return a->first.family < b->first.family ? -1 : 1;
	return a->first.bits < b->first.bits ? -1 : a->first.bits > b->first.bits;
}

/* Sorted, and those that overlap or touch become one. */
static int smarthosts_compile(const struct plan *plan, struct ruleset *rs, struct why *why)
{
	struct smarthost_range *out;
	size_t n = 0, count = 0;

	for (unsigned i = 0; i < plan->smarthosts_count; i++)
		count += plan->smarthosts[i].prefixes_count;
	out = rs->smarthosts = calloc(count + 1, sizeof(*out));
	if (!out)
		return -ENOMEM;
	for (unsigned i = 0; i < plan->smarthosts_count; i++)
		for (unsigned k = 0; k < plan->smarthosts[i].prefixes_count; k++) {
			const struct plan_prefix *p = &plan->smarthosts[i].prefixes[k];

			if (!is_canonical(p->prefix))
				return bad_prefix("line", p->line, p->prefix, why);
			out[n++] =
			    (struct smarthost_range){ p->prefix.addr, prefix_last(p->prefix) };
		}
	qsort(out, n, sizeof(*out), smarthost_order);

	count = 0;
	for (size_t i = 0; i < n; i++) {
		struct smarthost_range *last = &out[count - 1];

		if (count > 0 && last->first.family == out[i].first.family &&
		    (out[i].first.bits == 0 || out[i].first.bits - 1 <= last->last)) {
			if (last->last < out[i].last)
				last->last = out[i].last;
		} else {
			out[count++] = out[i];
		}
	}
	rs->smarthosts_count = count;
	return 0;
}

/* Room for everything that `entries` (v4 first) can become; untouched pages cost nothing. */
static int room(struct sweep *w, size_t v4, size_t v6, struct ruleset *rs)
{
	rs->classes = calloc(RULESET_CLASSES_MAX, sizeof(*rs->classes));
	rs->v4 = malloc((2 * v4 + 1) * sizeof(*rs->v4));
	rs->v6 = malloc((2 * v6 + 1) * sizeof(*rs->v6));
	w->base = calloc(2 * ((size_t)w->in->plan->segments_count + 1), sizeof(*w->base));
	w->slots = calloc(SLOTS, sizeof(*w->slots));
	w->rs = rs;
	rs->classes_count = 1;
	return rs->classes && rs->v4 && rs->v6 && w->base && w->slots ? 0 : -ENOMEM;
}

static int sweep(struct sweep *w, const struct entry *e, size_t count, struct ruleset *rs,
		 struct why *why)
{
	size_t v4 = 0;
	int r;

	while (v4 < count && e[v4].family == FAMILY_V4)
		v4++;
	r = room(w, v4, count - v4, rs);
	if (r == 0)
		r = sweep_family(w, FAMILY_V4, e, v4, why);
	if (r == 0)
		r = sweep_family(w, FAMILY_V6, e + v4, count - v4, why);
	if (r == 0 && w->full)
		r = why_set(why, -E2BIG, "more than %d classes of segments and restrictions",
			    RULESET_CLASSES_MAX - 1);
	free(w->base);
	free(w->slots);
	return r;
}

/* Give back what room() took too much of. */
static void trim(struct ruleset *rs)
{
	struct interval4 *v4 = realloc(rs->v4, rs->v4_count * sizeof(*v4));
	struct interval6 *v6 = realloc(rs->v6, rs->v6_count * sizeof(*v6));

	rs->v4 = v4 ? v4 : rs->v4;
	rs->v6 = v6 ? v6 : rs->v6;
}

static int compile_entries(const struct compile_input *in, struct wall now, struct ruleset *rs,
			   struct why *why)
{
	own_mem struct entry *entries = malloc((entries_max(in) + 1) * sizeof(*entries));
	own_mem struct force *forces = malloc((in->restrictions_count + 1) * sizeof(*forces));
	struct entry *end = entries;
	int r;

	if (!entries || !forces)
		return -ENOMEM;
	size_t forces_count = forces_collect(in, now, forces);
	r = segments_collect(in->plan, &end, why);
	if (r == 0)
		r = exceptions_collect(in, now, &end, why);
	if (r == 0)
		r = restrictions_collect(in, now, forces, forces_count, &end, why);
	if (r == 0)
		r = entries_sort(entries, (size_t)(end - entries));
	if (r < 0)
		return r;

	struct sweep w = { .in = in, .forces = forces };
	return sweep(&w, entries, (size_t)(end - entries), rs, why);
}

int compile(const struct compile_input *in, struct wall now, struct ruleset **ret, struct why *why)
{
	own(ruleset) struct ruleset *rs = calloc(1, sizeof(*rs));
	int r;

	if (!rs)
		return why_set(why, -ENOMEM, "out of memory");
	r = smarthosts_compile(in->plan, rs, why);
	if (r == 0)
		r = compile_entries(in, now, rs, why);
	if (r == 0) {
		trim(rs);
		r = ruleset_finish(rs);
	}
	if (r < 0)
		return r == -ENOMEM ? why_set(why, r, "out of memory") : r;

	*ret = take(rs);
	return 0;
}
