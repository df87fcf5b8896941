/* SPDX-License-Identifier: BSD-2-Clause */
/* flow_priv: what the parts of the flow decoder share. Nobody else includes it. */
#pragma once

#include "wire/flow.h"
#include "wire/reader.h"

/* The information elements we read, as indexes of a layout. */
enum flow_field {
	F_SRC4,
	F_DST4,
	F_SRC6,
	F_DST6,
	F_SPORT,
	F_DPORT,
	F_PROTOCOL,
	F_TCP_FLAGS,
	F_PACKETS,
	F_BYTES,
	F_PACKETS_TOTAL,
	F_BYTES_TOTAL,
	F_FLOWS,
	F_START_UP,
	F_END_UP,
	F_START_S,
	F_END_S,
	F_START_MS,
	F_END_MS,
	F_START_US,
	F_END_US,
	F_START_DELTA,
	F_END_DELTA,
	F_INIT_MS,
	F_EVENT_MS,
	F_VLAN,
	F_VLAN_DOT1Q,
	F_RATE,
	F_RATE_RANDOM,
	F_SAMPLER,
	F_SELECTOR,
	F_INTERVAL,
	F_SPACE,
	F_SIZE,
	F_POPULATION,
	F_NAT_EVENT,
	F_NAT_SRC4,
	F_NAT_SRC6,
	F_NAT_SPORT,
	F_BLOCK_FIRST,
	F_BLOCK_LAST,
	F_REV_PACKETS,
	F_REV_BYTES,
	F_REV_TCP_FLAGS,
	F_COUNT
};

/* Where in a record each field stands; len 0: not there. */
struct flow_layout {
	uint16_t offset[F_COUNT];
	uint8_t len[F_COUNT];
};

struct flow_spec {
	uint16_t len;  /* FLOW_VARIABLE: by its own length prefix (RFC 7011 7) */
	uint8_t field; /* enum flow_field, F_COUNT: not one of ours */
};

#define FLOW_VARIABLE 65535

struct flow_template {
	uint16_t id;
	uint16_t specs_count;
	uint32_t record_len; /* bytes; the least possible if variable */
	bool options, variable;
	struct flow_layout layout; /* final unless variable */
	struct flow_spec specs[];
};

#define FLOW_SAMPLERS_MAX 16

struct flow_source {
	struct flow_exporter public;
	struct flow_template **templates; /* open addressing by id, power of two */
	uint32_t templates_room;
	uint32_t sequence; /* expected next */
	bool sequence_known;
	uint32_t uptime; /* of the last datagram, ms */
	struct {
		uint64_t id;
		uint32_t rate;
	} samplers[FLOW_SAMPLERS_MAX];
	unsigned samplers_count;
	uint32_t rate; /* stated without a sampler's id */
};

struct flow_decoder {
	struct flow_options options;
	flow_record_fn fn;
	void *arg;
	struct flow_source **sources; /* in order of first sight */
	uint32_t sources_count;
	uint32_t *slots; /* hash of (address, domain, protocol) → index + 1 */
	uint32_t slots_room;
	uint64_t refused;
};

/* NULL when the cap is reached or memory is short: then the datagram is refused. */
struct flow_source *flow_source_get(struct flow_decoder *d, struct addr exporter, uint32_t domain,
				    enum flow_protocol protocol);
uint32_t flow_source_index(const struct flow_decoder *d, const struct flow_source *s);

/*
 * Compare a datagram's sequence number with what was expected. `units` is by how
 * much it advances the sequence; uptime 0 when the format has none.
 */
void flow_sequence(struct flow_source *s, uint32_t sequence, uint32_t units, uint32_t uptime);

/* Count a record and hand it on if its ports are wanted. */
void flow_emit(struct flow_decoder *d, struct flow_source *s, struct flow_record *r);
bool flow_wanted(const struct flow_options *o, uint16_t dport);

/* The rate to put on a record without one of its own. */
uint32_t flow_rate(const struct flow_decoder *d, const struct flow_source *s, uint64_t sampler,
		   bool has_sampler);
void flow_rate_learn(struct flow_source *s, uint32_t rate, uint64_t sampler, bool has_sampler);

void flow_decode_v5(struct flow_decoder *d, struct addr exporter, struct reader r);
void flow_decode_v9(struct flow_decoder *d, struct addr exporter, struct reader r);
void flow_decode_ipfix(struct flow_decoder *d, struct addr exporter, struct reader r);
void flow_decode_sflow(struct flow_decoder *d, struct addr exporter, struct reader r);
