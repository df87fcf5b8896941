/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/flow_priv.h"

const struct flow_options flow_options_default = {
	/* 65,536 exporters is what nfdump's newest collector allows; Debian's dies at 4,097. */
	.limits = { .exporters_max = 65536, .templates_max = 1024, .fields_max = 512 },
};

static const char *const protocol_names[FLOW_PROTOCOL_COUNT_] = {
	[FLOW_UNKNOWN] = "unknown", [FLOW_NETFLOW5] = "netflow5", [FLOW_NETFLOW9] = "netflow9",
	[FLOW_IPFIX] = "ipfix",     [FLOW_SFLOW5] = "sflow5",
};

const char *flow_protocol_name(enum flow_protocol p)
{
	return protocol_names[p];
}

static const char *const nat_names[FLOW_NAT_COUNT_] = {
	[FLOW_NAT_NONE] = "none",
	[FLOW_NAT_SESSION_CREATE] = "session-create",
	[FLOW_NAT_SESSION_DELETE] = "session-delete",
	[FLOW_NAT_BINDING_CREATE] = "binding-create",
	[FLOW_NAT_BINDING_DELETE] = "binding-delete",
	[FLOW_NAT_BLOCK_ALLOCATE] = "block-allocate",
	[FLOW_NAT_BLOCK_RELEASE] = "block-release",
	[FLOW_NAT_OTHER] = "other",
};

const char *flow_nat_name(uint8_t nat)
{
	return nat_names[nat];
}

int flow_decoder_new(const struct flow_options *options, flow_record_fn fn, void *arg,
		     struct flow_decoder **ret)
{
	const struct flow_limits *l = &options->limits;

	if (!l->exporters_max || !l->templates_max || !l->fields_max ||
	    options->ports_count > FLOW_PORTS_MAX)
		return -EINVAL;

	own(flow_decoder) struct flow_decoder *d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->options = *options;
	d->fn = fn;
	d->arg = arg;
	d->slots_room = 64;
	d->slots = calloc(d->slots_room, sizeof(*d->slots));
	if (!d->slots)
		return -ENOMEM;
	*ret = take(d);
	return 0;
}

static void source_free(struct flow_source *s)
{
	for (uint32_t i = 0; i < s->templates_room; i++)
		free(s->templates[i]);
	free(s->templates);
	free(s);
}

void flow_decoder_free(struct flow_decoder *d)
{
	if (!d)
		return;
	for (uint32_t i = 0; i < d->sources_count; i++)
		source_free(d->sources[i]);
	free(d->sources);
	free(d->slots);
	free(d);
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

static uint32_t key_hash(struct addr a, uint32_t domain, enum flow_protocol protocol)
{
	uint64_t h = mix((uint64_t)a.bits ^ mix((uint64_t)(a.bits >> 64)));

	return (uint32_t)mix(h ^ ((uint64_t)domain << 8 | (unsigned)protocol << 1 | a.family));
}

static bool key_equal(const struct flow_exporter *e, struct addr a, uint32_t domain,
		      enum flow_protocol protocol)
{
	return e->address.bits == a.bits && e->address.family == a.family && e->domain == domain &&
	       e->protocol == protocol;
}

/* The slot that holds the key, or the free one where it would go. */
static uint32_t slot_find(const struct flow_decoder *d, struct addr a, uint32_t domain,
			  enum flow_protocol protocol)
{
	uint32_t i = key_hash(a, domain, protocol) & (d->slots_room - 1);

	while (d->slots[i] && !key_equal(&d->sources[d->slots[i] - 1]->public, a, domain, protocol))
		i = (i + 1) & (d->slots_room - 1);
	return i;
}

/* Twice the slots and room for as many sources as half of them. */
static bool slots_grow(struct flow_decoder *d)
{
	uint32_t room = d->slots_room * 2;
	own_mem uint32_t *slots = calloc(room, sizeof(*slots));
	void *sources = realloc(d->sources, room / 2 * sizeof(*d->sources));

	if (sources)
		d->sources = sources;
	if (!slots || !sources)
		return false;
	free(d->slots);
	d->slots = take(slots);
	d->slots_room = room;
	for (uint32_t i = 0; i < d->sources_count; i++) {
		const struct flow_exporter *e = &d->sources[i]->public;

		d->slots[slot_find(d, e->address, e->domain, e->protocol)] = i + 1;
	}
	return true;
}

struct flow_source *flow_source_get(struct flow_decoder *d, struct addr exporter, uint32_t domain,
				    enum flow_protocol protocol)
{
	uint32_t i = slot_find(d, exporter, domain, protocol);

	if (d->slots[i])
		return d->sources[d->slots[i] - 1];
	if (d->sources_count >= d->options.limits.exporters_max)
		return NULL;
	if (!d->sources || d->sources_count + 1 > d->slots_room / 2) {
		if (!slots_grow(d))
			return NULL;
		i = slot_find(d, exporter, domain, protocol);
	}
	struct flow_source *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->public.address = exporter;
	s->public.domain = domain;
	s->public.protocol = protocol;
	s->public.sampling = d->options.sampling;
	d->sources[d->sources_count] = s;
	d->slots[i] = ++d->sources_count;
	return s;
}

uint32_t flow_source_index(const struct flow_decoder *d, const struct flow_source *s)
{
	const struct flow_exporter *e = &s->public;

	return d->slots[slot_find(d, e->address, e->domain, e->protocol)] - 1;
}

/* Datagrams may overtake each other by a little; further back the exporter has begun anew. */
#define REORDER_MAX 1000

void flow_sequence(struct flow_source *s, uint32_t sequence, uint32_t units, uint32_t uptime)
{
	int32_t ahead = (int32_t)(sequence - s->sequence);
	bool rebooted = uptime && uptime < s->uptime && s->uptime - uptime > 60000;

	if (s->sequence_known && ahead < 0 && ahead > -REORDER_MAX && !rebooted) {
		/* A late datagram fills a gap that was counted as lost. */
		s->public.lost -= s->public.lost < units ? s->public.lost : units;
		return;
	}
	if (s->sequence_known && (ahead < 0 || rebooted))
		s->public.restarts++;
	else if (s->sequence_known)
		s->public.lost += (uint32_t)ahead;
	s->sequence = sequence + units;
	s->sequence_known = true;
	s->uptime = uptime;
}

bool flow_wanted(const struct flow_options *o, uint16_t dport)
{
	for (unsigned i = 0; i < o->ports_count; i++)
		if (o->ports[i] == dport)
			return true;
	return o->ports_count == 0;
}

void flow_emit(struct flow_decoder *d, struct flow_source *s, struct flow_record *r)
{
	s->public.records++;
	if (d->fn && flow_wanted(&d->options, r->dport))
		d->fn(d->arg, r);
}

uint32_t flow_rate(const struct flow_decoder *d, const struct flow_source *s, uint64_t sampler,
		   bool has_sampler)
{
	if (has_sampler)
		for (unsigned i = 0; i < s->samplers_count; i++)
			if (s->samplers[i].id == sampler)
				return s->samplers[i].rate;
	if (s->rate)
		return s->rate;
	/* One sampler only, and the record does not say which: there is no doubt. */
	if (!has_sampler && s->samplers_count == 1)
		return s->samplers[0].rate;
	return d->options.sampling;
}

void flow_rate_learn(struct flow_source *s, uint32_t rate, uint64_t sampler, bool has_sampler)
{
	if (!rate)
		return;
	s->public.sampling = rate;
	if (!has_sampler) {
		s->rate = rate;
		return;
	}
	unsigned i = 0;
	while (i < s->samplers_count && s->samplers[i].id != sampler)
		i++;
	if (i == FLOW_SAMPLERS_MAX) {
		s->public.capped++;
		return;
	}
	s->samplers[i].id = sampler;
	s->samplers[i].rate = rate;
	if (i == s->samplers_count)
		s->samplers_count++;
}

static void decode_unknown(struct flow_decoder *d, struct addr exporter)
{
	struct flow_source *s = flow_source_get(d, exporter, 0, FLOW_UNKNOWN);

	if (!s) {
		d->refused++;
		return;
	}
	s->public.datagrams++;
	s->public.malformed++;
}

void flow_decode(struct flow_decoder *d, struct addr exporter, const uint8_t *bytes, size_t len)
{
	struct reader r = reader_of(bytes, len);
	struct reader peek = r;

	switch (reader_u16(&peek)) {
	case 5:
		flow_decode_v5(d, exporter, r);
		return;
	case 9:
		flow_decode_v9(d, exporter, r);
		return;
	case 10:
		flow_decode_ipfix(d, exporter, r);
		return;
	case 0: /* sFlow's version is a 32-bit number */
		if (reader_u16(&peek) == 5) {
			flow_decode_sflow(d, exporter, r);
			return;
		}
	}
	decode_unknown(d, exporter);
}

size_t flow_exporters(const struct flow_decoder *d)
{
	return d->sources_count;
}

const struct flow_exporter *flow_exporter_at(const struct flow_decoder *d, size_t i)
{
	return &d->sources[i]->public;
}

uint64_t flow_refused(const struct flow_decoder *d)
{
	return d->refused;
}
