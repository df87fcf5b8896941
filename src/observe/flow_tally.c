/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/flow_tally.h"

#define PROTOCOL_TCP 6

const uint16_t mail_port_number[MAIL_PORT_COUNT_] = {
	[PORT_25] = 25,
	[PORT_465] = 465,
	[PORT_587] = 587,
};

void flow_tally_add(struct flow_tally *t, const struct flow_record *r)
{
	if (r->protocol != PROTOCOL_TCP)
		return;
	for (int p = 0; p < MAIL_PORT_COUNT_; p++) {
		if (r->dport != mail_port_number[p])
			continue;
		t->to[p].records++;
		t->to[p].flows += r->flows;
		if (r->has_addresses && (addr_set_add(&t->to[p].sources, r->src) < 0 ||
					 addr_set_add(&t->to[p].destinations, r->dst) < 0))
			t->uncounted++;
	}
}

void flow_tally_done(struct flow_tally *t)
{
	for (int p = 0; p < MAIL_PORT_COUNT_; p++) {
		addr_set_done(&t->to[p].sources);
		addr_set_done(&t->to[p].destinations);
	}
}
