/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/flow_tally.h"

#define PROTOCOL_TCP 6

const uint16_t mail_port_number[MAIL_PORT_COUNT_] = {
	[PORT_25] = 25,
	[PORT_465] = 465,
	[PORT_587] = 587,
};

static void settle_oldest(struct flow_tally *t)
{
	unsigned i = (t->pending_at + TALLY_AHEAD - t->pending_count) % TALLY_AHEAD;
	enum mail_port p = t->pending[i].port;

	if (addr_set_add(&t->to[p].sources, t->pending[i].src) < 0 ||
	    addr_set_add(&t->to[p].destinations, t->pending[i].dst) < 0)
		t->uncounted++;
	t->pending_count--;
}

/* Of random addresses in large sets nearly each look misses the cache: ask early, look late. */
static void addresses_add(struct flow_tally *t, enum mail_port p, const struct flow_record *r)
{
	if (t->pending_count == TALLY_AHEAD)
		settle_oldest(t);
	addr_set_prefetch(&t->to[p].sources, r->src);
	addr_set_prefetch(&t->to[p].destinations, r->dst);
	t->pending[t->pending_at].src = r->src;
	t->pending[t->pending_at].dst = r->dst;
	t->pending[t->pending_at].port = p;
	t->pending_at = (t->pending_at + 1) % TALLY_AHEAD;
	t->pending_count++;
}

void flow_tally_add(struct flow_tally *t, const struct flow_record *r)
{
	if (r->protocol != PROTOCOL_TCP)
		return;
	for (int p = 0; p < MAIL_PORT_COUNT_; p++) {
		if (r->dport != mail_port_number[p])
			continue;
		t->to[p].records++;
		t->to[p].flows += r->flows;
		if (r->has_addresses)
			addresses_add(t, (enum mail_port)p, r);
	}
}

void flow_tally_settle(struct flow_tally *t)
{
	while (t->pending_count)
		settle_oldest(t);
}

void flow_tally_done(struct flow_tally *t)
{
	for (int p = 0; p < MAIL_PORT_COUNT_; p++) {
		addr_set_done(&t->to[p].sources);
		addr_set_done(&t->to[p].destinations);
	}
}
