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

/* Where the class of a restricted state is remembered: open addressing. */
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
	size_t slots_count; /* a power of two above twice the classes there can be */
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

	for (i >>= 32;; i++) {
		struct slot *s = &w->slots[i & (w->slots_count - 1)];

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

static int sweep_family(struct sweep *w, enum family f, const struct entries *all, struct why *why)
{
	const struct entry *e = entries_of(all, f);
	struct frame stack[STACK_MAX] = { { .prefix = { .addr = { .family = f } } } };
	struct frame *top = stack;

	w->at = 0;
	w->ended = false;
	for (size_t i = 0; i < all->count[f]; i++) {
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
	for (; top > stack; top--)
		close_frame(w, top);
	close_frame(w, stack);
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

static int segments_collect(const struct plan *plan, struct entries *e, struct why *why)
{
	for (unsigned i = 0; i < plan->segments_count; i++) {
		const struct segment *s = &plan->segments[i];

		for (unsigned k = 0; k < s->prefixes_count; k++) {
			if (!is_canonical(s->prefixes[k].prefix))
				return bad_prefix("line", s->prefixes[k].line,
						  s->prefixes[k].prefix, why);
			entries_add(e, s->prefixes[k].prefix, LAYER_SEGMENT, i);
		}
	}
	return 0;
}

static int exceptions_collect(const struct compile_input *in, struct wall now, struct entries *e,
			      struct why *why)
{
	for (size_t i = 0; i < in->exceptions_count; i++) {
		const struct exception *x = &in->exceptions[i];

		if (!is_canonical(x->prefix))
			return bad_prefix("exception", x->id, x->prefix, why);
		if (x->until.s >= now.s)
			entries_add(e, x->prefix, LAYER_EXCEPTION, 0);
	}
	return 0;
}

static int restrictions_collect(const struct compile_input *in, struct wall now,
				const struct force *forces, size_t forces_count, struct entries *e,
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
		entries_add(e, x->prefix, LAYER_RESTRICTION, (size_t)(f - forces));
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

/* Two a segment and for no segment; and with restrictions perhaps another for every interval. */
static size_t classes_room(const struct compile_input *in, size_t intervals)
{
	size_t room = 1 + 2 * ((size_t)in->plan->segments_count + 1);

	room += in->restrictions_count > 0 ? intervals : 0;
	return room < RULESET_CLASSES_MAX ? room : RULESET_CLASSES_MAX;
}

/* Room for everything that the entries can become; untouched pages cost nothing. */
static int room(struct sweep *w, size_t v4, size_t v6, struct ruleset *rs)
{
	size_t v4_room = 2 * v4 + 1, v6_room = 2 * v6 + 1;
	size_t classes = classes_room(w->in, v4_room + v6_room);

	for (w->slots_count = 1; w->slots_count < 2 * classes;)
		w->slots_count *= 2;
	rs->classes = calloc(classes, sizeof(*rs->classes));
	rs->v4 = malloc(v4_room * sizeof(*rs->v4));
	rs->v6 = malloc(v6_room * sizeof(*rs->v6));
	w->base = calloc(2 * ((size_t)w->in->plan->segments_count + 1), sizeof(*w->base));
	w->slots = calloc(w->slots_count, sizeof(*w->slots));
	w->rs = rs;
	rs->classes_count = 1;
	return rs->classes && rs->v4 && rs->v6 && w->base && w->slots ? 0 : -ENOMEM;
}

static int sweep(struct sweep *w, const struct entries *e, struct ruleset *rs, struct why *why)
{
	int r = room(w, e->count[FAMILY_V4], e->count[FAMILY_V6], rs);

	for (enum family f = 0; r == 0 && f < FAMILY_COUNT_; f++)
		r = sweep_family(w, f, e, why);
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

static int entries_collect(const struct compile_input *in, struct wall now,
			   const struct force *forces, size_t forces_count, struct entries *e,
			   struct why *why)
{
	int r = segments_collect(in->plan, e, why);

	if (r == 0)
		r = exceptions_collect(in, now, e, why);
	if (r == 0)
		r = restrictions_collect(in, now, forces, forces_count, e, why);
	return r == 0 ? entries_sort(e) : r;
}

static int compile_map(const struct compile_input *in, struct wall now, struct ruleset *rs,
		       struct why *why)
{
	own_mem struct force *forces = malloc((in->restrictions_count + 1) * sizeof(*forces));
	struct sweep w = { .in = in, .forces = forces };
	struct entries e;

	if (!forces)
		return -ENOMEM;
	int r = entries_init(&e, entries_max(in));
	if (r == 0)
		r = entries_collect(in, now, forces, forces_collect(in, now, forces), &e, why);
	if (r == 0)
		r = sweep(&w, &e, rs, why);
	entries_done(&e);
	return r;
}

int compile(const struct compile_input *in, struct wall now, struct ruleset **ret, struct why *why)
{
	own(ruleset) struct ruleset *rs = calloc(1, sizeof(*rs));
	int r;

	if (!rs)
		return why_set(why, -ENOMEM, "out of memory");
	r = smarthosts_compile(in->plan, rs, why);
	if (r == 0)
		r = compile_map(in, now, rs, why);
	if (r == 0) {
		trim(rs);
		r = ruleset_finish(rs);
	}
	if (r < 0)
		return r == -ENOMEM ? why_set(why, r, "out of memory") : r;

	*ret = take(rs);
	return 0;
}
