/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow v5: a header of 24 bytes and up to 30 records of 48. */
#include "wire/flow_priv.h"

#define RECORD_BYTES 48
#define RECORDS_MAX  30 /* by Cisco's specification; a longer datagram is not v5 */

struct header {
	uint16_t count;
	uint32_t uptime, secs, nsecs, sequence;
	uint16_t engine;
	uint32_t sampling;
};

static struct header header_read(struct reader *r)
{
	struct header h;

	reader_u16(r); /* version */
	h.count = reader_u16(r);
	h.uptime = reader_u32(r);
	h.secs = reader_u32(r);
	h.nsecs = reader_u32(r);
	h.sequence = reader_u32(r);
	h.engine = reader_u16(r);
	h.sampling = reader_u16(r) & 0x3fff; /* the upper two bits are the mode */
	return h;
}

static void record_read(struct reader r, const struct header *h, struct flow_record *f)
{
	int64_t boot_ms = (int64_t)h->secs * 1000 + h->nsecs / 1000000 - h->uptime;

	f->src = (struct addr){ .bits = reader_u32(&r), .family = FAMILY_V4 };
	f->dst = (struct addr){ .bits = reader_u32(&r), .family = FAMILY_V4 };
	f->has_addresses = true;
	reader_take(&r, 8); /* next hop, interfaces */
	f->packets = reader_u32(&r);
	f->bytes = reader_u32(&r);
	f->flows = 1;
	f->start_ms = boot_ms + reader_u32(&r);
	f->end_ms = boot_ms + reader_u32(&r);
	f->sport = reader_u16(&r);
	f->dport = reader_u16(&r);
	reader_u8(&r); /* padding */
	f->tcp_flags = reader_u8(&r);
	f->protocol = reader_u8(&r);
}

void flow_decode_v5(struct flow_decoder *d, struct addr exporter, struct reader r)
{
	struct header h = header_read(&r);
	struct flow_source *s = flow_source_get(d, exporter, h.engine, FLOW_NETFLOW5);

	if (!s) {
		d->refused++;
		return;
	}
	s->public.datagrams++;
	if (r.short_ || h.count == 0 || h.count > RECORDS_MAX ||
	    reader_left(&r) < (size_t)h.count * RECORD_BYTES) {
		s->public.malformed++;
		return;
	}
	/* 0 says nothing about sampling, it does not say 1:1. */
	flow_rate_learn(s, h.sampling, 0, false);
	flow_sequence(s, h.sequence, h.count, h.uptime);

	uint32_t exporter_index = flow_source_index(d, s);
	for (unsigned i = 0; i < h.count; i++) {
		struct flow_record f = { .exporter = exporter_index,
					 .sampling = flow_rate(d, s, 0, false) };

		record_read(reader_sub(&r, RECORD_BYTES), &h, &f);
		flow_emit(d, s, &f);
	}
}
