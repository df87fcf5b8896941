/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold of every plan, tried on thousands of random ones. The naive
 * reading beside the compiler looks through all prefixes for each address and
 * shares no code with it. The seed is printed; PORTEIRO_SEED sets another.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"
#include "decide/compile.h"
#include "decide/verdict.h"

#define PLANS_DEFAULT  4000
#define SEGMENTS_MAX   6
#define PREFIXES_MAX   8
#define SMARTHOSTS_MAX 3
#define EXCEPTIONS_MAX 8
#define FORCED_MAX     5
#define ADDRS_MAX      1024
#define NOW            100

static uint64_t seed, random_state;
static int plans = PLANS_DEFAULT;

/* splitmix64 */
static uint64_t next_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static unsigned below(unsigned n)
{
	return (unsigned)(next_random() % n);
}

/* A random plan with its records, all of it in one place. */
struct world {
	struct plan plan;
	struct segment segments[SEGMENTS_MAX];
	struct plan_prefix prefixes[SEGMENTS_MAX][PREFIXES_MAX];
	struct smarthost smarthosts[SMARTHOSTS_MAX];
	struct plan_prefix relays[SMARTHOSTS_MAX][PREFIXES_MAX];
	struct exception exceptions[EXCEPTIONS_MAX];
	struct restriction restrictions[FORCED_MAX];
	struct compile_input in;
	struct addr addrs[ADDRS_MAX]; /* where something could begin or end, and others */
	size_t addrs_count;
};

static struct prefix cut(struct addr a, unsigned len)
{
	unsigned host = family_bits(a.family) - len;

	if (len == 0)
		a.bits = 0;
	else
		a.bits = a.bits >> host << host;
	return (struct prefix){ a, (uint8_t)len };
}

/*
 * Crowded on purpose: few different bits, so that prefixes nest, touch and
 * reach the first and the last address of a family.
 */
static struct prefix random_prefix(void)
{
	struct addr a = { .family = below(2) ? FAMILY_V4 : FAMILY_V6 };
	unsigned bits = family_bits(a.family);

	switch (below(4)) {
	case 0: /* at an end */
		a.bits = below(2) ? family_last(a.family) : 0;
		break;
	case 1: /* anywhere */
		a.bits = ((addr_bits)next_random() << 64 | next_random()) & family_last(a.family);
		break;
	default: /* in one /8, differing in a few places */
		a.bits = (addr_bits)10 << (bits - 8);
		for (int i = 0; i < 3; i++)
			a.bits ^= (addr_bits)below(2) << below(bits - 8);
	}
	return cut(a, below(3) ? bits - below(12) : below(bits + 1));
}

static bool is_taken(const struct world *w, struct prefix p)
{
	for (unsigned i = 0; i < w->plan.segments_count; i++)
		for (unsigned k = 0; k < w->segments[i].prefixes_count; k++)
			if (prefix_compare(w->prefixes[i][k].prefix, p) == 0)
				return true;
	return false;
}

static void add_addr(struct world *w, enum family f, addr_bits bits)
{
	if (bits <= family_last(f) && w->addrs_count < ADDRS_MAX)
		w->addrs[w->addrs_count++] = (struct addr){ bits, f };
}

/* Both sides of both ends. 0 - 1 and last + 1 wrap to an address of IPv6, which is one too. */
static void add_ends(struct world *w, struct prefix p)
{
	add_addr(w, p.addr.family, p.addr.bits - 1);
	add_addr(w, p.addr.family, p.addr.bits);
	add_addr(w, p.addr.family, prefix_last(p));
	add_addr(w, p.addr.family, prefix_last(p) + 1);
}

static void random_segment(struct world *w, unsigned i)
{
	static char names[SEGMENTS_MAX][2] = { "f", "b", "a", "e", "c", "d" };
	struct segment *s = &w->segments[i];

	*s = (struct segment){
		.name = names[i],
		.treatment = (enum treatment)below(TREATMENT_COUNT_),
		.mode = (enum mode)below(MODE_COUNT_),
		.strict = below(2),
		.inbound = below(2) ? MODE_OFF : (enum mode)below(MODE_COUNT_),
		.prefixes = w->prefixes[i],
	};
	w->plan.segments_count = i + 1;
	for (unsigned n = below(PREFIXES_MAX + 1); n > 0; n--) {
		struct prefix p = random_prefix();

		if (is_taken(w, p))
			continue;
		w->prefixes[i][s->prefixes_count++].prefix = p;
		add_ends(w, p);
	}
}

static void random_smarthost(struct world *w, unsigned i)
{
	struct smarthost *s = &w->smarthosts[i];

	*s = (struct smarthost){ .prefixes = w->relays[i] };
	w->plan.smarthosts_count = i + 1;
	for (unsigned n = below(3); n > 0; n--) {
		struct prefix p = random_prefix();

		w->relays[i][s->prefixes_count++].prefix = p;
		add_ends(w, p);
	}
}

/* Often a prefix that something else has as well. */
static struct prefix record_prefix(const struct world *w)
{
	if (w->addrs_count > 0 && below(2)) {
		struct addr a = w->addrs[below((unsigned)w->addrs_count)];

		return cut(a, family_bits(a.family) - below(10));
	}
	return random_prefix();
}

static void random_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->plan.segments = w->segments;
	w->plan.smarthosts = w->smarthosts;
	for (unsigned i = 0, n = 1 + below(SEGMENTS_MAX); i < n; i++)
		random_segment(w, i);
	for (unsigned i = 0, n = below(SMARTHOSTS_MAX + 1); i < n; i++)
		random_smarthost(w, i);
	w->in = (struct compile_input){ &w->plan, w->exceptions, below(EXCEPTIONS_MAX + 1),
					w->restrictions, below(FORCED_MAX + 1) };
	for (size_t i = 0; i < w->in.exceptions_count; i++) {
		w->exceptions[i] = (struct exception){ .id = i,
						       .prefix = record_prefix(w),
						       .until = { NOW - 1 + below(4) } };
		add_ends(w, w->exceptions[i].prefix);
	}
	for (size_t i = 0; i < w->in.restrictions_count; i++) {
		w->restrictions[i] =
		    (struct restriction){ .id = i,
					  .prefix = record_prefix(w),
					  .until = { NOW - 1 + below(4) },
					  .mode = below(2) ? MODE_REJECT : MODE_DROP };
		add_ends(w, w->restrictions[i].prefix);
	}
	for (int i = 0; i < 16; i++)
		add_ends(w, random_prefix());
}

static struct ruleset *compiled(const struct world *w)
{
	struct ruleset *rs = NULL;
	struct why why = { 0 };

	if (compile(&w->in, (struct wall){ NOW }, &rs, &why) != 0)
		fail_msg("seed %" PRIu64 ": %s", seed, why.text);
	if (ruleset_check(rs, &why) != 0)
		fail_msg("seed %" PRIu64 ": %s", seed, why.text);
	return rs;
}

static const struct segment *naive_segment(const struct world *w, struct addr a)
{
	const struct segment *best = NULL;
	int len = -1;

	for (unsigned i = 0; i < w->plan.segments_count; i++)
		for (unsigned k = 0; k < w->segments[i].prefixes_count; k++) {
			struct prefix p = w->segments[i].prefixes[k].prefix;

			if (prefix_holds(p, a) && p.len > len) {
				best = &w->segments[i];
				len = p.len;
			}
		}
	return best;
}

static bool naive_excepted(const struct world *w, struct addr a)
{
	for (size_t i = 0; i < w->in.exceptions_count; i++)
		if (w->exceptions[i].until.s >= NOW && prefix_holds(w->exceptions[i].prefix, a))
			return true;
	return false;
}

/* The restriction in force at `now` that ends last, and of several the harder one. */
static const struct restriction *naive_restriction(const struct world *w, struct addr a,
						   int64_t now)
{
	const struct restriction *best = NULL;

	for (size_t i = 0; i < w->in.restrictions_count; i++) {
		const struct restriction *r = &w->restrictions[i];

		if (r->until.s <= now || !prefix_holds(r->prefix, a))
			continue;
		if (!best || r->until.s > best->until.s ||
		    (r->until.s == best->until.s && r->mode > best->mode))
			best = r;
	}
	return best;
}

static struct class naive_class(const struct world *w, struct addr a, int64_t now)
{
	const struct segment *s = naive_segment(w, a);
	const struct restriction *r = naive_restriction(w, a, now);
	bool excepted = naive_excepted(w, a);
	struct class c = { .cause = CAUSE_NONE };

	if (s)
		strcpy(c.segment, s->name);
	if (s && !excepted) {
		c.cause = CAUSE_SEGMENT;
		c.mode = s->treatment == TREATMENT_CLOSED ? s->mode : MODE_OFF;
		c.inbound = s->inbound;
		c.strict = s->strict && (c.mode != MODE_OFF || c.inbound != MODE_OFF);
	}
	if (excepted)
		c.cause = CAUSE_EXCEPTION;
	if (r) {
		c.cause = CAUSE_RESTRICTION;
		c.mode = r->mode;
		c.strict = s && s->strict;
		c.until = r->until;
	}
	return c;
}

static bool same(const struct class *a, const struct class *b)
{
	return strcmp(a->segment, b->segment) == 0 && a->cause == b->cause && a->mode == b->mode &&
	       a->inbound == b->inbound && a->strict == b->strict && a->until.s == b->until.s;
}

/* Now, and at later times when restrictions have ended and nobody has compiled again. */
static void check_map(const struct world *w, const struct ruleset *rs)
{
	for (size_t i = 0; i < w->addrs_count; i++)
		for (int64_t now = NOW; now < NOW + 4; now++) {
			struct class want = naive_class(w, w->addrs[i], now);
			const struct class *got = ruleset_class_at(
			    rs, ruleset_class(rs, w->addrs[i]), (struct wall){ now });
			char addr[ADDR_TEXT_MAX], a[CLASS_NAME_MAX], b[CLASS_NAME_MAX];

			if (!same(got, &want))
				fail_msg("seed %" PRIu64 ": %s at %" PRId64 ": %s, should be %s",
					 seed, addr_text(w->addrs[i], addr), now,
					 class_name(got, a), class_name(&want, b));
		}
}

static bool naive_is_smarthost(const struct world *w, struct addr a)
{
	for (unsigned i = 0; i < w->plan.smarthosts_count; i++)
		for (unsigned k = 0; k < w->smarthosts[i].prefixes_count; k++)
			if (prefix_holds(w->relays[i][k].prefix, a))
				return true;
	return false;
}

static void the_map_is_the_longest_match(void **state)
{
	(void)state;
	for (int n = 0; n < plans; n++) {
		struct world w;

		random_world(&w);
		own(ruleset) struct ruleset *rs = compiled(&w);
		check_map(&w, rs);
		for (size_t i = 0; i < w.addrs_count; i++)
			assert_int_equal(ruleset_is_smarthost(rs, w.addrs[i]),
					 naive_is_smarthost(&w, w.addrs[i]));
	}
}

static struct packet random_packet(const struct world *w)
{
	struct packet p = {
		.kind = (enum packet_kind)below(PACKET_COUNT_),
		.src = w->addrs[below((unsigned)w->addrs_count)],
		.dst = w->addrs[below((unsigned)w->addrs_count)],
		.port_known = true,
		.dport = (uint16_t)(below(2) ? SMTP_PORT : below(65536)),
		.syn = below(2),
		.ack = below(2),
		.rst = below(4) == 0,
		.fin = below(4) == 0,
	};

	if (p.kind == PACKET_HIDDEN && below(2))
		p.port_known = false;
	return p;
}

static bool is_refused(struct judgement j)
{
	return j.verdict == VERDICT_REJECT || j.verdict == VERDICT_DROP;
}

static void nothing_but_tcp_25_is_refused(void **state)
{
	size_t refused = 0;
	(void)state;

	for (int n = 0; n < plans; n++) {
		struct world w;

		random_world(&w);
		own(ruleset) struct ruleset *rs = compiled(&w);
		for (int k = 0; k < 200; k++) {
			struct packet p = random_packet(&w);
			enum side side = below(2) ? SIDE_SUBSCRIBER : SIDE_UPLINK;
			struct judgement j = verdict_of(rs, &p, side, (struct wall){ NOW });
			bool is_25 = p.kind == PACKET_TCP && p.dport == SMTP_PORT;
			bool hides =
			    p.kind == PACKET_HIDDEN && (!p.port_known || p.dport == SMTP_PORT);

			refused += is_refused(j);
			if (j.verdict == VERDICT_PASS)
				continue;
			assert_true(is_25 || hides);
			/* Hidden ports are refused to closed sources only. */
			if (p.kind == PACKET_HIDDEN && !p.port_known) {
				struct class c = naive_class(&w, p.src, NOW);

				assert_true(side == SIDE_SUBSCRIBER && c.mode != MODE_OFF);
				assert_true(j.verdict == VERDICT_MONITOR ||
					    j.verdict == VERDICT_DROP);
			}
			assert_false(naive_is_smarthost(&w, p.dst));
		}
	}
	assert_true(refused > (size_t)plans); /* or nothing has been tried */
}

static void an_exception_only_opens(void **state)
{
	size_t opened = 0;
	(void)state;

	for (int n = 0; n < plans; n++) {
		struct world w;

		do
			random_world(&w);
		while (w.in.exceptions_count == 0);
		own(ruleset) struct ruleset *with = compiled(&w);
		w.in.exceptions_count--;
		own(ruleset) struct ruleset *without = compiled(&w);
		for (int k = 0; k < 100; k++) {
			struct packet p = random_packet(&w);
			enum side side = below(2) ? SIDE_SUBSCRIBER : SIDE_UPLINK;
			struct judgement a = verdict_of(without, &p, side, (struct wall){ NOW });
			struct judgement b = verdict_of(with, &p, side, (struct wall){ NOW });

			opened += is_refused(a) && !is_refused(b);
			assert_true(is_refused(a) || !is_refused(b));
			assert_true(a.verdict != VERDICT_PASS || b.verdict == VERDICT_PASS);
		}
	}
	assert_true(opened > 0);
}

static void shuffle(void *array, size_t count, size_t size)
{
	char *bytes = array, swap[512];

	assert_true(size <= sizeof(swap));
	for (size_t i = count; i > 1; i--) {
		size_t k = below((unsigned)i);

		memcpy(swap, bytes + k * size, size);
		memcpy(bytes + k * size, bytes + (i - 1) * size, size);
		memcpy(bytes + (i - 1) * size, swap, size);
	}
}

static void the_order_of_the_input_does_not_matter(void **state)
{
	(void)state;
	for (int n = 0; n < plans; n++) {
		own_mem uint8_t *a = NULL, *b = NULL;
		size_t a_len, b_len;
		struct world w;

		random_world(&w);
		own(ruleset) struct ruleset *first = compiled(&w);
		for (unsigned i = 0; i < w.plan.segments_count; i++)
			shuffle(w.segments[i].prefixes, w.segments[i].prefixes_count,
				sizeof(struct plan_prefix));
		shuffle(w.segments, w.plan.segments_count, sizeof(*w.segments));
		shuffle(w.smarthosts, w.plan.smarthosts_count, sizeof(*w.smarthosts));
		shuffle(w.exceptions, w.in.exceptions_count, sizeof(*w.exceptions));
		shuffle(w.restrictions, w.in.restrictions_count, sizeof(*w.restrictions));
		own(ruleset) struct ruleset *second = compiled(&w);

		assert_int_equal(ruleset_encode(first, &a, &a_len), 0);
		assert_int_equal(ruleset_encode(second, &b, &b_len), 0);
		assert_int_equal(a_len, b_len);
		assert_memory_equal(a, b, a_len);
		assert_memory_equal(first->hash, second->hash, RULESET_HASH_BYTES);
		assert_true(ruleset_compare(first, second, NULL, NULL).same);
	}
}

static void what_is_encoded_comes_back(void **state)
{
	(void)state;
	for (int n = 0; n < plans; n++) {
		own(ruleset) struct ruleset *back = NULL;
		own_mem uint8_t *bytes = NULL, *again = NULL;
		size_t len, again_len;
		struct world w;

		random_world(&w);
		own(ruleset) struct ruleset *rs = compiled(&w);
		assert_int_equal(ruleset_encode(rs, &bytes, &len), 0);
		assert_int_equal(ruleset_decode(bytes, len, &back, NULL), 0);
		assert_int_equal(ruleset_encode(back, &again, &again_len), 0);
		assert_int_equal(len, again_len);
		assert_memory_equal(bytes, again, len);
		check_map(&w, back);
	}
}

/* Marks the addresses of a world that lie in a range that the comparison tells. */
struct marks {
	const struct world *w;
	bool told[ADDRS_MAX];
	struct addr last; /* of the range before */
	bool any;
};

static int mark(void *arg, struct addr first, addr_bits last, const struct class *before,
		const struct class *after)
{
	struct marks *m = arg;

	(void)before;
	(void)after;
	assert_true(first.bits <= last);
	if (m->any && m->last.family == first.family)
		assert_true(m->last.bits < first.bits);
	m->last = (struct addr){ last, first.family };
	m->any = true;
	for (size_t i = 0; i < m->w->addrs_count; i++)
		if (m->w->addrs[i].family == first.family && m->w->addrs[i].bits >= first.bits &&
		    m->w->addrs[i].bits <= last)
			m->told[i] = true;
	return 0;
}

static void comparison_tells_what_differs_and_nothing_else(void **state)
{
	(void)state;
	for (int n = 0; n < plans; n++) {
		struct marks m = { 0 };
		struct world w;
		size_t differ = 0;

		random_world(&w);
		own(ruleset) struct ruleset *a = compiled(&w);
		w.in.exceptions_count /= 2;
		w.in.restrictions_count /= 2;
		w.segments[0].strict = !w.segments[0].strict;
		own(ruleset) struct ruleset *b = compiled(&w);
		m.w = &w;
		struct ruleset_diff d = ruleset_compare(a, b, mark, &m);

		for (size_t i = 0; i < w.addrs_count; i++) {
			bool equal = class_equal(a, ruleset_class(a, w.addrs[i]), b,
						 ruleset_class(b, w.addrs[i]));

			assert_int_equal(m.told[i], !equal);
			differ += !equal;
		}
		assert_int_equal(d.same, differ == 0);
		for (enum family f = 0; f < FAMILY_COUNT_; f++)
			assert_true(d.family[f].closed + d.family[f].opened <=
				    d.family[f].addresses);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_map_is_the_longest_match),
		cmocka_unit_test(nothing_but_tcp_25_is_refused),
		cmocka_unit_test(an_exception_only_opens),
		cmocka_unit_test(the_order_of_the_input_does_not_matter),
		cmocka_unit_test(what_is_encoded_comes_back),
		cmocka_unit_test(comparison_tells_what_differs_and_nothing_else),
	};
	const char *given = getenv("PORTEIRO_SEED");
	const char *fewer = getenv("PORTEIRO_PLANS"); /* where each plan takes long: sanitizers */

	if (fewer)
		plans = atoi(fewer);
	seed = given ? strtoull(given, NULL, 0) : 20261201;
	random_state = seed;
	printf("seed %" PRIu64 ", %d plans each\n", seed, plans);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
