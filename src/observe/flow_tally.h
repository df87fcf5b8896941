/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_tally: what flow records say of ports 25, 465 and 587, as counts.
 *
 * A record counts for the port it goes to. `flows` is the flows that an
 * exporter has put together into its records, `records` the records themselves.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/addr_set.h"
#include "wire/flow.h"

enum mail_port { PORT_25, PORT_465, PORT_587, MAIL_PORT_COUNT_ };

extern const uint16_t mail_port_number[MAIL_PORT_COUNT_];

#define TALLY_AHEAD 16 /* addresses asked for this many records before they are looked at */

struct flow_tally {
	struct {
		uint64_t records, flows;
		struct addr_set sources, destinations;
	} to[MAIL_PORT_COUNT_];
	uint64_t uncounted; /* addresses that memory was too short for */
	struct {
		struct addr src, dst;
		enum mail_port port;
	} pending[TALLY_AHEAD];
	unsigned pending_count, pending_at;
};

/* Records of other protocols than TCP are not mail, whatever their port. */
void flow_tally_add(struct flow_tally *t, const struct flow_record *r);
/* Before the sets are read: records and flows are right at any time, addresses only then. */
void flow_tally_settle(struct flow_tally *t);
void flow_tally_done(struct flow_tally *t);
