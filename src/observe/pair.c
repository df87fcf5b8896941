/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/pair.h"

#include <errno.h>
#include <stdlib.h>

#define PROBES_MAX 16 /* slots looked at before giving up: bounds the cost of a full table */

/* Who called whom: the caller's side first. */
struct call {
	struct addr from, to;
	uint16_t from_port, to_port;
};

enum slot_state { SLOT_FREE, SLOT_WAITING, SLOT_DECIDED };

struct slot {
	struct call call;
	int64_t time_ms;
	enum slot_state state;
};

struct pair {
	const struct prefix *internal;
	size_t internal_count;
	struct slot *slots;
	size_t room;
	pair_contact_fn fn;
	void *arg;
	int64_t swept_ms;
	uint64_t overflow;
};

int pair_new(const struct prefix *internal, size_t internal_count, size_t capacity,
	     pair_contact_fn fn, void *arg, struct pair **ret)
{
	own(pair) struct pair *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	for (p->room = 64; p->room < capacity; p->room *= 2)
		;
	p->slots = calloc(p->room, sizeof(*p->slots));
	if (!p->slots)
		return -ENOMEM;
	p->internal = internal;
	p->internal_count = internal_count;
	p->fn = fn;
	p->arg = arg;
	*ret = take(p);
	return 0;
}

void pair_free(struct pair *p)
{
	if (!p)
		return;
	free(p->slots);
	free(p);
}

bool pair_is_internal(const struct pair *p, struct addr a)
{
	for (size_t i = 0; i < p->internal_count; i++)
		if (prefix_holds(p->internal[i], a))
			return true;
	return false;
}

static bool port_matters(uint16_t port)
{
	return port == 25 || port_submits_mail(port) || port_fetches_mail(port);
}

static uint64_t call_hash(const struct call *c)
{
	uint64_t h = (uint64_t)c->from.bits ^ (uint64_t)(c->from.bits >> 64) * 31;

	h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
	h ^= (uint64_t)c->to.bits ^ (uint64_t)(c->to.bits >> 64) * 37;
	h = (h ^ h >> 29) * 0xd6e8feb86659fd93u;
	h ^= (uint64_t)c->from_port << 16 | c->to_port;
	h *= 0xd6e8feb86659fd93u;
	return h ^ h >> 32;
}

static bool addr_equal(struct addr a, struct addr b)
{
	return a.family == b.family && a.bits == b.bits;
}

static bool call_equal(const struct call *a, const struct call *b)
{
	return a->from_port == b->from_port && a->to_port == b->to_port &&
	       addr_equal(a->from, b->from) && addr_equal(a->to, b->to);
}

static void tell(struct pair *p, const struct call *c, enum contact_outcome outcome,
		 int64_t time_ms)
{
	bool outbound = pair_is_internal(p, c->from);
	struct contact contact = {
		.line = outbound ? c->from : c->to,
		.other = outbound ? c->to : c->from,
		.port = c->to_port,
		.inbound = !outbound,
		.outcome = outcome,
		.time_ms = time_ms,
	};

	p->fn(p->arg, &contact);
}

/* The call's slot, or one to use for it (another call's that is decided, or free); NULL: full. */
static struct slot *slot_find(struct pair *p, const struct call *c, bool *ret_known)
{
	uint64_t h = call_hash(c);
	struct slot *usable = NULL;

	*ret_known = false;
	for (unsigned i = 0; i < PROBES_MAX; i++) {
		struct slot *s = &p->slots[(h + i) & (p->room - 1)];

		if (s->state != SLOT_FREE && call_equal(&s->call, c)) {
			*ret_known = true;
			return s;
		}
		if (!usable && s->state != SLOT_WAITING)
			usable = s;
		if (s->state == SLOT_FREE)
			break;
	}
	return usable;
}

/* Whoever has waited long enough gets no answer any more. */
static void sweep(struct pair *p, int64_t now_ms)
{
	if (now_ms - p->swept_ms < PAIR_WAIT_MS)
		return;
	p->swept_ms = now_ms;
	for (size_t i = 0; i < p->room; i++) {
		struct slot *s = &p->slots[i];

		if (s->state != SLOT_WAITING || now_ms - s->time_ms < PAIR_WAIT_MS)
			continue;
		tell(p, &s->call, CONTACT_FAILED, s->time_ms);
		s->state = SLOT_DECIDED;
	}
}

static void call_begins(struct pair *p, const struct call *c, int64_t time_ms)
{
	bool known;
	struct slot *s = slot_find(p, c, &known);

	if (known && (s->state == SLOT_WAITING || time_ms - s->time_ms < PAIR_WAIT_MS))
		return; /* the same SYN again */
	if (!s) {
		p->overflow++;
		tell(p, c, CONTACT_UNKNOWN, time_ms);
		return;
	}
	*s = (struct slot){ *c, time_ms, SLOT_WAITING };
}

static void call_decided(struct pair *p, const struct call *c, enum contact_outcome outcome,
			 int64_t time_ms)
{
	bool known;
	struct slot *s = slot_find(p, c, &known);

	if (known && s->state == SLOT_DECIDED)
		return;
	tell(p, c, outcome, known ? s->time_ms : time_ms);
	if (s)
		*s = (struct slot){ *c, time_ms, SLOT_DECIDED };
}

/* Between a line and the outside, to a port that matters? Lines among themselves are not mail. */
static bool call_matters(const struct pair *p, const struct call *c)
{
	return port_matters(c->to_port) &&
	       pair_is_internal(p, c->from) != pair_is_internal(p, c->to);
}

void pair_packet(struct pair *p, const struct packet *k, int64_t time_ms)
{
	struct call forward = { k->src, k->dst, k->sport, k->dport };
	struct call back = { k->dst, k->src, k->dport, k->sport };

	if (k->kind != PACKET_TCP)
		return;
	sweep(p, time_ms);
	if (call_matters(p, &forward) && !(port_matters(k->sport) && k->ack)) {
		if (k->syn && !k->ack)
			call_begins(p, &forward, time_ms);
		else if (k->payload > 0)
			call_decided(p, &forward, CONTACT_ESTABLISHED, time_ms);
		return;
	}
	if (!call_matters(p, &back))
		return;
	if (k->rst)
		call_decided(p, &back, CONTACT_FAILED, time_ms);
	else if ((k->syn && k->ack) || k->payload > 0)
		call_decided(p, &back, CONTACT_ESTABLISHED, time_ms);
}

#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4
#define TCP_PSH 8
#define TCP_ACK 16

/* What one direction of a flow alone can tell of the caller's fortune. */
static enum contact_outcome flow_outcome(const struct flow_record *r)
{
	bool sampled = r->sampling > 1;

	if (r->reverse_packets)
		return r->reverse_tcp_flags & TCP_SYN || r->reverse_bytes > 60 ? CONTACT_ESTABLISHED
									       : CONTACT_FAILED;
	if (r->tcp_flags & (TCP_PSH | TCP_FIN) && r->tcp_flags & TCP_ACK)
		return CONTACT_ESTABLISHED;
	if (sampled)
		return CONTACT_UNKNOWN;
	if (r->tcp_flags == TCP_SYN || r->tcp_flags == (TCP_SYN | TCP_RST))
		return CONTACT_FAILED;
	if (r->tcp_flags & TCP_ACK || r->packets > 3)
		return CONTACT_ESTABLISHED;
	return r->packets ? CONTACT_FAILED : CONTACT_UNKNOWN;
}

void pair_flow(struct pair *p, const struct flow_record *r)
{
	struct call forward = { r->src, r->dst, r->sport, r->dport };
	int64_t time_ms = r->start_ms ? r->start_ms : r->end_ms;

	if (r->protocol != 6 || !r->has_addresses || !call_matters(p, &forward))
		return;
	call_decided(p, &forward, flow_outcome(r), time_ms);
}

void pair_flush(struct pair *p, int64_t now_ms)
{
	for (size_t i = 0; i < p->room; i++) {
		struct slot *s = &p->slots[i];

		if (s->state != SLOT_WAITING)
			continue;
		tell(p, &s->call,
		     now_ms - s->time_ms < PAIR_WAIT_MS ? CONTACT_UNKNOWN : CONTACT_FAILED,
		     s->time_ms);
		s->state = SLOT_DECIDED;
	}
}

uint64_t pair_overflow(const struct pair *p)
{
	return p->overflow;
}
