/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/call.h"

#include <errno.h>
#include <string.h>

#include "prog/message.h"

void call_put_pack(struct pack *p, const struct call_put *c)
{
	uint8_t bytes[16] = { 0 };

	addr_to_bytes(c->prefix.addr, bytes);
	pack_u8(p, (uint8_t)c->prefix.addr.family);
	pack_u8(p, c->prefix.len);
	pack_raw(p, bytes, sizeof(bytes));
	pack_string(p, c->class.segment);
	pack_u32(p, c->class.cause);
	pack_u32(p, c->class.mode);
	pack_u32(p, c->class.inbound);
	pack_u8(p, c->class.strict);
}

int call_put_unpack(struct unpack *u, struct call_put *ret)
{
	struct call_put c = { 0 };
	uint8_t family = unpack_u8(u), bytes[16];

	c.prefix.len = unpack_u8(u);
	unpack_raw(u, bytes, sizeof(bytes));
	unpack_string(u, c.class.segment, sizeof(c.class.segment));
	c.class.cause = (enum cause)unpack_below(u, CAUSE_COUNT_);
	c.class.mode = (enum mode)unpack_below(u, MODE_COUNT_);
	c.class.inbound = (enum mode)unpack_below(u, MODE_COUNT_);
	c.class.strict = unpack_u8(u) != 0;
	if (unpack_end(u) < 0 || family >= FAMILY_COUNT_ ||
	    c.prefix.len > family_bits((enum family)family))
		return -EBADMSG;
	c.prefix.addr = addr_from_bytes((enum family)family, bytes);
	struct prefix host = { { 0, c.prefix.addr.family }, c.prefix.len };
	if (c.prefix.addr.bits & prefix_last(host))
		return -EBADMSG;
	*ret = c;
	return 0;
}

void call_result_pack(struct pack *p, const struct call_result *r)
{
	uint64_t addresses;

	memcpy(&addresses, &r->drift.addresses, sizeof(addresses));
	pack_u32(p, r->of);
	pack_i64(p, r->code);
	pack_string(p, r->why.text);
	pack_u64(p, r->drift.ranges);
	pack_u64(p, addresses);
	pack_u64(p, r->drift.objects);
	pack_string(p, r->drift.first);
	pack_u8(p, r->open);
}

int call_result_unpack(struct unpack *u, struct call_result *ret)
{
	struct call_result r = { 0 };

	r.of = unpack_u32(u);
	r.code = r.why.code = (int32_t)unpack_i64(u);
	unpack_string(u, r.why.text, sizeof(r.why.text));
	r.drift.ranges = unpack_u64(u);
	uint64_t addresses = unpack_u64(u);
	memcpy(&r.drift.addresses, &addresses, sizeof(addresses));
	r.drift.objects = unpack_u64(u);
	unpack_string(u, r.drift.first, sizeof(r.drift.first));
	r.open = unpack_u8(u) != 0;
	int e = unpack_end(u);
	if (e < 0)
		return e;
	*ret = r;
	return 0;
}

void call_count_pack(struct pack *p, const struct filter_count *c)
{
	pack_string(p, c->class);
	pack_u64(p, c->rejected);
	pack_u64(p, c->dropped);
	pack_u64(p, c->monitored);
	pack_u64(p, c->passed);
}

int call_count_unpack(struct unpack *u, struct filter_count *ret)
{
	unpack_string(u, ret->class, sizeof(ret->class));
	ret->rejected = unpack_u64(u);
	ret->dropped = unpack_u64(u);
	ret->monitored = unpack_u64(u);
	ret->passed = unpack_u64(u);
	return u->failed ? -EBADMSG : 0;
}
