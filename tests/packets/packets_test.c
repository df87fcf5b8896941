/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet program against the reference interpreter, frame for frame, both
 * through the kernel (BPF_PROG_TEST_RUN) and by the same rulesets: what the two
 * see, what they decide, what is counted.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"
#include "bpf_need.h"
#include "decide/verdict.h"
#include "enforce/xdp.h"
#include "enforce/xdp_run.h"
#include "frame.h"
#include "wire/packet.h"

static struct filter *filter;
static struct ruleset *rules;
static struct wall now;

static struct addr address(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

/*
 * The plan of these tests. From 10.M.0.0/16 and 2001:db8:M::/48 the class has mode M
 * (0 off, 1 monitor, 2 reject, 3 drop), strict from M = 4 on (4 + M); 10.9 and
 * 2001:db8:9 are restricted until the past, 10.10 and 2001:db8:a until far away;
 * 10.20 to 10.23 have inbound mode 0 to 3, and 2001:db8:14 to 17.
 */
enum { CLASS_PAST = 9, CLASS_FUTURE = 10, CLASS_INBOUND = 20, CLASSES = 24 };

static void make_classes(struct ruleset *rs)
{
	rs->classes = calloc(CLASSES, sizeof(*rs->classes));
	rs->classes_count = CLASSES;
	for (uint16_t i = 1; i < CLASSES; i++) {
		struct class *c = &rs->classes[i];

		snprintf(c->segment, sizeof(c->segment), "segment%u", i);
		c->cause = CAUSE_SEGMENT;
		c->mode = i < 8 ? (enum mode)(i % 4) : MODE_OFF;
		c->strict = i >= 4 && i < 8;
		if (i >= CLASS_INBOUND)
			c->inbound = (enum mode)(i - CLASS_INBOUND);
	}
	for (int i = CLASS_PAST; i <= CLASS_FUTURE; i++) {
		rs->classes[i].cause = CAUSE_RESTRICTION;
		rs->classes[i].mode = MODE_DROP;
		rs->classes[i].until.s = i == CLASS_PAST ? now.s - 10 : now.s + 3600;
		rs->classes[i].under = 1;
	}
}

static void make_rules(void)
{
	rules = calloc(1, sizeof(*rules));
	assert_non_null(rules);
	make_classes(rules);
	rules->v4 = calloc(CLASSES + 2, sizeof(*rules->v4));
	rules->v6 = calloc(CLASSES + 2, sizeof(*rules->v6));
	rules->v4[rules->v4_count++] = (struct interval4){ 0, 0 };
	rules->v6[rules->v6_count++] = (struct interval6){ 0, 0 };
	for (uint16_t i = 1; i <= CLASSES; i++) {
		rules->v4[rules->v4_count++] =
		    (struct interval4){ 10U << 24 | (uint32_t)i << 16, i % CLASSES };
		rules->v6[rules->v6_count++] =
		    (struct interval6){ address("2001:db8::").bits | (addr_bits)i << 80,
					i % CLASSES };
	}
	rules->smarthosts = calloc(2, sizeof(*rules->smarthosts));
	rules->smarthosts_count = 2;
	rules->smarthosts[0] =
	    (struct smarthost_range){ address("192.0.2.99"), address("192.0.2.99").bits };
	rules->smarthosts[1] =
	    (struct smarthost_range){ address("2001:db8:2::99"), address("2001:db8:2::99").bits };
}

static const char *describe(const struct frame_spec *s)
{
	static char text[200];

	snprintf(text, sizeof(text), "%s %s from %s to %s port %u flags %02x fragment %u%s",
		 frame_link_name(s->link), s->v6 ? "v6" : "v4", s->src ? s->src : "-",
		 s->dst ? s->dst : "-", s->dport ? s->dport : 25, s->flags, s->fragment,
		 s->more ? "+" : "");
	return text;
}

/* A reset would carry the frame's destination as its source: no group address may be that. */
static uint32_t action_of(enum verdict v, enum xdp_run_at at, bool to_group)
{
	if (v == VERDICT_REJECT && to_group)
		v = VERDICT_DROP;
	if (at == RUN_XDP)
		return v == VERDICT_REJECT ? XDP_TX : v == VERDICT_DROP ? XDP_DROP : XDP_PASS;
	return v == VERDICT_REJECT ? TC_ACT_REDIRECT
	       : v == VERDICT_DROP ? TC_ACT_SHOT
				   : (uint32_t)TC_ACT_UNSPEC;
}

static bool syn_first(const struct packet *p)
{
	return p->kind == PACKET_TCP && p->syn && !p->ack;
}

/* One frame through both; *ran is what the kernel did. */
static struct judgement run_both(const struct ruleset *rs, const uint8_t *bytes, size_t len,
				 enum side side, enum xdp_run_at at, const char *what,
				 struct xdp_ran *ran)
{
	struct packet p = packet_parse(bytes, len);
	struct judgement j = verdict_of(rs, &p, side, now);
	struct xdp_run run = { .at = at,
			       .side = side == SIDE_UPLINK ? FILTER_UPLINK : FILTER_SUBSCRIBER,
			       .frame = bytes,
			       .len = len };
	struct why why = { 0 };

	if (xdp_run(filter, &run, ran, &why) < 0)
		fail_msg("%s: %s", what, why.text);
	if (ran->saw.seen != (uint8_t)p.kind)
		fail_msg("%s: %zu bytes: the program saw kind %u, the reference %d", what, len,
			 ran->saw.seen, p.kind == PACKET_UNPARSED ? FILTER_UNPARSED : (int)p.kind);
	if (ran->saw.verdict != (uint8_t)j.verdict)
		fail_msg("%s: %zu bytes: verdict %u, the reference says %s", what, len,
			 ran->saw.verdict, verdict_name(j.verdict));
	if (len >= 14 && ran->action != action_of(j.verdict, at, bytes[0] & 1))
		fail_msg("%s: action %u on %s", what, ran->action, verdict_name(j.verdict));
	if (ran->saw.syn_first != syn_first(&p))
		fail_msg("%s: syn %u", what, ran->saw.syn_first);
	return j;
}

static void check(const struct frame_spec *s, enum side side, enum verdict want)
{
	struct frame f;
	struct xdp_ran ran;
	struct judgement j;

	frame_make(s, &f);
	j = run_both(rules, f.bytes, f.len, side, RUN_XDP, describe(s), &ran);
	if (j.verdict != want)
		fail_msg("%s: %s", describe(s), verdict_name(j.verdict));
	run_both(rules, f.bytes, f.len, side, RUN_TC, describe(s), &ran);
}

static const char *source_of(bool v6, unsigned class)
{
	static char text[32];

	if (v6)
		snprintf(text, sizeof(text), "2001:db8:%x::7", class);
	else
		snprintf(text, sizeof(text), "10.%u.0.7", class);
	return text;
}

static void every_encapsulation_family_and_verdict(void **state)
{
	(void)state;
	for (int link = 0; link < LINK_COUNT_; link++) {
		for (int v6 = 0; v6 < 2; v6++) {
			for (unsigned class = 0; class < 8; class ++) {
				struct frame_spec s = { .link = (enum frame_link)link,
							.v6 = v6,
							.src = source_of(v6, class) };
				enum verdict mode = (enum verdict)(class % 4);

				s.flags = TCP_SYN;
				check(&s, SIDE_SUBSCRIBER, mode);
				check(&s, SIDE_UPLINK, VERDICT_PASS);
				s.flags = TCP_SYN | TCP_ACK;
				check(&s, SIDE_SUBSCRIBER, mode);
				s.flags = TCP_ACK;
				s.payload = 100;
				check(&s, SIDE_SUBSCRIBER, class >= 4 ? mode : VERDICT_PASS);
				s.flags = TCP_SYN;
				for (unsigned port = 24; port <= 587; port++) {
					if (port == 25 || (port > 30 && port < 460))
						continue;
					s.dport = (uint16_t)port;
					check(&s, SIDE_SUBSCRIBER, VERDICT_PASS);
				}
				s.dport = 40000;
				s.sport = 25;
				check(&s, SIDE_SUBSCRIBER, VERDICT_PASS);
			}
		}
	}
}

static void a_third_tag_is_none_of_our_business(void **state)
{
	struct frame_spec s = { .link = LINK_THREE_TAGS, .src = "10.3.0.1", .flags = TCP_SYN };

	(void)state;
	check(&s, SIDE_SUBSCRIBER, VERDICT_PASS);
}

static void other_protocols_pass(void **state)
{
	static const uint8_t protocols[] = { 1, 17, 41, 47, 50, 58, 132, 255 };

	(void)state;
	for (size_t i = 0; i < sizeof(protocols); i++) {
		for (int v6 = 0; v6 < 2; v6++) {
			struct frame_spec s = { .v6 = v6, .protocol = protocols[i] };

			s.src = source_of(v6, 3);
			check(&s, SIDE_SUBSCRIBER, VERDICT_PASS);
		}
	}
}

static void smarthosts_stay_open(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct frame_spec s = { .v6 = v6, .flags = TCP_SYN };

		s.src = source_of(v6, 2);
		s.dst = v6 ? "2001:db8:2::99" : "192.0.2.99";
		check(&s, SIDE_SUBSCRIBER, VERDICT_PASS);
		s.dst = v6 ? "2001:db8:2::9a" : "192.0.2.98";
		check(&s, SIDE_SUBSCRIBER, VERDICT_REJECT);
	}
}

static void inbound_is_a_switch_of_its_own(void **state)
{
	char dst[32];

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (unsigned mode = 0; mode < 4; mode++) {
			struct frame_spec s = { .v6 = v6, .flags = TCP_SYN, .dst = dst };

			strcpy(dst, source_of(v6, CLASS_INBOUND + mode));
			s.src = v6 ? "2001:db8:ffff::1" : "203.0.113.1";
			check(&s, SIDE_UPLINK, (enum verdict)mode);
			check(&s, SIDE_SUBSCRIBER, (enum verdict)mode);
			s.flags = TCP_ACK;
			check(&s, SIDE_UPLINK, VERDICT_PASS);
			/* Both ends have something to say: refusing beats monitoring. */
			s.flags = TCP_SYN;
			s.src = v6 ? "2001:db8:1::1" : "10.1.0.1";
			check(&s, SIDE_SUBSCRIBER,
			      mode >= 2 ? (enum verdict)mode : VERDICT_MONITOR);
		}
	}
}

static void restrictions_end_by_themselves(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct frame_spec s = { .v6 = v6, .flags = TCP_SYN };

		s.src = source_of(v6, CLASS_PAST);
		check(&s, SIDE_SUBSCRIBER, VERDICT_MONITOR);
		s.src = source_of(v6, CLASS_FUTURE);
		check(&s, SIDE_SUBSCRIBER, VERDICT_DROP);
	}
}

/* A reset is never answered by a reset. */
static void a_reset_is_not_answered(void **state)
{
	struct frame_spec s = { .src = "10.6.0.1", .flags = TCP_RST };

	(void)state;
	check(&s, SIDE_SUBSCRIBER, VERDICT_DROP);
	s.flags = TCP_RST | TCP_ACK;
	check(&s, SIDE_SUBSCRIBER, VERDICT_DROP);
}

static void ip_options_and_tcp_options(void **state)
{
	(void)state;
	for (unsigned options = 0; options <= 40; options += 4) {
		struct frame_spec s = { .src = "10.2.0.1",
					.flags = TCP_SYN,
					.ip_options = options };

		check(&s, SIDE_SUBSCRIBER, VERDICT_REJECT);
		s.tcp_options = 40 - options;
		s.link = LINK_QINQ_PPPOE_SHORT;
		check(&s, SIDE_SUBSCRIBER, VERDICT_REJECT);
	}
}

static void extension_header_chains(void **state)
{
	static const struct {
		const char *why;
		uint8_t chain[12];
		enum verdict want;
	} rows[] = {
		/* clang-format off */
		{ "hop-by-hop",                 { 0, 255 },                              VERDICT_REJECT },
		{ "routing",                    { 43, 255 },                             VERDICT_REJECT },
		{ "destination",                { 60, 255 },                             VERDICT_REJECT },
		{ "authentication",             { 51, 255 },                             VERDICT_REJECT },
		{ "mobility",                   { 135, 255 },                            VERDICT_REJECT },
		{ "an atomic fragment",         { 44, 255 },                             VERDICT_REJECT },
		{ "all of them",                { 0, 60, 43, 44, 51, 60, 135, 255 },     VERDICT_REJECT },
		{ "eight",                      { 60, 60, 60, 60, 60, 60, 60, 60, 255 }, VERDICT_REJECT },
		{ "nine: too many to read",     { 60, 60, 60, 60, 60, 60, 60, 60, 60, 255 }, VERDICT_PASS },
		{ "no next header",             { 0, 59, 255 },                          VERDICT_PASS },
		{ "encrypted",                  { 50, 255 },                             VERDICT_PASS },
		{ "two fragment headers",       { 44, 44, 255 },                         VERDICT_REJECT },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int link = 0; link < LINK_COUNT_; link++) {
			struct frame_spec s = { .link = (enum frame_link)link,
						.v6 = true,
						.src = "2001:db8:2::1",
						.flags = TCP_SYN,
						.extension = rows[i].chain };

			check(&s, SIDE_SUBSCRIBER, rows[i].want);
		}
	}
}

/* The trap of other filters: at a fragment header, byte 1 is no length. */
static void a_fragment_header_has_no_length(void **state)
{
	static const uint8_t chain[] = { 44, 255 };

	(void)state;
	for (unsigned reserved = 0; reserved < 256; reserved++) {
		struct frame_spec s = { .v6 = true,
					.src = "2001:db8:2::1",
					.flags = TCP_SYN,
					.extension = chain,
					.reserved = (uint8_t)reserved };

		check(&s, SIDE_SUBSCRIBER, VERDICT_REJECT);
	}
}

static void later_fragments_pass_first_ones_are_read(void **state)
{
	static const uint8_t chain[] = { 44, 255 };

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct frame_spec s = { .v6 = v6, .flags = TCP_SYN, .extension = chain };

		s.src = source_of(v6, 2);
		s.more = true;
		check(&s, SIDE_SUBSCRIBER, VERDICT_REJECT);
		for (unsigned offset = 1; offset < 0x1fff; offset = offset * 2 + 1) {
			s.fragment = offset;
			check(&s, SIDE_SUBSCRIBER, VERDICT_PASS);
			s.more = !s.more;
		}
	}
}

/* Set the length that the IP header claims to `ip_len` bytes in all, and cut the frame there. */
static void shorten(struct frame *f, bool v6, size_t ip_len)
{
	size_t field = v6 ? ip_len - 40 : ip_len;

	f->bytes[f->ip + (v6 ? 4 : 2)] = (uint8_t)(field >> 8);
	f->bytes[f->ip + (v6 ? 5 : 3)] = (uint8_t)field;
	f->len = f->ip + ip_len;
}

/* RFC 1858, RFC 7112: a first fragment that leaves the port to the next one. */
static void tiny_fragments_hide_nothing(void **state)
{
	static const uint8_t chain[] = { 44, 255 }, plain[] = { 255 };
	struct xdp_ran ran;
	struct frame f;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (unsigned class = 0; class < 4; class ++) {
			for (size_t l4 = 0; l4 < 24; l4++) {
				for (int more = 0; more < 2; more++) {
					struct frame_spec s = { .v6 = v6,
								.src = source_of(v6, class),
								.flags = TCP_SYN,
								.payload = 10,
								.more = more };

					s.extension = more ? chain : plain;
					frame_make(&s, &f);
					shorten(&f, v6, f.tcp - f.ip + l4);
					struct judgement j =
					    run_both(rules, f.bytes, f.len, SIDE_SUBSCRIBER,
						     RUN_XDP, describe(&s), &ran);
					if (more && class >= 2 && l4 < 20)
						assert_int_equal(j.verdict, VERDICT_DROP);
					if (!more && l4 < 20)
						assert_int_equal(j.verdict, VERDICT_PASS);
					run_both(rules, f.bytes, f.len, SIDE_SUBSCRIBER, RUN_TC,
						 describe(&s), &ran);
				}
			}
		}
	}
}

/* Overlapping: a second fragment that rewrites the first's port is a later fragment, and the
 * first has been judged by the port it showed; what no first fragment showed never assembles. */
static void overlapping_fragments(void **state)
{
	struct frame_spec s = { .src = "10.2.0.1", .flags = TCP_SYN, .more = true, .dport = 587 };

	(void)state;
	check(&s, SIDE_SUBSCRIBER, VERDICT_PASS);
	s.fragment = 1;
	s.dport = 25;
	check(&s, SIDE_SUBSCRIBER, VERDICT_PASS);
}

static void truncated_at_every_byte(void **state)
{
	static const uint8_t chain[] = { 0, 60, 44, 51, 255 };
	struct xdp_ran ran;
	struct frame f;

	(void)state;
	for (int link = 0; link < LINK_COUNT_; link++) {
		for (int v6 = 0; v6 < 2; v6++) {
			for (int variant = 0; variant < 3; variant++) {
				struct frame_spec s = { .link = (enum frame_link)link,
							.v6 = v6,
							.src = source_of(v6, 2),
							.flags = TCP_SYN,
							.ip_options = variant ? 12 : 0,
							.extension = variant ? chain : NULL,
							.more = variant == 2,
							.tcp_options = 8,
							.payload = 8 };

				frame_make(&s, &f);
				for (size_t len = 0; len <= f.len; len++) {
					run_both(rules, f.bytes, len, SIDE_SUBSCRIBER, RUN_XDP,
						 describe(&s), &ran);
					/* The kernel itself wants an IP header before tc runs. */
					if (len > f.ip + 40)
						run_both(rules, f.bytes, len, SIDE_SUBSCRIBER,
							 RUN_TC, describe(&s), &ran);
				}
			}
		}
	}
}

static uint64_t seed = 88172645463325252ULL;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static unsigned below(unsigned n)
{
	return (unsigned)(rnd() % n);
}

static void random_spec(struct frame_spec *s, char src[32], char dst[32], uint8_t chain[12])
{
	static const uint8_t types[] = { 0, 43, 44, 51, 60, 135, 59, 50 };
	static const uint16_t ports[] = { 25, 25, 25, 25, 465, 587, 80, 24, 26 };
	unsigned n = below(10);

	*s = (struct frame_spec){ .link = (enum frame_link)below(LINK_THREE_TAGS + 1),
				  .v6 = below(2),
				  .dport = ports[below(9)],
				  .flags = (uint8_t)(below(3) ? TCP_SYN : rnd()),
				  .tcp_options = below(6) * 4,
				  .payload = below(3) * 40,
				  .ip_options = below(11) * 4,
				  .fragment = below(4) ? 0 : below(0x1fff),
				  .more = below(4) == 0,
				  .reserved = (uint8_t)rnd() };
	if (s->link == LINK_COUNT_)
		s->link = LINK_PLAIN;
	for (unsigned i = 0; i < n; i++)
		chain[i] = types[below(below(3) ? 6 : 8)];
	chain[n] = 255;
	s->extension = below(3) ? chain + n : chain;
	strcpy(src, source_of(s->v6, below(CLASSES + 2)));
	s->src = src;
	if (below(3) == 0) {
		strcpy(dst, source_of(s->v6, below(CLASSES + 2)));
		s->dst = dst;
	} else if (below(4) == 0) {
		s->dst = s->v6 ? "2001:db8:2::99" : "192.0.2.99";
	}
}

/* Thousands of frames, some of them damaged. */
static void random_frames(void **state)
{
	char src[32], dst[32];
	uint8_t chain[12];
	struct xdp_ran ran;
	struct frame_spec s;
	struct frame f;

	(void)state;
	for (int i = 0; i < 60000; i++) {
		random_spec(&s, src, dst, chain);
		frame_make(&s, &f);
		if (below(3) == 0)
			for (unsigned n = below(4); n > 0; n--)
				f.bytes[below((unsigned)f.len)] = (uint8_t)rnd();
		if (below(4) == 0)
			f.len = below((unsigned)f.len + 1);
		run_both(rules, f.bytes, f.len, below(3) ? SIDE_SUBSCRIBER : SIDE_UPLINK, RUN_XDP,
			 describe(&s), &ran);
	}
}

struct counted {
	const char *class;
	struct filter_count c;
};

static int find_class(void *arg, const struct filter_count *c)
{
	struct counted *w = arg;

	if (strcmp(c->class, w->class) == 0)
		w->c = *c;
	return 0;
}

static struct filter_count count_of(const char *class)
{
	struct counted w = { .class = class };
	struct why why = { 0 };

	assert_int_equal(filter->ops->counters(filter, find_class, &w, &why), 0);
	return w.c;
}

static void counters_survive_a_swap(void **state)
{
	char name[CLASS_NAME_MAX];
	struct filter_count before, after;
	struct frame_spec s = { .flags = TCP_SYN };
	struct why why = { 0 };

	(void)state;
	for (unsigned class = 0; class < 4; class ++) {
		class_name(&rules->classes[class], name);
		before = count_of(name);
		s.src = source_of(false, class);
		check(&s, SIDE_SUBSCRIBER, (enum verdict) class); /* counts twice: XDP and tc */
		assert_int_equal(filter->ops->load(filter, rules, &why), 0);
		check(&s, SIDE_SUBSCRIBER, (enum verdict) class);
		after = count_of(name);
		assert_int_equal(after.passed - before.passed, class == 0 ? 4 : 0);
		assert_int_equal(after.monitored - before.monitored, class == 1 ? 4 : 0);
		assert_int_equal(after.rejected - before.rejected, class == 2 ? 4 : 0);
		assert_int_equal(after.dropped - before.dropped, class == 3 ? 4 : 0);
	}
}

static void the_switch_opens_everything(void **state)
{
	struct frame_spec s = { .src = "10.2.0.1", .flags = TCP_SYN };
	struct xdp_ran ran;
	struct xdp_run run = { 0 };
	struct why why = { 0 };
	struct frame f;
	bool open = false;

	(void)state;
	frame_make(&s, &f);
	run.frame = f.bytes;
	run.len = f.len;
	assert_int_equal(filter->ops->set_open(filter, true, &why), 0);
	assert_int_equal(filter->ops->is_open(filter, &open, &why), 0);
	assert_true(open);
	assert_int_equal(xdp_run(filter, &run, &ran, &why), 0);
	assert_int_equal(ran.action, XDP_PASS);
	assert_int_equal(ran.saw.opened, 1);
	assert_int_equal(filter->ops->set_open(filter, false, &why), 0);
	assert_int_equal(xdp_run(filter, &run, &ran, &why), 0);
	assert_int_equal(ran.action, XDP_TX);
}

/* An exception is in force when put() returns; reading back finds it, and only it. */
static void an_exception_in_place(void **state)
{
	struct class open = { .segment = "segment2", .cause = CAUSE_EXCEPTION };
	struct frame_spec s = { .src = "10.2.0.1", .flags = TCP_SYN };
	struct filter_drift drift;
	struct prefix p;
	struct why why = { 0 };

	(void)state;
	assert_int_equal(filter->ops->compare(filter, rules, now, &drift, &why), 0);
	assert_string_equal(drift.first, "");
	assert_int_equal(drift.ranges + drift.objects, 0);
	check(&s, SIDE_SUBSCRIBER, VERDICT_REJECT);
	assert_int_equal(prefix_parse("10.2.0.1", &p), PREFIX_OK);
	assert_int_equal(filter->ops->put(filter, rules, p, &open, &why), 0);

	struct xdp_ran ran;
	struct frame f;
	frame_make(&s, &f);
	struct xdp_run run = { .frame = f.bytes, .len = f.len };
	assert_int_equal(xdp_run(filter, &run, &ran, &why), 0);
	assert_int_equal(ran.action, XDP_PASS);
	assert_int_equal(filter->ops->compare(filter, rules, now, &drift, &why), 0);
	assert_int_equal(drift.ranges, 1);
	assert_true(drift.addresses == 1);
	assert_non_null(strstr(drift.first, "10.2.0.1"));

	assert_int_equal(prefix_parse("2001:db8:2:3:4:5:6:7", &p), PREFIX_OK);
	assert_int_equal(filter->ops->put(filter, rules, p, &open, &why), 0);
	assert_int_equal(filter->ops->compare(filter, rules, now, &drift, &why), 0);
	assert_int_equal(drift.ranges, 2);

	assert_int_equal(filter->ops->load(filter, rules, &why), 0);
	assert_int_equal(filter->ops->compare(filter, rules, now, &drift, &why), 0);
	assert_int_equal(drift.ranges, 0);
}

static int set_up(void)
{
	const struct xdp_options o = { .spare_lines = 1000, .tracing = true };
	struct why why = { 0 };
	int r = bpf_need(&o, &filter);

	if (r != 0)
		return r;
	now = wall_now();
	make_rules();
	r = filter->ops->load(filter, rules, &why);
	if (r < 0)
		fprintf(stderr, "%s\n", why.text);
	return r < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_encapsulation_family_and_verdict),
		cmocka_unit_test(a_third_tag_is_none_of_our_business),
		cmocka_unit_test(other_protocols_pass),
		cmocka_unit_test(smarthosts_stay_open),
		cmocka_unit_test(inbound_is_a_switch_of_its_own),
		cmocka_unit_test(restrictions_end_by_themselves),
		cmocka_unit_test(a_reset_is_not_answered),
		cmocka_unit_test(ip_options_and_tcp_options),
		cmocka_unit_test(extension_header_chains),
		cmocka_unit_test(a_fragment_header_has_no_length),
		cmocka_unit_test(later_fragments_pass_first_ones_are_read),
		cmocka_unit_test(tiny_fragments_hide_nothing),
		cmocka_unit_test(overlapping_fragments),
		cmocka_unit_test(truncated_at_every_byte),
		cmocka_unit_test(random_frames),
		cmocka_unit_test(counters_survive_a_swap),
		cmocka_unit_test(the_switch_opens_everything),
		cmocka_unit_test(an_exception_in_place),
	};
	int r = set_up();

	if (r != 0)
		return r;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	filter_free(filter);
	ruleset_free(rules);
	return r;
}
