/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow: datagrams of NetFlow v5 and v9, IPFIX and sFlow v5 → flow records.
 *
 * One decoder takes all four on any port; the format is told from the first
 * bytes. Templates are kept per exporter address, observation domain and id
 * (RFC 7011 10.3.7; never by source port, as line cards use several), and so
 * are sampling rates, by whatever way the exporter states them.
 *
 * Pure: no clock, no I/O. What a stranger can make a decoder hold is capped by
 * flow_limits, and reaching a cap is counted. Not thread-safe: one decoder per
 * worker, with exporters sharded by address.
 *
 * Sources: RFC 3954 (v9), RFC 7011/7012 (IPFIX), RFC 5103 (biflow), RFC 8158
 * (NAT events), Cisco's v5 export format, sflow.org's version 5.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/own.h"
#include "model/addr.h"

enum flow_protocol {
	FLOW_UNKNOWN, /* no known format; such datagrams are malformed */
	FLOW_NETFLOW5,
	FLOW_NETFLOW9,
	FLOW_IPFIX,
	FLOW_SFLOW5,
	FLOW_PROTOCOL_COUNT_
};

const char *flow_protocol_name(enum flow_protocol p);

/* NAT events by the numbers of RFC 8158, or the draft's that some exporters use. */
enum flow_dialect { FLOW_DIALECT_RFC8158, FLOW_DIALECT_JUNIPER };

enum flow_nat {
	FLOW_NAT_NONE,
	FLOW_NAT_SESSION_CREATE,
	FLOW_NAT_SESSION_DELETE,
	FLOW_NAT_BINDING_CREATE,
	FLOW_NAT_BINDING_DELETE,
	FLOW_NAT_BLOCK_ALLOCATE,
	FLOW_NAT_BLOCK_RELEASE,
	FLOW_NAT_OTHER,
	FLOW_NAT_COUNT_
};

const char *flow_nat_name(uint8_t nat); /* "session-create" … */

/* One flow as exported: counts are not multiplied by the sampling rate. */
struct flow_record {
	struct addr src, dst;    /* valid if has_addresses */
	struct addr nat_src;     /* source after translation, valid if has_nat */
	uint64_t packets, bytes; /* 0 when the exporter does not say */
	uint64_t flows;          /* flows aggregated into this record; 1 when not said */
	uint64_t reverse_packets, reverse_bytes; /* RFC 5103; 0 for a uniflow */
	int64_t start_ms, end_ms;                /* since 1970 UTC; 0 when not said */
	uint32_t sampling;     /* 1 packet of this many was looked at; 0: never said */
	uint32_t exporter;     /* index for flow_exporter_at() */
	uint16_t sport, dport; /* host order */
	uint16_t vlan;
	uint16_t nat_sport, block_first, block_last;
	uint8_t protocol, tcp_flags, reverse_tcp_flags;
	uint8_t nat; /* enum flow_nat */
	bool has_addresses, has_nat;
};

typedef void (*flow_record_fn)(void *arg, const struct flow_record *record);

#define FLOW_PORTS_MAX 4

struct flow_limits {
	uint32_t exporters_max; /* (address, domain, protocol) triples */
	uint32_t templates_max; /* per exporter */
	uint32_t fields_max;    /* per template */
};

struct flow_options {
	struct flow_limits limits;
	/* Only records to these TCP ports reach the callback; all are counted. None: all reach it.
	 */
	uint16_t ports[FLOW_PORTS_MAX];
	unsigned ports_count;
	uint32_t sampling; /* for exporters that never say; 0: unknown */
	enum flow_dialect dialect;
};

extern const struct flow_options flow_options_default;

/* What one exporter (address, domain, protocol) has sent. All counts only grow. */
struct flow_exporter {
	struct addr address;
	uint32_t domain; /* v9 source id, IPFIX domain, v5 engine, sFlow sub-agent */
	enum flow_protocol protocol;
	uint64_t datagrams;
	uint64_t records;   /* flow records; options and templates not counted */
	uint64_t templates; /* templates now known, options templates among them */
	uint64_t lost;      /* by sequence: v5 flows, IPFIX records, v9 and sFlow datagrams */
	uint64_t unknown_template; /* data sets that had no template yet */
	uint64_t malformed;        /* datagrams or sets given up on */
	uint64_t capped;           /* templates refused for a limit */
	uint64_t restarts;         /* sequence began anew */
	uint32_t sampling;         /* rate last stated; 0: never */
};

struct flow_decoder;

/* 0, -EINVAL for a limit of 0 or too many ports, -ENOMEM. */
int flow_decoder_new(const struct flow_options *options, flow_record_fn fn, void *arg,
		     struct flow_decoder **ret);
void flow_decoder_free(struct flow_decoder *d);
OWNABLE(flow_decoder)

/* One UDP payload as it came from `exporter`. Whatever is in it, nothing fails: it is counted. */
void flow_decode(struct flow_decoder *d, struct addr exporter, const uint8_t *bytes, size_t len);

size_t flow_exporters(const struct flow_decoder *d);
const struct flow_exporter *flow_exporter_at(const struct flow_decoder *d, size_t i);
/* Datagrams of exporters beyond exporters_max, not decoded. */
uint64_t flow_refused(const struct flow_decoder *d);
