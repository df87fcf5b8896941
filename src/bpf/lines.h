/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lines: accounts of who sends how many SYNs to 25, 465 and 587.
 *
 * A table of fixed size. A newcomer takes a free place or that of whoever has
 * been silent for filter_idle; whose account is closed goes to user space through
 * a ring, so that no count is lost, unless the ring is full, and that is counted
 * as well. When all four places are in use the newcomer is counted as such and
 * not remembered: a flood of invented sources can not push real lines out.
 */
#pragma once

#include "lines_abi.h"

const volatile _Bool filter_lines_on = 0;
const volatile __u32 filter_idle = 60; /* units of 2^30 ns: a little over a minute */
const volatile __u32 filter_sets_mask = LINES_SETS_MIN - 1;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LINES_SETS_MIN); /* user space sets the real number: a power of two */
	__type(key, __u32);
	__type(value, struct lines_head);
} filter_heads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LINES_SETS_MIN);
	__type(key, __u32);
	__type(value, struct lines_body);
} filter_bodies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* 14,000 closed accounts */
} filter_closed SEC(".maps");

struct lines_event {
	__u64 key, server; /* server: a hash of it */
	__u32 family, tag, now;
	__u16 dport;
	__u8 refused;
};

static __always_inline __u64 lines_mix(__u64 h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	return h ^ h >> 32;
}

static __always_inline void lines_add(__u32 *n)
{
	*n += *n != 0xffffffff;
}

static __always_inline void lines_book(struct lines_account *a, const struct lines_event *e)
{
	__u32 bit = e->server & 255;

	if (e->refused)
		lines_add(&a->refused);
	if (e->dport == 465) {
		lines_add(&a->syn465);
	} else if (e->dport == 587) {
		lines_add(&a->syn587);
	} else {
		lines_add(&a->syn25);
		a->sketch[bit >> 6] |= 1ULL << (bit & 63);
	}
}

/* The way of the line, or LINES_WAYS. No helper may be called under the lock: all is inline. */
static __always_inline __u32 lines_find(const struct lines_head *h, const struct lines_body *b,
					const struct lines_event *e)
{
#pragma unroll
	for (__u32 i = 0; i < LINES_WAYS; i++)
		if (h->tag[i] == e->tag && b->way[i].key == e->key && b->way[i].family == e->family)
			return i;
	return LINES_WAYS;
}

/* A free way, or of those silent for long enough the one that has been for longest. */
static __always_inline __u32 lines_vacant(const struct lines_head *h, __u32 now)
{
	__u32 best = LINES_WAYS, longest = 0;

#pragma unroll
	for (__u32 i = 0; i < LINES_WAYS; i++) {
		__u32 silent = now - h->seen[i];

		if (h->tag[i] == 0)
			return i;
		if (silent >= filter_idle && (best == LINES_WAYS || silent > longest)) {
			longest = silent;
			best = i;
		}
	}
	return best;
}

static __always_inline void lines_open(struct lines_head *h, struct lines_account *a, __u32 way,
				       const struct lines_event *e)
{
	__builtin_memset(a, 0, sizeof(*a));
	a->key = e->key;
	a->family = e->family;
	a->since_s = e->now;
	h->tag[way & (LINES_WAYS - 1)] = (__u16)e->tag;
}

/* Nobody to find and nowhere to go? Seen without the lock: at worst a newcomer is not counted. */
static __always_inline int lines_full(const struct lines_head *h, const struct lines_event *e)
{
#pragma unroll
	for (__u32 i = 0; i < LINES_WAYS; i++)
		if (h->tag[i] == e->tag || h->tag[i] == 0 || e->now - h->seen[i] >= filter_idle)
			return 0;
	return 1;
}

static __always_inline __u64 lines_hash(__u64 key, __u32 family)
{
	return lines_mix(key ^ (__u64)family << 61);
}

static __always_inline __u32 lines_set(__u64 hash)
{
	return (__u32)(hash >> 32) & filter_sets_mask;
}

static __always_inline __u32 lines_tag(__u64 hash)
{
	return (__u16)hash | 1;
}

/* A clock that costs one load; it only has to tell now from a while ago. */
static __always_inline __u32 lines_while(void)
{
	return (__u32)(bpf_jiffies64() >> 6);
}

/*
 * A stranger to a set that was full a moment ago is turned away in place: under a flood
 * that is nearly every packet, and a call and the time of day cost 10 ns each.
 */
static __always_inline int lines_turned_away(__u64 key, __u32 family)
{
	const __u64 hash = lines_hash(key, family);
	const __u32 set = lines_set(hash), tag = lines_tag(hash);
	const struct lines_head *h = bpf_map_lookup_elem(&filter_heads, &set);

	if (!h || h->full_at != lines_while())
		return 0;
	if (!((h->tag[0] ^ tag) && (h->tag[1] ^ tag) && (h->tag[2] ^ tag) && (h->tag[3] ^ tag)))
		return 0;
	count(FILTER_STAT_LINES_FULL);
	return 1;
}

/* Not inline: the verifier checks it once, whatever way a packet has come. */
__noinline int lines_note(__u64 key, __u64 server, __u32 family, __u32 dport_refused)
{
	struct lines_event e = { .key = key, .server = server, .family = family };
	struct lines_account closed;
	struct lines_head *h;
	struct lines_body *b;
	__u64 hash = lines_hash(key, family);
	__u32 set = lines_set(hash), way, opened = 0;

	e.tag = lines_tag(hash);
	e.dport = (__u16)dport_refused;
	e.refused = dport_refused >> 16;
	e.now = bpf_ktime_get_coarse_ns() >> 30;
	h = bpf_map_lookup_elem(&filter_heads, &set);
	if (!h)
		return 0;
	if (lines_full(h, &e)) {
		h->full_at = lines_while();
		count(FILTER_STAT_LINES_FULL);
		return 0;
	}
	b = bpf_map_lookup_elem(&filter_bodies, &set);
	if (!b)
		return 0;
	closed.family = 0;
	bpf_spin_lock(&h->lock);
	way = lines_find(h, b, &e);
	if (way == LINES_WAYS) {
		way = lines_vacant(h, e.now);
		opened = way != LINES_WAYS;
		if (opened) {
			struct lines_account *a = &b->way[way & (LINES_WAYS - 1)];

			if (h->tag[way & (LINES_WAYS - 1)])
				closed = *a;
			lines_open(h, a, way, &e);
		}
	}
	if (way != LINES_WAYS) {
		h->seen[way & (LINES_WAYS - 1)] = e.now;
		lines_book(&b->way[way & (LINES_WAYS - 1)], &e);
	}
	bpf_spin_unlock(&h->lock);
	if (way == LINES_WAYS)
		count(FILTER_STAT_LINES_FULL);
	if (opened)
		count(FILTER_STAT_LINES_NEW);
	if (!closed.family)
		return 0;
	count(FILTER_STAT_LINES_EVICTED);
	if (bpf_ringbuf_output(&filter_closed, &closed, sizeof(closed), 0) < 0)
		count(FILTER_STAT_LINES_LOST);
	return 0;
}
