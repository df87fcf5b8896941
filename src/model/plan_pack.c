/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/plan_pack.h"

#include <errno.h>
#include <stdlib.h>

#define MAGIC      0x6e616c70 /* "plan" */
#define VERSION    1
#define STRING_MAX 4096

static void put_prefixes(struct pack *p, const struct plan_prefix *prefix, unsigned count)
{
	pack_u32(p, count);
	for (unsigned i = 0; i < count; i++) {
		uint8_t bytes[16] = { 0 };

		addr_to_bytes(prefix[i].prefix.addr, bytes);
		pack_u8(p, (uint8_t)prefix[i].prefix.addr.family);
		pack_u8(p, prefix[i].prefix.len);
		pack_raw(p, bytes, family_bits(prefix[i].prefix.addr.family) / 8);
		pack_u32(p, prefix[i].line);
	}
}

static void put_strings(struct pack *p, char *const *string, unsigned count)
{
	pack_u32(p, count);
	for (unsigned i = 0; i < count; i++)
		pack_string(p, string[i]);
}

static void put_segment(struct pack *p, const struct segment *s)
{
	pack_string(p, s->name);
	pack_u32(p, s->kind);
	pack_u32(p, s->addressing);
	pack_string(p, s->place);
	pack_u32(p, s->treatment);
	pack_u32(p, s->mode);
	pack_u8(p, s->strict);
	pack_u32(p, s->inbound);
	pack_string(p, s->restriction);
	pack_u32(p, s->line);
	put_prefixes(p, s->prefixes, s->prefixes_count);
}

int plan_pack(const struct plan *plan, struct pack *p)
{
	const struct plan_operator *o = &plan->operator_;

	pack_u32(p, MAGIC);
	pack_u32(p, VERSION);
	pack_string(p, o->name);
	pack_u32(p, o->as_number);
	pack_string(p, o->contact);
	put_strings(p, o->languages, o->languages_count);
	put_prefixes(p, o->space, o->space_count);
	pack_u32(p, plan->segments_count);
	for (unsigned i = 0; i < plan->segments_count; i++)
		put_segment(p, &plan->segments[i]);
	pack_u32(p, plan->smarthosts_count);
	for (unsigned i = 0; i < plan->smarthosts_count; i++) {
		pack_string(p, plan->smarthosts[i].name);
		pack_u32(p, plan->smarthosts[i].line);
		put_prefixes(p, plan->smarthosts[i].prefixes, plan->smarthosts[i].prefixes_count);
	}
	pack_u32(p, plan->waves_count);
	for (unsigned i = 0; i < plan->waves_count; i++) {
		pack_string(p, plan->waves[i].name);
		pack_u32(p, plan->waves[i].line);
		put_strings(p, plan->waves[i].segments, plan->waves[i].segments_count);
	}
	return pack_result(p);
}

static bool get_flag(struct unpack *u)
{
	uint8_t v = unpack_u8(u);

	if (v > 1)
		u->failed = true;
	return v == 1;
}

/* An array for a count already checked against what is left; never NULL for a count above 0. */
static void *get_array(struct unpack *u, uint32_t count, size_t size)
{
	void *array = count ? calloc(count, size) : NULL;

	if (count && !array)
		u->failed = true;
	return array;
}

static struct plan_prefix get_prefix(struct unpack *u)
{
	struct plan_prefix p = { .line = 0 };
	uint8_t family = unpack_u8(u), len = unpack_u8(u), bytes[16] = { 0 };

	if (family >= FAMILY_COUNT_ || len > family_bits((enum family)family)) {
		u->failed = true;
		return p;
	}
	unpack_raw(u, bytes, family_bits((enum family)family) / 8);
	p.prefix.addr = addr_from_bytes((enum family)family, bytes);
	p.prefix.len = len;
	p.line = unpack_u32(u);
	unsigned host = family_bits((enum family)family) - len;
	addr_bits mask = host >= 128 ? ~(addr_bits)0 : ((addr_bits)1 << host) - 1;
	if (p.prefix.addr.bits & mask)
		u->failed = true;
	return p;
}

static struct plan_prefix *get_prefixes(struct unpack *u, unsigned *ret_count)
{
	uint32_t count = unpack_count(u, 10);
	struct plan_prefix *prefix = get_array(u, count, sizeof(*prefix));

	*ret_count = prefix ? count : 0;
	for (uint32_t i = 0; i < *ret_count; i++)
		prefix[i] = get_prefix(u);
	return prefix;
}

/* A name must be there; other strings may be missing. */
static char *get_name(struct unpack *u)
{
	char *name = unpack_strdup(u, STRING_MAX);

	if (!name)
		u->failed = true;
	return name;
}

static char **get_strings(struct unpack *u, unsigned *ret_count)
{
	uint32_t count = unpack_count(u, 4);
	char **string = get_array(u, count, sizeof(*string));

	*ret_count = string ? count : 0;
	for (uint32_t i = 0; i < *ret_count; i++)
		string[i] = get_name(u);
	return string;
}

static void get_segment(struct unpack *u, struct segment *s)
{
	s->name = get_name(u);
	s->kind = (enum segment_kind)unpack_below(u, KIND_COUNT_);
	s->addressing = (enum segment_addressing)unpack_below(u, ADDRESSING_COUNT_);
	s->place = unpack_strdup(u, STRING_MAX);
	s->treatment = (enum treatment)unpack_below(u, TREATMENT_COUNT_);
	s->mode = (enum mode)unpack_below(u, MODE_COUNT_);
	s->strict = get_flag(u);
	s->inbound = (enum mode)unpack_below(u, MODE_COUNT_);
	s->restriction = unpack_strdup(u, STRING_MAX);
	s->line = unpack_u32(u);
	s->prefixes = get_prefixes(u, &s->prefixes_count);
}

static void get_segments(struct unpack *u, struct plan *p)
{
	uint32_t count = unpack_count(u, 40);

	p->segments = get_array(u, count, sizeof(*p->segments));
	p->segments_count = p->segments ? count : 0;
	for (uint32_t i = 0; i < p->segments_count && !u->failed; i++)
		get_segment(u, &p->segments[i]);
}

static void get_smarthosts(struct unpack *u, struct plan *p)
{
	uint32_t count = unpack_count(u, 12);

	p->smarthosts = get_array(u, count, sizeof(*p->smarthosts));
	p->smarthosts_count = p->smarthosts ? count : 0;
	for (uint32_t i = 0; i < p->smarthosts_count && !u->failed; i++) {
		struct smarthost *s = &p->smarthosts[i];

		s->name = unpack_strdup(u, STRING_MAX);
		s->line = unpack_u32(u);
		s->prefixes = get_prefixes(u, &s->prefixes_count);
	}
}

static void get_waves(struct unpack *u, struct plan *p)
{
	uint32_t count = unpack_count(u, 12);

	p->waves = get_array(u, count, sizeof(*p->waves));
	p->waves_count = p->waves ? count : 0;
	for (uint32_t i = 0; i < p->waves_count && !u->failed; i++) {
		struct plan_wave *w = &p->waves[i];

		w->name = get_name(u);
		w->line = unpack_u32(u);
		w->segments = get_strings(u, &w->segments_count);
	}
}

int plan_unpack(const void *bytes, size_t len, struct plan **ret)
{
	struct unpack u = unpack_from(bytes, len);

	if (unpack_u32(&u) != MAGIC)
		return -EBADMSG;
	uint32_t version = unpack_u32(&u);
	if (u.failed || version != VERSION)
		return u.failed ? -EBADMSG : -EPROTONOSUPPORT;

	own(plan) struct plan *p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	struct plan_operator *o = &p->operator_;
	o->name = unpack_strdup(&u, STRING_MAX);
	o->as_number = unpack_u32(&u);
	o->contact = unpack_strdup(&u, STRING_MAX);
	o->languages = get_strings(&u, &o->languages_count);
	o->space = get_prefixes(&u, &o->space_count);
	get_segments(&u, p);
	get_smarthosts(&u, p);
	get_waves(&u, p);
	int r = unpack_end(&u);
	if (r < 0)
		return r;
	*ret = take(p);
	return 0;
}
