/* SPDX-License-Identifier: BSD-2-Clause */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide/compile.h"

#define SEGMENTS 6
#define MANY     512

uint32_t sample_random(uint64_t *state)
{
	/* splitmix64 */
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) >> 16);
}

static uint32_t below(uint64_t *state, uint32_t n)
{
	return sample_random(state) % n;
}

static addr_bits crowded(enum family f, uint64_t *s)
{
	if (f == FAMILY_V4)
		return 0x0a000000u | below(s, 4) << 16 | below(s, 4) << 8 | below(s, 256);
	return (addr_bits)0x20010db8 << 96 | (addr_bits)below(s, 4) << 80 |
	       (addr_bits)below(s, 4) << 64 | below(s, 256);
}

/* `narrow`: long prefixes only, as single lines and hosts have. */
static struct prefix crowded_prefix(uint64_t *s, bool narrow)
{
	static const uint8_t lengths4[] = { 8, 14, 16, 22, 23, 24, 25, 28, 30, 31, 32 };
	static const uint8_t lengths6[] = { 32, 46, 48, 62, 64, 65, 112, 120, 126, 127, 128 };
	struct prefix p = { .addr.family = below(s, 2) ? FAMILY_V6 : FAMILY_V4 };
	addr_bits host;

	uint32_t i = narrow ? 6 + below(s, sizeof(lengths4) - 6) : below(s, sizeof(lengths4));

	p.len = p.addr.family == FAMILY_V4 ? lengths4[i] : lengths6[i];
	host = ((addr_bits)1 << (family_bits(p.addr.family) - p.len)) - 1;
	p.addr.bits = crowded(p.addr.family, s) & ~host;
	return p;
}

/* Add the prefix unless the plan has it already: it may be in one segment only. */
static void prefix_add(struct segment *segments, unsigned at, struct prefix p)
{
	struct segment *s = &segments[at];

	for (unsigned i = 0; i < SEGMENTS; i++)
		for (unsigned k = 0; k < segments[i].prefixes_count; k++)
			if (prefix_compare(segments[i].prefixes[k].prefix, p) == 0)
				return;
	s->prefixes[s->prefixes_count++] = (struct plan_prefix){ .prefix = p, .line = 1 };
}

static void segments_make(struct segment *segments, struct plan_prefix *room, unsigned prefixes,
			  uint64_t *s)
{
	static const enum mode modes[SEGMENTS] = { MODE_REJECT, MODE_DROP,   MODE_MONITOR,
						   MODE_OFF,    MODE_REJECT, MODE_DROP };
	/* nft's own words on purpose: no name may be taken for one */
	static char names[SEGMENTS][16] = { "drop", "tcp-25", "map", "accept", "0day", "fwd" };

	for (unsigned i = 0; i < SEGMENTS; i++) {
		segments[i] = (struct segment){
			.name = names[i],
			.treatment = modes[i] == MODE_OFF ? TREATMENT_OPEN : TREATMENT_CLOSED,
			.mode = modes[i],
			.strict = below(s, 2),
			.inbound = below(s, 2) ? (enum mode)below(s, MODE_COUNT_) : MODE_OFF,
			.prefixes = room + (size_t)i * MANY,
		};
	}
	for (unsigned i = 0; i < prefixes; i++)
		prefix_add(segments, below(s, SEGMENTS), crowded_prefix(s, false));
}

struct ruleset *sample_ruleset(uint64_t seed, unsigned prefixes, struct wall now)
{
	uint64_t state = seed * 7919 + prefixes, *s = &state;
	own_mem struct plan_prefix *room = calloc((SEGMENTS + 1) * MANY, sizeof(*room));
	own_mem struct exception *exceptions = calloc(MANY, sizeof(*exceptions));
	own_mem struct restriction *restrictions = calloc(MANY, sizeof(*restrictions));
	struct segment segments[SEGMENTS];
	struct ruleset *rs = NULL;
	struct why why = { 0 };

	if (!room || !exceptions || !restrictions || prefixes >= MANY)
		abort();
	segments_make(segments, room, prefixes, s);
	for (unsigned i = 0; i < prefixes / 3; i++)
		exceptions[i] = (struct exception){ .prefix = crowded_prefix(s, true),
						    .until = { now.s + 9999 } };
	for (unsigned i = 0; i < prefixes / 4; i++)
		restrictions[i] =
		    (struct restriction){ .prefix = crowded_prefix(s, true),
					  .until = { now.s + 2000 + 1000 * below(s, 3) },
					  .mode = below(s, 2) ? MODE_DROP : MODE_REJECT };
	struct plan_prefix *hosts = room + SEGMENTS * MANY;
	for (unsigned i = 0; i < 3; i++)
		hosts[i].prefix = crowded_prefix(s, true);
	struct smarthost smarthost = { .prefixes = hosts, .prefixes_count = 3 };
	struct plan plan = { .segments = segments,
			     .segments_count = SEGMENTS,
			     .smarthosts = &smarthost,
			     .smarthosts_count = 1 };
	struct compile_input in = { &plan, exceptions, prefixes / 3, restrictions, prefixes / 4 };
	if (compile(&in, now, &rs, &why) < 0) {
		fprintf(stderr, "sample %llu: %s\n", (unsigned long long)seed, why.text);
		abort();
	}
	return rs;
}

struct addr sample_addr(const struct ruleset *rs, enum family f, uint64_t *s)
{
	struct addr a = { .bits = crowded(f, s), .family = f };
	addr_bits outside = f == FAMILY_V4 ? 0x0a : 0x20010db8;
	unsigned shift = f == FAMILY_V4 ? 24 : 96;

	if (below(s, 2) == 0)
		return a;
	struct ruleset_range r = ruleset_range_at(rs, f, below(s, (uint32_t)ruleset_ranges(rs, f)));
	a.bits = below(s, 2) ? r.first.bits : r.last;
	return a.bits >> shift == outside ? a : (struct addr){ crowded(f, s), f };
}

struct prefix sample_prefix(const struct ruleset *rs, uint64_t seed)
{
	uint64_t state = seed * 104729, *s = &state;
	struct prefix p = crowded_prefix(s, below(s, 2));

	if (below(s, 2)) {
		p.addr = sample_addr(rs, p.addr.family, s);
		p.len = (uint8_t)family_bits(p.addr.family);
	}
	return p;
}

struct class sample_class(const struct ruleset *rs, uint64_t seed)
{
	uint64_t state = seed * 1299709, *s = &state;

	if (below(s, 2))
		return (struct class){ .cause = CAUSE_EXCEPTION, .segment = "new" };
	return rs->classes[below(s, (uint32_t)rs->classes_count)];
}
