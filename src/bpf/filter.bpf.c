/* SPDX-License-Identifier: GPL-2.0 */
/*
 * filter: refuses TCP to port 25 where the ruleset says so, and counts.
 *
 * It enforces, it never judges: what is closed arrives as a table built in user
 * space (filter_abi.h), whole or not at all. Packets that are not TCP to 25, 465
 * or 587 leave before any map is touched; what can not be parsed passes and is
 * counted. One source, six entry points: XDP and tc, for interfaces towards
 * subscribers and towards the rest of the world, tc also without Ethernet.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "parse.h"

#define MODE_OFF     0
#define MODE_MONITOR 1
#define MODE_REJECT  2
#define MODE_DROP    3

/* Set by user space before loading; the verifier removes what they switch off. */
const volatile __u64 filter_reset_cost_ns = 50000;    /* of one reset; 0: no limit */
const volatile __u64 filter_reset_save_ns = 50000000; /* most that can be saved up */
const volatile _Bool filter_frags = 0;                /* loaded for multi-buffer frames (5.18) */
const volatile _Bool filter_tracing = 0;

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* user space sets how many */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct filter_page));
};

/* The generation in force. All inner maps have one capacity: look-ups stay inlined. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct inner);
} filter_tables SEC(".maps");

/* Not 0: everything is open, whatever the table says. A section of its own is a map of its own. */
volatile __u32 filter_open SEC(".data.open") = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct filter_stats);
} filter_stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FILTER_NAMES);
	__type(key, __u32);
	__type(value, struct filter_counter);
} filter_counters SEC(".maps");

/* User space only: which counter belongs to which class name. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FILTER_NAMES);
	__type(key, __u32);
	__type(value, struct filter_name);
} filter_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct filter_bucket);
} filter_resets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct filter_trace);
} filter_trace SEC(".maps");

/* A table: its map, and the first page of it, where most of it lies. */
struct table {
	void *map;
	struct filter_page *page;
};

static __always_inline struct filter_line *line_at(const struct table *t, __u32 index)
{
	struct filter_page *page = t->page;
	__u32 number = index / FILTER_PAGE_LINES;

	if (number) {
		page = bpf_map_lookup_elem(t->map, &number);
		if (!page)
			return 0;
	}
	return &page->line[index % FILTER_PAGE_LINES];
}

#define WALK_TABLE              const struct table
#define WALK_LINE(table, index) line_at(table, index)
#define walk_inline             static __always_inline
#include "walk_abi.h"

/* Where walk_down() is. In a map and not on the stack, so that the verifier does not try to
 * follow the key's value from step to step: 30 times less to check. */
struct walk_at {
	struct walk_key key;
	__u64 entry;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk_at);
} filter_walk SEC(".maps");

static __always_inline struct filter_stats *stats_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&filter_stats, &zero);
}

static __always_inline void count(enum filter_stat which)
{
	struct filter_stats *s = stats_here();

	if (s)
		s->n[which]++;
}

#include "lines.h"

#ifdef FILTER_TRIE
/* For tests/bench only: the same program over the kernel's longest-prefix trie. */
struct trie_key {
	__u32 bits;
	__u32 word[4]; /* IPv4 at ::ffff:0:0/96 */
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2000000);
	__type(key, struct trie_key);
	__type(value, __u32);
} filter_trie SEC(".maps");
#endif

#define WALK_ON (1U << 16) /* no class yet: the walk is longer than the steps made */

static __noinline __u32 walk_far(void *map, struct filter_page *page, struct walk_at *at)
{
	const struct table table = { map, page };
	__u32 class = 0;
	__u64 e = at->entry;

	if (!walk_step(&table, &e, &at->key, &class))
		return class;
	at->entry = e;
	return WALK_ON;
}

/*
 * Any number of steps, each a call. There is no loop: the 6.1 verifier does not take one
 * whose end falls into its head, and what the compiler makes of a loop is not ours to say.
 */
static __noinline __u32 walk_down(void *map, struct filter_page *page, __u64 e, __u64 hi, __u64 lo)
{
	__u32 class, zero = 0;
	struct walk_at *at = bpf_map_lookup_elem(&filter_walk, &zero);

	if (!at)
		return 0;
	at->key.hi = hi;
	at->key.lo = lo;
	at->entry = e;
#pragma unroll
	for (int i = 0; i <= FILTER_WALK_STEPS; i++) {
		class = walk_far(map, page, at);
		if (class != WALK_ON)
			return class;
	}
	return 0;
}

#define root4(page, addr) walk_word(&(page)->line[FILTER_V4_ROOT + ((addr) >> 19)], (addr) >> 16)
#define root6(page, hi)   walk_word(&(page)->line[FILTER_V6_ROOT + ((hi) >> 51)], (__u32)((hi) >> 48))

/* The few steps that nearly every look-up takes, in place; WALK_ON when they were not enough. */
static __always_inline __u32 class_near4(const struct table *t, __u32 addr)
{
	struct walk_key k = { .hi = (__u64)addr << 48 };
	__u64 e = root4(t->page, addr);
	__u32 class = WALK_ON;

	if (walk_step(t, &e, &k, &class) && walk_step(t, &e, &k, &class))
		walk_step(t, &e, &k, &class);
	return class;
}

static __always_inline __u32 class_near6(const struct table *t, __u64 hi, __u64 lo)
{
	__u32 class = WALK_ON, zero = 0;
	struct walk_at *at = bpf_map_lookup_elem(&filter_walk, &zero);
	__u64 e = root6(t->page, hi);

	if (!at)
		return class;
	at->key.hi = hi << 16 | lo >> 48;
	at->key.lo = lo << 16;
	if (walk_step(t, &e, &at->key, &class) && walk_step(t, &e, &at->key, &class) &&
	    walk_step(t, &e, &at->key, &class))
		walk_step(t, &e, &at->key, &class);
	return class;
}

/* However long it takes. */
static __always_inline __u32 class_of(const struct table *t, __u32 v6, __u64 hi, __u64 lo)
{
	__u64 e = v6 ? root6(t->page, hi) : root4(t->page, (__u32)(hi >> 32));

	return walk_down(t->map, t->page, e, hi << 16 | lo >> 48, lo << 16);
}

/* The address at `offset` behind the IP header's start, left-aligned. */
static __always_inline int address_at(const struct parsed *p, __u32 offset, __u64 *hi, __u64 *lo)
{
	const void *a = p->data + p->ip + offset;

	*lo = 0;
	if (p->family == 4) {
		if (a + 4 > p->end)
			return 0;
		*hi = (__u64)be32_at(a) << 32;
		return 1;
	}
	if (a + 16 > p->end)
		return 0;
	*hi = (__u64)be32_at(a) << 32 | be32_at(a + 4);
	*lo = (__u64)be32_at(a + 8) << 32 | be32_at(a + 12);
	return 1;
}

/* From here on only numbers count, not where they stood: the verifier is glad of it. */
static __always_inline int read_addresses(struct parsed *p)
{
	return address_at(p, p->family == 4 ? 12 : 8, &p->shi, &p->slo) &&
	       address_at(p, p->family == 4 ? 16 : 24, &p->dhi, &p->dlo);
}

struct row {
	__u32 counter;
	__u8 mode, inbound, strict;
};

static __always_inline struct filter_class *class_row(const struct table *table, __u32 class)
{
	struct filter_line *l = &table->page->line[FILTER_ROWS];

	return (struct filter_class *)l + (class & 0xffff);
}

#ifdef FILTER_TRIE
static __always_inline __u32 class_in_trie(__u32 v6, __u64 hi, __u64 lo)
{
	struct trie_key k = { .bits = 128, .word = { [2] = bpf_htonl(0xffff) } };
	__u32 *class;

	if (v6) {
		k.word[0] = bpf_htonl((__u32)(hi >> 32));
		k.word[1] = bpf_htonl((__u32)hi);
		k.word[2] = bpf_htonl((__u32)(lo >> 32));
		k.word[3] = bpf_htonl((__u32)lo);
	} else {
		k.word[3] = bpf_htonl((__u32)(hi >> 32));
	}
	class = bpf_map_lookup_elem(&filter_trie, &k);
	return class ? *class : 0;
}
#endif

/* What a class says now: a restriction past its end is the class beneath. */
static __always_inline void row_of(const struct table *table, __u32 class, struct row *ret)
{
	struct filter_class *c = class_row(table, class);

	if (c->until_ns && bpf_ktime_get_boot_ns() >= c->until_ns)
		c = class_row(table, c->under);
	ret->counter = c->counter;
	ret->mode = c->mode;
	ret->inbound = c->inbound;
	ret->strict = c->strict;
}

static __always_inline int is_smarthost(const struct table *table, const struct filter_head *h,
					__u32 v6, __u64 hi, __u64 lo)
{
	return h->flags & FILTER_HEAD_SMARTHOSTS &&
	       walk_down(table->map, table->page, h->smarthosts[v6 & 1], hi, lo) == 1;
}

/* Refusing beats telling beats passing (decide/verdict.c). */
static __always_inline int rank(__u8 mode)
{
	return mode == MODE_OFF ? 0 : mode == MODE_MONITOR ? 1 : 2;
}

struct judged {
	__u32 counter;
	__u8 mode;
	__u8 known; /* a class was asked: counter is valid */
	__u8 opened;
};

/* What judge_far() is told beside the addresses. */
#define ASK_V6     1
#define ASK_UPLINK 2
#define ASK_STARTS 4 /* SYN, or may be one */
#define ASK_PORT   8 /* the port is known to be 25 */

/* And its answer: counter below, these above. */
#define SAID_MODE(said) ((__u8)((said) >> 32))
#define SAID_KNOWN      (1ULL << 40)
#define SAID_OPENED     (1ULL << 41)

static __always_inline __u64 judge_in(const struct table *t, __u64 shi, __u64 slo, __u64 dhi,
				      __u64 dlo, __u32 ask)
{
	const struct filter_head *h = (void *)&t->page->line[FILTER_HEAD];
	const int starts = ask & ASK_STARTS;
	const __u32 v6 = ask & ASK_V6;
	struct row src = { 0 }, dst = { 0 };
	__u64 opened = 0;
	__u8 out, in;

	if (!starts && !(h->flags & FILTER_HEAD_STRICT))
		return 0;
	if (!(ask & ASK_UPLINK))
		row_of(t, class_of(t, v6, shi, slo), &src);
	if (ask & ASK_PORT && (ask & ASK_UPLINK || h->flags & FILTER_HEAD_INBOUND))
		row_of(t, class_of(t, v6, dhi, dlo), &dst);
	out = starts || src.strict ? src.mode : MODE_OFF;
	in = starts || dst.strict ? dst.inbound : MODE_OFF;
	if (ask & ASK_UPLINK || rank(out) < rank(in)) {
		out = in;
		src.counter = dst.counter;
	}
	if (out != MODE_OFF) {
		if (is_smarthost(t, h, v6, dhi, dlo)) {
			out = MODE_OFF;
		} else if (filter_open) {
			out = MODE_OFF;
			opened = SAID_OPENED;
			count(FILTER_STAT_OPENED);
		}
	}
	return src.counter | (__u64)out << 32 | SAID_KNOWN | opened;
}

/* One generation of the table, and its first page. */
static __always_inline int table_now(struct table *t)
{
	__u32 zero = 0;

	t->page = 0;
	t->map = bpf_map_lookup_elem(&filter_tables, &zero);
	if (t->map)
		t->page = bpf_map_lookup_elem(t->map, &zero);
	return t->page != 0;
}

/*
 * The whole verdict on two left-aligned addresses. A function of its own (not static) so
 * that the verifier checks it once and not for every way a frame can be parsed; and one
 * that takes the table once, so that no packet sees two.
 */
__noinline __u64 judge_far(__u64 shi, __u64 slo, __u64 dhi, __u64 dlo, __u32 ask)
{
	struct table t;

	return table_now(&t) ? judge_in(&t, shi, slo, dhi, dlo, ask) : 0;
}

static __always_inline void ask_far(const struct parsed *p, enum filter_side side, struct judged *j)
{
	__u64 said;
	__u32 ask = 0;

	if (p->family == 6)
		ask |= ASK_V6;
	if (side == FILTER_UPLINK)
		ask |= ASK_UPLINK;
	if (p->seen == FILTER_HIDDEN || p->flags & TCP_SYN)
		ask |= ASK_STARTS;
	if (p->port_known)
		ask |= ASK_PORT;
	said = judge_far(p->shi, p->slo, p->dhi, p->dlo, ask);
	j->counter = (__u32)said;
	j->mode = SAID_MODE(said);
	j->known = (said & SAID_KNOWN) != 0;
	j->opened = (said & SAID_OPENED) != 0;
}

/*
 * The common case in place: a SYN from a subscriber without header chains, no inbound rules,
 * no restriction, no smarthost to be asked. 1 if that was all. A call is dear where returns
 * are guarded against speculation (SRSO): 10 ns where this was measured.
 */
static __always_inline int judge_near(const struct parsed *p, struct judged *j)
{
	const struct filter_head *h;
	struct filter_class *c;
	struct table t;
	__u32 class;

	if (!table_now(&t))
		return 1;
	h = (void *)&t.page->line[FILTER_HEAD];
	if (!(p->flags & TCP_SYN))
		return !(h->flags & FILTER_HEAD_STRICT);
	if (h->flags & FILTER_HEAD_INBOUND)
		return 0;
#ifdef FILTER_TRIE
	class = class_in_trie(p->family == 6, p->shi, p->slo);
#else
	class = p->family == 6 ? class_near6(&t, p->shi, p->slo)
			       : class_near4(&t, (__u32)(p->shi >> 32));
#endif
	if (class == WALK_ON)
		return 0;
	c = class_row(&t, class);
	if (c->until_ns ||
	    (c->mode != MODE_OFF && (h->flags & FILTER_HEAD_SMARTHOSTS || filter_open)))
		return 0;
	j->known = 1;
	j->mode = c->mode;
	j->counter = c->counter;
	return 1;
}

static __always_inline void judge(const struct parsed *p, enum filter_side side, struct judged *j)
{
	if (side == FILTER_UPLINK || p->chain || p->seen != FILTER_TCP || !judge_near(p, j))
		ask_far(p, side, j);
	/* Nothing can be answered to half a header, nor to a reset (RFC 9293 3.10.7.1). */
	if (j->mode == MODE_REJECT && (p->seen == FILTER_HIDDEN || p->flags & TCP_RST))
		j->mode = MODE_DROP;
}

static __always_inline int is_first(const struct parsed *p)
{
	return (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static __always_inline void count_class(const struct parsed *p, const struct judged *j)
{
	struct filter_counter *c;

	if (!j->known || !(c = bpf_map_lookup_elem(&filter_counters, &j->counter))) {
		if (is_first(p))
			count(FILTER_STAT_SYN25);
		return;
	}
	c->syn += is_first(p);
	if (j->mode == MODE_DROP)
		c->dropped++;
	else if (j->mode == MODE_REJECT)
		c->rejected++;
	else if (j->mode == MODE_MONITOR)
		c->monitored++;
	else
		c->passed += is_first(p);
}

static __always_inline void trace(const struct parsed *p, const struct judged *j)
{
	struct filter_trace *t;
	__u32 zero = 0;

	t = bpf_map_lookup_elem(&filter_trace, &zero);
	if (!t)
		return;
	__builtin_memset(t, 0, sizeof(*t));
	t->seen = p->seen;
	if (p->seen != FILTER_TCP && p->seen != FILTER_HIDDEN)
		return;
	t->family = p->family;
	t->verdict = j->mode;
	t->syn_first = is_first(p);
	t->dport = p->dport;
	t->counter = j->counter;
	t->opened = j->opened;
	t->src[0] = p->shi;
	t->src[1] = p->slo;
}

/* TCP to one of the three ports, or hiding the port: count, and for 25 judge. */
static __always_inline void mail_packet(struct parsed *p, enum filter_side side, struct judged *j)
{
	if (p->seen == FILTER_HIDDEN)
		count(FILTER_STAT_UNPARSED);
	else if (p->dport != 25 && is_first(p))
		count(p->dport == 465 ? FILTER_STAT_SYN465 : FILTER_STAT_SYN587);
	if (p->port_known && p->dport != 25)
		return;
	if (!filter_tracing && !read_addresses(p))
		return;
	judge(p, side, j);
	count_class(p, j);
}

/* The port test: whatever is not for mail leaves here, without a map look-up. */
static __always_inline int is_mail(const struct parsed *p)
{
	if (p->seen == FILTER_TCP)
		return p->dport == 25 || p->dport == 587 || p->dport == 465;
	return p->seen == FILTER_HIDDEN;
}

static __always_inline void filter(struct parsed *p, enum filter_side side, struct judged *j)
{
	if (filter_tracing && (p->seen == FILTER_TCP || p->seen == FILTER_HIDDEN))
		read_addresses(p);
	if (is_mail(p))
		mail_packet(p, side, j);
	else if (p->seen == FILTER_UNPARSED)
		count(FILTER_STAT_UNPARSED);
	if (filter_tracing)
		trace(p, j);
}

/*
 * What the line has done goes into its account: SYNs without ACK to the three ports, from its
 * side only.
 */
static __always_inline void account(struct parsed *p, enum filter_side side, const struct judged *j)
{
	__u32 refused = j->mode == MODE_DROP || j->mode == MODE_REJECT;

	if (!filter_lines_on || side != FILTER_SUBSCRIBER || p->seen != FILTER_TCP || !is_mail(p) ||
	    !is_first(p))
		return;
	/* Those of a packet to 25 have been read. */
	if (p->dport != 25 && !read_addresses(p))
		return;
	if (lines_turned_away(p->family == 4 ? p->shi >> 32 : p->shi, p->family))
		return;
	lines_note(p->family == 4 ? p->shi >> 32 : p->shi, lines_mix(p->dhi ^ lines_mix(p->dlo)),
		   p->family, p->dport | refused << 16);
}

#include "reset.h"

static __always_inline int filter_xdp(struct xdp_md *ctx, enum filter_side side)
{
	struct parsed p = { .xdp = ctx,
			    .data = (void *)(long)ctx->data,
			    .end = (void *)(long)ctx->data_end };
	struct judged j = { 0 };

	if (!filter_tracing && passes_at_a_glance(p.data, p.end))
		return XDP_PASS;
	parse_frame(&p, 2);
	filter(&p, side, &j);
	account(&p, side, &j);
	if (j.mode == MODE_DROP)
		return XDP_DROP;
	if (j.mode != MODE_REJECT)
		return XDP_PASS;
	return reset_xdp(ctx, p.ip, p.tcp, p.ppp, p.family) ? XDP_TX : XDP_DROP;
}

SEC("xdp")
int xdp_subscriber(struct xdp_md *ctx)
{
	return filter_xdp(ctx, FILTER_SUBSCRIBER);
}

SEC("xdp")
int xdp_uplink(struct xdp_md *ctx)
{
	return filter_xdp(ctx, FILTER_UPLINK);
}

/* Make readable what the parser may want: headers may lie beyond the linear part. */
static __always_inline void tc_parse(struct __sk_buff *skb, struct parsed *p, int l2)
{
	p->data = (void *)(long)skb->data;
	p->end = (void *)(long)skb->data_end;
	if (l2) {
		/* A tag that was taken off stands beside the frame. */
		parse_frame(p, skb->vlan_present ? 1 : 2);
		return;
	}
	p->ip = 0;
	p->seen = FILTER_OTHER;
	if (skb->protocol == bpf_htons(0x0800))
		p->family = 4;
	else if (skb->protocol == bpf_htons(0x86dd))
		p->family = 6;
	else
		return;
	parse_ip(p);
}

#define TC_PULL     192   /* bytes: every header of an ordinary packet */
#define TC_PULL_MAX 16640 /* eight extension headers of 2048 bytes, and what stands around them */

static __always_inline int filter_tc(struct __sk_buff *skb, enum filter_side side, int l2)
{
	struct judged j = { 0 };
	struct parsed p = { .skb = skb };
	__u32 linear = skb->data_end - skb->data;

	if (linear < TC_PULL && linear < skb->len)
		bpf_skb_pull_data(skb, skb->len < TC_PULL ? skb->len : TC_PULL);
	tc_parse(skb, &p, l2);
	if ((p.seen == FILTER_UNPARSED || p.seen == FILTER_HIDDEN) &&
	    skb->data_end - skb->data < skb->len) {
		bpf_skb_pull_data(skb, skb->len < TC_PULL_MAX ? skb->len : TC_PULL_MAX);
		p = (struct parsed){ .skb = skb };
		tc_parse(skb, &p, l2);
	}
	filter(&p, side, &j);
	account(&p, side, &j);
	if (j.mode == MODE_DROP)
		return TC_ACT_SHOT;
	if (j.mode != MODE_REJECT)
		return TC_ACT_UNSPEC;
	return reset_tc(skb, p.ip, p.tcp, p.ppp, p.family) ? bpf_redirect(skb->ifindex, 0)
							   : TC_ACT_SHOT;
}

SEC("tc")
int tc_subscriber(struct __sk_buff *skb)
{
	return filter_tc(skb, FILTER_SUBSCRIBER, 1);
}

SEC("tc")
int tc_uplink(struct __sk_buff *skb)
{
	return filter_tc(skb, FILTER_UPLINK, 1);
}

SEC("tc")
int tc_ip_subscriber(struct __sk_buff *skb)
{
	return filter_tc(skb, FILTER_SUBSCRIBER, 0);
}

SEC("tc")
int tc_ip_uplink(struct __sk_buff *skb)
{
	return filter_tc(skb, FILTER_UPLINK, 0);
}

const char filter_license[] SEC("license") = "Dual BSD/GPL";
