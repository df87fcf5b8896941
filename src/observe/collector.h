/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * collector: flow export off the wire, into a decoder, with every loss counted.
 *
 * One collector is one worker: its sockets (one a port, SO_REUSEPORT, so that
 * several workers share a port and the kernel keeps each exporter with one of
 * them) and its decoder. Datagrams are taken up to 64 at a time. What the
 * kernel threw away for want of buffer is counted by SO_RXQ_OVFL; who is not
 * on the allow-list is counted and not decoded, as UDP sources can be forged.
 *
 * Parses hostile bytes: run it without privileges.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/own.h"
#include "base/why.h"
#include "model/addr.h"
#include "wire/flow.h"

#define COLLECTOR_PORTS_MAX 16

struct collector_options {
	struct addr listen; /* an address of this machine; all zero: every one of its family */
	uint16_t ports[COLLECTOR_PORTS_MAX]; /* host order; 2055, 4739 and 6343 are usual */
	unsigned ports_count;
	const struct prefix *exporters; /* borrowed; who may send. None: everybody */
	size_t exporters_count;
	unsigned
	    buffer_bytes; /* of each socket; beyond net.core.rmem_max only with CAP_NET_ADMIN */
	struct flow_options flow;
};

struct collector_counts {
	uint64_t datagrams;
	uint64_t kernel_dropped; /* the socket's buffer was full */
	uint64_t strangers;      /* not on the allow-list */
	uint64_t truncated;      /* longer than COLLECTOR_DATAGRAM_MAX: not decoded */
};

#define COLLECTOR_DATAGRAM_MAX 9216 /* a jumbo frame; exporters send what fits one packet */

struct collector;

int collector_new(const struct collector_options *options, flow_record_fn fn, void *arg,
		  struct collector **ret, struct why *why);
void collector_free(struct collector *c);
OWNABLE(collector)

/* Wait up to `timeout_ms` for datagrams and decode what is there. 0 or a negative errno. */
int collector_run(struct collector *c, int timeout_ms);

struct collector_counts collector_counts(const struct collector *c);
const struct flow_decoder *collector_decoder(const struct collector *c);
