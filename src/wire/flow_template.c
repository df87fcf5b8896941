/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow v9 (RFC 3954) and IPFIX (RFC 7011): templates, and the data they describe. */
#include <stdlib.h>
#include <string.h>

#include "wire/flow_priv.h"

#define SET_TEMPLATE_V9    0
#define SET_OPTIONS_V9     1
#define SET_TEMPLATE_IPFIX 2
#define SET_OPTIONS_IPFIX  3
#define SET_DATA_MIN       256
#define ENTERPRISE_BIT     0x8000
#define PEN_REVERSE        29305 /* RFC 5103 6.1 */

/* One datagram on its way through the sets. */
struct message {
	struct flow_decoder *d;
	struct flow_source *s;
	uint32_t exporter;
	int64_t export_ms; /* when it was sent, since 1970 */
	int64_t boot_ms;   /* v9: when the exporter's uptime was 0 */
	bool ipfix;
	bool all_known;   /* no data set lacked its template */
	uint32_t records; /* data records, options records too (RFC 7011 3.1) */
};

/* Information elements by number: IANA's registry; v9's numbers are the same up to 127. */
static const uint8_t field_of[] = {
	[1] = 1 + F_BYTES,          [2] = 1 + F_PACKETS,       [3] = 1 + F_FLOWS,
	[4] = 1 + F_PROTOCOL,       [6] = 1 + F_TCP_FLAGS,     [7] = 1 + F_SPORT,
	[8] = 1 + F_SRC4,           [11] = 1 + F_DPORT,        [12] = 1 + F_DST4,
	[21] = 1 + F_END_UP,        [22] = 1 + F_START_UP,     [27] = 1 + F_SRC6,
	[28] = 1 + F_DST6,          [34] = 1 + F_RATE,         [48] = 1 + F_SAMPLER,
	[50] = 1 + F_RATE_RANDOM,   [58] = 1 + F_VLAN,         [85] = 1 + F_BYTES_TOTAL,
	[86] = 1 + F_PACKETS_TOTAL, [150] = 1 + F_START_S,     [151] = 1 + F_END_S,
	[152] = 1 + F_START_MS,     [153] = 1 + F_END_MS,      [154] = 1 + F_START_US,
	[155] = 1 + F_END_US,       [156] = 1 + F_START_US,    [157] = 1 + F_END_US,
	[158] = 1 + F_START_DELTA,  [159] = 1 + F_END_DELTA,   [160] = 1 + F_INIT_MS,
	[225] = 1 + F_NAT_SRC4,     [227] = 1 + F_NAT_SPORT,   [230] = 1 + F_NAT_EVENT,
	[231] = 1 + F_BYTES,        [243] = 1 + F_VLAN_DOT1Q,  [298] = 1 + F_PACKETS,
	[281] = 1 + F_NAT_SRC6,     [302] = 1 + F_SELECTOR,    [305] = 1 + F_INTERVAL,
	[306] = 1 + F_SPACE,        [309] = 1 + F_SIZE,        [310] = 1 + F_POPULATION,
	[323] = 1 + F_EVENT_MS,     [361] = 1 + F_BLOCK_FIRST, [362] = 1 + F_BLOCK_LAST,
};

static uint8_t field_index(uint16_t id, uint32_t pen)
{
	if (pen == PEN_REVERSE)
		return id == 1   ? F_REV_BYTES
		       : id == 2 ? F_REV_PACKETS
		       : id == 6 ? F_REV_TCP_FLAGS
				 : F_COUNT;
	if (pen != 0 || id >= sizeof(field_of) || !field_of[id])
		return F_COUNT;
	return (uint8_t)(field_of[id] - 1);
}

/* How many bytes a field may have to be read as what it is; others are stepped over. */
static bool length_fits(uint8_t field, uint16_t len)
{
	switch (field) {
	case F_SRC4:
	case F_DST4:
	case F_NAT_SRC4:
		return len == 4;
	case F_SRC6:
	case F_DST6:
	case F_NAT_SRC6:
		return len == 16;
	default:
		return len >= 1 && len <= 8;
	}
}

static void layout_set(struct flow_layout *l, uint8_t field, size_t offset, uint16_t len)
{
	/* Of a field given twice the first counts: the second is the inner or later one. */
	if (field == F_COUNT || l->len[field] || !length_fits(field, len) || offset > UINT16_MAX)
		return;
	l->offset[field] = (uint16_t)offset;
	l->len[field] = (uint8_t)len;
}

static uint64_t get(const uint8_t *record, const struct flow_layout *l, enum flow_field f)
{
	return bytes_uint(record + l->offset[f], l->len[f]);
}

static bool has(const struct flow_layout *l, enum flow_field f)
{
	return l->len[f] != 0;
}

/* --- templates ----------------------------------------------------------- */

static uint32_t template_slot(const struct flow_source *s, uint16_t id)
{
	uint32_t mask = s->templates_room - 1, i = id & mask;

	while (s->templates[i] && s->templates[i]->id != id)
		i = (i + 1) & mask;
	return i;
}

static const struct flow_template *template_find(const struct flow_source *s, uint16_t id)
{
	return s->templates_room ? s->templates[template_slot(s, id)] : NULL;
}

static bool templates_grow(struct flow_source *s)
{
	uint32_t old_room = s->templates_room;
	struct flow_template **old = s->templates;

	s->templates_room = old_room ? old_room * 2 : 8;
	s->templates = calloc(s->templates_room, sizeof(struct flow_template *));
	if (!s->templates) {
		s->templates = old;
		s->templates_room = old_room;
		return false;
	}
	for (uint32_t i = 0; i < old_room; i++)
		if (old[i])
			s->templates[template_slot(s, old[i]->id)] = old[i];
	free(old);
	return true;
}

static void template_keep(struct message *m, struct flow_template *t)
{
	struct flow_source *s = m->s;
	bool full = s->public.templates >= m->d->options.limits.templates_max;

	if (template_find(s, t->id)) {
		uint32_t i = template_slot(s, t->id);

		free(s->templates[i]);
		s->templates[i] = t;
		return;
	}
	if (full || (s->public.templates + 1 > s->templates_room / 2 && !templates_grow(s))) {
		s->public.capped++;
		free(t);
		return;
	}
	s->templates[template_slot(s, t->id)] = t;
	s->public.templates++;
}

/* Put what is left into a table of its own: open addressing knows no holes. */
static void templates_withdraw(struct flow_source *s, uint16_t id, bool all, bool options)
{
	own_mem struct flow_template **old = s->templates;
	uint32_t room = s->templates_room;

	if (!room)
		return;
	s->templates = calloc(room, sizeof(struct flow_template *));
	if (!s->templates)
		s->templates_room = 0;
	s->public.templates = 0;
	for (uint32_t i = 0; i < room; i++) {
		struct flow_template *t = old[i];

		if (!t)
			continue;
		if (!s->templates || (all ? t->options == options : t->id == id)) {
			free(t);
			continue;
		}
		s->templates[template_slot(s, t->id)] = t;
		s->public.templates++;
	}
}

/* One field specifier; v9's scope fields have a numbering of their own and are stepped over. */
static void spec_read(struct message *m, struct reader *r, bool scope, struct flow_spec *ret,
		      struct flow_template *t)
{
	uint16_t id = reader_u16(r);
	uint16_t len = reader_u16(r);
	uint32_t pen = 0;

	if (m->ipfix && id & ENTERPRISE_BIT) {
		pen = reader_u32(r);
		id &= (uint16_t)~ENTERPRISE_BIT;
	}
	ret->len = len;
	ret->field = scope && !m->ipfix ? F_COUNT : field_index(id, pen);
	if (m->ipfix && len == FLOW_VARIABLE) {
		t->variable = true;
		t->record_len += 1;
		return;
	}
	if (!t->variable)
		layout_set(&t->layout, ret->field, t->record_len, len);
	t->record_len += len;
}

static bool template_body(struct message *m, struct reader *r, uint16_t id, unsigned count,
			  unsigned scopes, bool options)
{
	if (count > m->d->options.limits.fields_max || (size_t)count * 4 > reader_left(r)) {
		m->s->public.capped += count > m->d->options.limits.fields_max;
		return false;
	}
	struct flow_template *t = calloc(1, sizeof(*t) + count * sizeof(t->specs[0]));
	if (!t)
		return false;
	t->id = id;
	t->specs_count = (uint16_t)count;
	t->options = options;
	for (unsigned i = 0; i < count; i++)
		spec_read(m, r, i < scopes, &t->specs[i], t);
	/* A record of no bytes would be there forever. */
	if (r->short_ || t->record_len == 0) {
		free(t);
		return false;
	}
	template_keep(m, t);
	return true;
}

static bool templates_read(struct message *m, struct reader *r)
{
	while (reader_left(r) >= 4) {
		uint16_t id = reader_u16(r), count = reader_u16(r);

		if (id == 0 && count == 0)
			return true;          /* padding */
		if (m->ipfix && count == 0) { /* RFC 7011 8.1: withdrawal */
			templates_withdraw(m->s, id, id == SET_TEMPLATE_IPFIX, false);
			continue;
		}
		if (id < SET_DATA_MIN || !template_body(m, r, id, count, 0, false))
			return false;
	}
	return true;
}

static bool options_templates_read(struct message *m, struct reader *r)
{
	while (reader_left(r) >= (m->ipfix ? 4u : 6u)) {
		uint16_t id = reader_u16(r), a = reader_u16(r);

		if (id == 0 && a == 0)
			return true;
		if (m->ipfix && a == 0) {
			templates_withdraw(m->s, id, id == SET_OPTIONS_IPFIX, true);
			continue;
		}
		uint16_t b = reader_u16(r);
		/* v9 gives the lengths of both lists in bytes, IPFIX all fields and the scopes. */
		unsigned count = m->ipfix ? a : (a + b) / 4u;
		unsigned scopes = m->ipfix ? b : a / 4u;

		if (id < SET_DATA_MIN || scopes > count ||
		    !template_body(m, r, id, count, scopes, true))
			return false;
	}
	return true;
}

/* --- data ---------------------------------------------------------------- */

/* Walk a record that has variable-length fields; its length, or 0 if it is cut short. */
static size_t layout_walk(const struct flow_template *t, struct reader r, struct flow_layout *ret)
{
	const uint8_t *start = r.at;

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < t->specs_count; i++) {
		size_t len = t->specs[i].len;

		if (len == FLOW_VARIABLE) {
			len = reader_u8(&r);
			if (len == 255)
				len = reader_u16(&r);
		}
		const uint8_t *at = reader_take(&r, len);
		if (!at)
			return 0;
		layout_set(ret, t->specs[i].field, (size_t)(at - start), (uint16_t)len);
	}
	return r.short_ ? 0 : (size_t)(r.at - start);
}

/* An NTP timestamp (RFC 7011 6.1.9): seconds since 1900 and a fraction. */
static int64_t ntp_ms(uint64_t ntp)
{
	return ((int64_t)(ntp >> 32) - 2208988800LL) * 1000 +
	       (int64_t)((ntp & 0xffffffff) * 1000 >> 32);
}

static int64_t instant(const struct message *m, const uint8_t *b, const struct flow_layout *l,
		       enum flow_field ms, enum flow_field s, enum flow_field us,
		       enum flow_field up, enum flow_field delta)
{
	if (has(l, ms))
		return (int64_t)get(b, l, ms);
	if (has(l, s))
		return (int64_t)get(b, l, s) * 1000;
	if (has(l, us))
		return ntp_ms(get(b, l, us));
	if (has(l, up)) {
		int64_t boot = has(l, F_INIT_MS) ? (int64_t)get(b, l, F_INIT_MS) : m->boot_ms;

		return boot ? boot + (int64_t)get(b, l, up) : 0;
	}
	if (has(l, delta))
		return m->export_ms - (int64_t)get(b, l, delta) / 1000;
	return has(l, F_EVENT_MS) ? (int64_t)get(b, l, F_EVENT_MS) : 0;
}

/* Every documented way of saying how much was left out, in one number: 1 of how many. */
static uint32_t rate_read(const uint8_t *b, const struct flow_layout *l)
{
	uint64_t rate = 0;

	if (has(l, F_INTERVAL) && has(l, F_SPACE)) {
		uint64_t taken = get(b, l, F_INTERVAL);
		if (taken)
			rate = (taken + get(b, l, F_SPACE)) / taken;
	} else if (has(l, F_SIZE) && has(l, F_POPULATION)) {
		uint64_t size = get(b, l, F_SIZE);
		if (size)
			rate = get(b, l, F_POPULATION) / size;
	} else if (has(l, F_RATE_RANDOM)) {
		rate = get(b, l, F_RATE_RANDOM);
	} else if (has(l, F_RATE)) {
		rate = get(b, l, F_RATE);
	}
	return rate > UINT32_MAX ? 0 : (uint32_t)rate;
}

static bool sampler_read(const uint8_t *b, const struct flow_layout *l, uint64_t *ret)
{
	bool selector = has(l, F_SELECTOR);

	*ret = selector ? get(b, l, F_SELECTOR) : has(l, F_SAMPLER) ? get(b, l, F_SAMPLER) : 0;
	return selector || has(l, F_SAMPLER);
}

static enum flow_nat nat_event(uint64_t event, enum flow_dialect dialect)
{
	/* RFC 8158 4.3; Juniper MX numbers them by an early draft. */
	static const uint8_t rfc[] = {
		[1] = FLOW_NAT_SESSION_CREATE,  [2] = FLOW_NAT_SESSION_DELETE,
		[4] = FLOW_NAT_SESSION_CREATE,  [5] = FLOW_NAT_SESSION_DELETE,
		[6] = FLOW_NAT_SESSION_CREATE,  [7] = FLOW_NAT_SESSION_DELETE,
		[14] = FLOW_NAT_BINDING_CREATE, [15] = FLOW_NAT_BINDING_DELETE,
		[16] = FLOW_NAT_BLOCK_ALLOCATE, [17] = FLOW_NAT_BLOCK_RELEASE,
	};
	static const uint8_t juniper[] = {
		[1] = FLOW_NAT_SESSION_CREATE,  [2] = FLOW_NAT_SESSION_DELETE,
		[12] = FLOW_NAT_BINDING_CREATE, [13] = FLOW_NAT_BINDING_DELETE,
		[14] = FLOW_NAT_BLOCK_ALLOCATE, [15] = FLOW_NAT_BLOCK_RELEASE,
	};
	const uint8_t *table = dialect == FLOW_DIALECT_JUNIPER ? juniper : rfc;
	size_t count = dialect == FLOW_DIALECT_JUNIPER ? sizeof(juniper) : sizeof(rfc);

	return event < count && table[event] ? table[event] : FLOW_NAT_OTHER;
}

static void nat_read(const struct message *m, const uint8_t *b, const struct flow_layout *l,
		     struct flow_record *f)
{
	f->nat = (uint8_t)nat_event(get(b, l, F_NAT_EVENT), m->d->options.dialect);
	f->block_first = (uint16_t)get(b, l, F_BLOCK_FIRST);
	f->block_last = (uint16_t)get(b, l, F_BLOCK_LAST);
}

static void addresses_read(const uint8_t *b, const struct flow_layout *l, struct flow_record *f)
{
	if (has(l, F_SRC4) && has(l, F_DST4)) {
		f->src = (struct addr){ .bits = get(b, l, F_SRC4), .family = FAMILY_V4 };
		f->dst = (struct addr){ .bits = get(b, l, F_DST4), .family = FAMILY_V4 };
		f->has_addresses = true;
	}
	/* A template may carry both families, the one not used being all zero. */
	if (has(l, F_SRC6) && has(l, F_DST6) && !(f->has_addresses && f->src.bits)) {
		f->src = addr_from_bytes(FAMILY_V6, b + l->offset[F_SRC6]);
		f->dst = addr_from_bytes(FAMILY_V6, b + l->offset[F_DST6]);
		f->has_addresses = true;
	}
	if (has(l, F_NAT_SRC4) || has(l, F_NAT_SRC6)) {
		f->nat_src = has(l, F_NAT_SRC4)
				 ? addr_from_bytes(FAMILY_V4, b + l->offset[F_NAT_SRC4])
				 : addr_from_bytes(FAMILY_V6, b + l->offset[F_NAT_SRC6]);
		f->nat_sport = (uint16_t)get(b, l, F_NAT_SPORT);
		f->has_nat = true;
	}
}

static void counts_read(const uint8_t *b, const struct flow_layout *l, struct flow_record *f)
{
	f->packets = get(b, l, has(l, F_PACKETS) ? F_PACKETS : F_PACKETS_TOTAL);
	f->bytes = get(b, l, has(l, F_BYTES) ? F_BYTES : F_BYTES_TOTAL);
	f->flows = has(l, F_FLOWS) ? get(b, l, F_FLOWS) : 1;
	f->reverse_packets = get(b, l, F_REV_PACKETS);
	f->reverse_bytes = get(b, l, F_REV_BYTES);
	f->reverse_tcp_flags = (uint8_t)get(b, l, F_REV_TCP_FLAGS);
}

static void record_read(struct message *m, const uint8_t *b, const struct flow_layout *l,
			struct flow_record *f)
{
	uint64_t sampler;
	bool named = sampler_read(b, l, &sampler);
	uint32_t own_rate = rate_read(b, l);

	addresses_read(b, l, f);
	counts_read(b, l, f);
	f->sport = (uint16_t)get(b, l, F_SPORT);
	f->protocol = (uint8_t)get(b, l, F_PROTOCOL);
	f->tcp_flags = (uint8_t)get(b, l, F_TCP_FLAGS);
	f->vlan = (uint16_t)get(b, l, has(l, F_VLAN) ? F_VLAN : F_VLAN_DOT1Q);
	f->start_ms =
	    instant(m, b, l, F_START_MS, F_START_S, F_START_US, F_START_UP, F_START_DELTA);
	f->end_ms = instant(m, b, l, F_END_MS, F_END_S, F_END_US, F_END_UP, F_END_DELTA);
	f->sampling = own_rate ? own_rate : flow_rate(m->d, m->s, sampler, named);
	if (has(l, F_NAT_EVENT))
		nat_read(m, b, l, f);
}

static void data_record(struct message *m, const struct flow_template *t, const uint8_t *b,
			const struct flow_layout *l)
{
	m->records++;
	if (t->options) {
		uint64_t sampler;
		bool named = sampler_read(b, l, &sampler);

		flow_rate_learn(m->s, rate_read(b, l), sampler, named);
		return;
	}
	uint16_t dport = (uint16_t)get(b, l, F_DPORT);
	bool nat = has(l, F_NAT_EVENT) && m->d->options.ports_count;

	/* The port first: of unfiltered export most records end here. */
	if (!nat && !flow_wanted(&m->d->options, dport)) {
		m->s->public.records++;
		return;
	}
	struct flow_record f = { .exporter = m->exporter, .dport = dport };

	record_read(m, b, l, &f);
	flow_emit(m->d, m->s, &f);
}

static void data_read(struct message *m, const struct flow_template *t, struct reader *r)
{
	if (!t->variable) {
		while (reader_left(r) >= t->record_len)
			data_record(m, t, reader_take(r, t->record_len), &t->layout);
		return;
	}
	/* Less than the least record is padding (RFC 7011 3.3.1). */
	while (reader_left(r) >= t->record_len) {
		struct flow_layout l;
		size_t len = layout_walk(t, *r, &l);

		if (!len) {
			m->s->public.malformed++;
			return;
		}
		data_record(m, t, reader_take(r, len), &l);
	}
}

static void set_read(struct message *m, uint16_t id, struct reader *r)
{
	bool ok = true;

	if (id == (m->ipfix ? SET_TEMPLATE_IPFIX : SET_TEMPLATE_V9)) {
		ok = templates_read(m, r);
	} else if (id == (m->ipfix ? SET_OPTIONS_IPFIX : SET_OPTIONS_V9)) {
		ok = options_templates_read(m, r);
	} else if (id >= SET_DATA_MIN) {
		const struct flow_template *t = template_find(m->s, id);

		if (t) {
			data_read(m, t, r);
		} else {
			m->s->public.unknown_template++;
			m->all_known = false;
		}
	}
	if (!ok)
		m->s->public.malformed++;
}

static void sets_read(struct message *m, struct reader *r)
{
	while (reader_left(r) >= 4) {
		uint16_t id = reader_u16(r), len = reader_u16(r);

		if (len < 4 || len - 4u > reader_left(r)) {
			m->s->public.malformed++;
			m->all_known = false;
			return;
		}
		struct reader body = reader_sub(r, len - 4u);
		set_read(m, id, &body);
	}
}

static bool message_begin(struct message *m, struct addr exporter, uint32_t domain)
{
	m->s = flow_source_get(m->d, exporter, domain, m->ipfix ? FLOW_IPFIX : FLOW_NETFLOW9);
	if (!m->s) {
		m->d->refused++;
		return false;
	}
	m->s->public.datagrams++;
	m->exporter = flow_source_index(m->d, m->s);
	m->all_known = true;
	return true;
}

void flow_decode_v9(struct flow_decoder *d, struct addr exporter, struct reader r)
{
	struct message m = { .d = d };

	reader_take(&r, 4); /* version, count: exporters disagree on what is counted */
	uint32_t uptime = reader_u32(&r);
	m.export_ms = (int64_t)reader_u32(&r) * 1000;
	m.boot_ms = m.export_ms - uptime;
	uint32_t sequence = reader_u32(&r), domain = reader_u32(&r);

	if (!message_begin(&m, exporter, domain))
		return;
	if (r.short_) {
		m.s->public.malformed++;
		return;
	}
	flow_sequence(m.s, sequence, 1, uptime); /* RFC 3954 5.1: counts packets */
	sets_read(&m, &r);
}

void flow_decode_ipfix(struct flow_decoder *d, struct addr exporter, struct reader r)
{
	struct message m = { .d = d, .ipfix = true };

	reader_u16(&r); /* version */
	uint16_t len = reader_u16(&r);
	m.export_ms = (int64_t)reader_u32(&r) * 1000;
	uint32_t sequence = reader_u32(&r), domain = reader_u32(&r);

	if (!message_begin(&m, exporter, domain))
		return;
	if (r.short_ || len < 16 || len - 16u > reader_left(&r)) {
		m.s->public.malformed++;
		return;
	}
	struct reader body = reader_sub(&r, len - 16u);
	sets_read(&m, &body);
	/* RFC 7011 3.1: counts data records, so it must be known how many there were. */
	flow_sequence(m.s, sequence, m.records, 0);
	m.s->sequence_known = m.all_known;
}
