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

#define WALK_LINE(table, index) line_at(table, index)
#define walk_inline             static __always_inline

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
	__uint(max_entries, FILTER_LINES_MIN); /* user space sets the real capacity */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct filter_line));
};

/* The generation in force. All inner maps have one capacity: look-ups stay inlined. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct inner);
} filter_tables SEC(".maps");

/* Not 0: everything is open, whatever the table says. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} filter_open SEC(".maps");

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

static __always_inline struct filter_line *line_at(void *table, __u32 index)
{
	return bpf_map_lookup_elem(table, &index);
}

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

/* Root entry, then down. IPv4 is at most three steps: unrolled. */
static __always_inline __u32 class_of4(void *table, __u32 addr)
{
	struct walk_key k = { .hi = (__u64)addr << 48 };
	struct filter_line *l = line_at(table, FILTER_V4_ROOT + (addr >> 19));
	__u32 class = 0;
	__u64 e;

	if (!l)
		return 0;
	e = walk_word(l, addr >> 16);
	if (walk_step(table, &e, &k, &class) && walk_step(table, &e, &k, &class))
		walk_step(table, &e, &k, &class);
	return class;
}

#define WALK_ON (1U << 16) /* no class yet */

static __noinline __u32 walk_far(void *table, struct walk_at *at)
{
	__u32 class = 0;
	__u64 e = at->entry;

	if (!walk_step(table, &e, &at->key, &class))
		return class;
	at->entry = e;
	return WALK_ON;
}

/*
 * Any number of steps: the first few in place, the rest, which only odd lengths need, by
 * calls. There is no loop: the 6.1 verifier does not take one whose end falls into its head,
 * and what the compiler makes of a loop is not ours to say.
 */
static __noinline __u32 walk_down(void *table, __u64 e, __u64 hi, __u64 lo)
{
	__u32 class = 0, zero = 0;
	struct walk_at *at = bpf_map_lookup_elem(&filter_walk, &zero);

	if (!at)
		return 0;
	at->key.hi = hi;
	at->key.lo = lo;
#pragma unroll
	for (int i = 0; i < 4; i++)
		if (!walk_step(table, &e, &at->key, &class))
			return class;
	at->entry = e;
#pragma unroll
	for (int i = 4; i <= FILTER_WALK_STEPS; i++) {
		class = walk_far(table, at);
		if (class != WALK_ON)
			return class;
	}
	return 0;
}

static __always_inline __u32 class_of6(void *table, __u64 hi, __u64 lo)
{
	struct filter_line *l = line_at(table, FILTER_V6_ROOT + (__u32)(hi >> 51));

	if (!l)
		return 0;
	return walk_down(table, walk_word(l, (__u32)(hi >> 48)), hi << 16 | lo >> 48, lo << 16);
}

/* The address at `offset`, left-aligned. */
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

struct row {
	__u32 counter;
	__u8 mode, inbound, strict;
};

static __always_inline struct filter_class *class_row(void *table, const struct filter_head *h,
						      __u32 class)
{
	struct filter_line *l = line_at(table, h->class_first + (class >> 1));

	if (!l)
		return 0;
	keep(l);
	return (struct filter_class *)&l->word[(class & 1) * 4];
}

/* What the table says of an address now: a restriction past its end is the class beneath. */
static __always_inline void find_row(void *table, const struct filter_head *h, __u32 v6, __u64 hi,
				     __u64 lo, struct row *ret)
{
	__u32 class = v6 ? class_of6(table, hi, lo) : class_of4(table, (__u32)(hi >> 32));
	struct filter_class *c = class_row(table, h, class);

	if (c && c->until_ns && bpf_ktime_get_boot_ns() >= c->until_ns)
		c = class_row(table, h, c->under);
	if (!c)
		return;
	ret->counter = c->counter;
	ret->mode = c->mode;
	ret->inbound = c->inbound;
	ret->strict = c->strict;
}

static __always_inline int is_smarthost(void *table, const struct filter_head *h, __u32 v6,
					__u64 hi, __u64 lo)
{
	return h->flags & FILTER_HEAD_SMARTHOSTS &&
	       walk_down(table, h->smarthosts[v6 & 1], hi, lo) == 1;
}

static __always_inline int is_open(void)
{
	__u32 zero = 0, *open = bpf_map_lookup_elem(&filter_open, &zero);

	return open && *open;
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

/* What judge() is told beside the addresses. */
#define ASK_V6     1
#define ASK_UPLINK 2
#define ASK_STARTS 4  /* SYN, or may be one */
#define ASK_PORT   8  /* the port is known to be 25 */
#define ASK_WHOLE  16 /* there is a header that a reset could answer */

/* And its answer: counter below, these above. */
#define SAID_MODE(j) ((__u8)((j) >> 32))
#define SAID_KNOWN   (1ULL << 40)
#define SAID_OPENED  (1ULL << 41)

static __always_inline __u64 judge_in(void *table, const struct filter_head *h, __u64 shi,
				      __u64 slo, __u64 dhi, __u64 dlo, __u32 ask)
{
	const int starts = ask & ASK_STARTS;
	const __u32 v6 = ask & ASK_V6;
	struct row src = { 0 }, dst = { 0 };
	__u64 opened = 0;
	__u8 out, in;

	if (!starts && !(h->flags & FILTER_HEAD_STRICT))
		return 0;
	if (!(ask & ASK_UPLINK))
		find_row(table, h, v6, shi, slo, &src);
	if (ask & ASK_PORT && (ask & ASK_UPLINK || h->flags & FILTER_HEAD_INBOUND))
		find_row(table, h, v6, dhi, dlo, &dst);
	out = starts || src.strict ? src.mode : MODE_OFF;
	in = starts || dst.strict ? dst.inbound : MODE_OFF;
	if (ask & ASK_UPLINK || rank(out) < rank(in)) {
		out = in;
		src.counter = dst.counter;
	}
	if (out != MODE_OFF) {
		if (is_smarthost(table, h, v6, dhi, dlo)) {
			out = MODE_OFF;
		} else if (is_open()) {
			out = MODE_OFF;
			opened = SAID_OPENED;
			count(FILTER_STAT_OPENED);
		}
	}
	/* Nothing can be answered to half a header, nor to a reset (RFC 9293 3.10.7.1). */
	if (out == MODE_REJECT && !(ask & ASK_WHOLE))
		out = MODE_DROP;
	return src.counter | (__u64)out << 32 | SAID_KNOWN | opened;
}

/*
 * The verdict of the generation in force on two left-aligned addresses. A function of
 * its own (not static) so that the verifier checks it once and not for every way a
 * frame can be parsed; and one that takes the table once, so that no packet sees two.
 */
__noinline __u64 judge(__u64 shi, __u64 slo, __u64 dhi, __u64 dlo, __u32 ask)
{
	struct filter_head *h;
	__u32 zero = 0;
	void *table;

	table = bpf_map_lookup_elem(&filter_tables, &zero);
	if (!table)
		return 0;
	h = (void *)line_at(table, FILTER_HEAD);
	return h ? judge_in(table, h, shi, slo, dhi, dlo, ask) : 0;
}

static __always_inline void ask_judge(const struct parsed *p, enum filter_side side,
				      struct judged *j)
{
	__u64 shi, slo, dhi, dlo, said;
	__u32 ask = 0;

	if (!address_at(p, p->family == 4 ? 12 : 8, &shi, &slo) ||
	    !address_at(p, p->family == 4 ? 16 : 24, &dhi, &dlo))
		return;
	if (p->family == 6)
		ask |= ASK_V6;
	if (side == FILTER_UPLINK)
		ask |= ASK_UPLINK;
	if (p->seen == FILTER_HIDDEN || p->flags & TCP_SYN)
		ask |= ASK_STARTS;
	if (p->port_known)
		ask |= ASK_PORT;
	if (p->seen == FILTER_TCP && !(p->flags & TCP_RST))
		ask |= ASK_WHOLE;
	said = judge(shi, slo, dhi, dlo, ask);
	j->counter = (__u32)said;
	j->mode = SAID_MODE(said);
	j->known = (said & SAID_KNOWN) != 0;
	j->opened = (said & SAID_OPENED) != 0;
}

static __always_inline void count_class(const struct parsed *p, const struct judged *j)
{
	struct filter_counter *c;

	if (!j->known)
		return;
	c = bpf_map_lookup_elem(&filter_counters, &j->counter);
	if (!c)
		return;
	if (j->mode == MODE_DROP)
		c->dropped++;
	else if (j->mode == MODE_REJECT)
		c->rejected++;
	else if (j->mode == MODE_MONITOR)
		c->monitored++;
	else if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		c->passed++;
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
	t->syn_first = (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	t->dport = p->dport;
	t->counter = j->counter;
	t->opened = j->opened;
	address_at(p, p->family == 4 ? 12 : 8, &t->src[0], &t->src[1]);
}

/* TCP to one of the three ports, or hiding the port: count, and for 25 judge. */
static __always_inline void mail_packet(const struct parsed *p, enum filter_side side,
					struct judged *j)
{
	if (p->seen == FILTER_HIDDEN) {
		count(FILTER_STAT_UNPARSED);
		if (p->port_known && p->dport != 25)
			return;
	} else if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		count(p->dport == 25    ? FILTER_STAT_SYN25
		      : p->dport == 465 ? FILTER_STAT_SYN465
					: FILTER_STAT_SYN587);
	}
	if (p->seen == FILTER_TCP && p->dport != 25)
		return;
	ask_judge(p, side, j);
	count_class(p, j);
}

/* The port test: whatever is not for mail leaves here, without a map look-up. */
static __always_inline int is_mail(const struct parsed *p)
{
	if (p->seen == FILTER_TCP)
		return p->dport == 25 || p->dport == 587 || p->dport == 465;
	return p->seen == FILTER_HIDDEN;
}

static __always_inline void filter(const struct parsed *p, enum filter_side side, struct judged *j)
{
	if (is_mail(p))
		mail_packet(p, side, j);
	else if (p->seen == FILTER_UNPARSED)
		count(FILTER_STAT_UNPARSED);
	if (filter_tracing)
		trace(p, j);
}

#include "reset.h"

static __always_inline int filter_xdp(struct xdp_md *ctx, enum filter_side side)
{
	struct parsed p = { .xdp = ctx,
			    .data = (void *)(long)ctx->data,
			    .end = (void *)(long)ctx->data_end };
	struct judged j = { 0 };

	parse_frame(&p, 2);
	filter(&p, side, &j);
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
