/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/ruleset_codec.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC        "PORTRUL1"
#define HEAD_BYTES   24
#define CLASS_BYTES  48
#define V4_BYTES     6
#define V6_BYTES     18
#define SMART_BYTES  33
#define CHUNK_BYTES  65536
#define RECORD_BYTES 48 /* the largest of the above */

/* Where canonical bytes go: into the hash, and into a buffer if there is one. */
struct sink {
	crypto_generichash_state hash;
	uint8_t *out; /* grows with each flush; NULL when only the hash is wanted */
	uint8_t chunk[CHUNK_BYTES];
	size_t used;
};

static void flush(struct sink *s)
{
	crypto_generichash_update(&s->hash, s->chunk, s->used);
	if (s->out) {
		memcpy(s->out, s->chunk, s->used);
		s->out += s->used;
	}
	s->used = 0;
}

/* Room for one record. */
static uint8_t *record(struct sink *s, size_t bytes)
{
	if (s->used + bytes > sizeof(s->chunk))
		flush(s);
	s->used += bytes;
	return s->chunk + s->used - bytes;
}

static uint8_t *put(uint8_t *to, addr_bits value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++, value >>= 8)
		*to++ = (uint8_t)value;
	return to;
}

static addr_bits get(const uint8_t **from, size_t bytes)
{
	addr_bits value = 0;

	for (size_t i = bytes; i-- > 0;)
		value = value << 8 | (*from)[i];
	*from += bytes;
	return value;
}

static void write_class(struct sink *s, const struct class *c)
{
	uint8_t *to = record(s, CLASS_BYTES);

	memset(to, 0, CLASS_BYTES);
	memcpy(to, c->segment, strlen(c->segment));
	to = put(to + RULESET_NAME_MAX, c->cause, 1);
	to = put(to, c->mode, 1);
	to = put(to, c->inbound, 1);
	to = put(to, c->strict, 1);
	to = put(to, c->under, 2);
	to = put(to, 0, 2);
	put(to, (uint64_t)c->until.s, 8);
}

static void write_all(struct sink *s, const struct ruleset *rs)
{
	uint8_t *to = record(s, HEAD_BYTES);

	memcpy(to, MAGIC, 8);
	to = put(to + 8, rs->classes_count, 4);
	to = put(to, rs->v4_count, 4);
	to = put(to, rs->v6_count, 4);
	put(to, rs->smarthosts_count, 4);
	for (size_t i = 0; i < rs->classes_count; i++)
		write_class(s, &rs->classes[i]);
	for (size_t i = 0; i < rs->v4_count; i++)
		put(put(record(s, V4_BYTES), rs->v4[i].first, 4), rs->v4[i].class, 2);
	for (size_t i = 0; i < rs->v6_count; i++)
		put(put(record(s, V6_BYTES), rs->v6[i].first, 16), rs->v6[i].class, 2);
	for (size_t i = 0; i < rs->smarthosts_count; i++) {
		const struct smarthost_range *r = &rs->smarthosts[i];

		to = put(record(s, SMART_BYTES), r->first.family, 1);
		put(put(to, r->first.bits, 16), r->last, 16);
	}
	flush(s);
}

/* Hash, and if `out` is not NULL also write, everything before the hash. */
static void digest(const struct ruleset *rs, uint8_t *out, uint8_t ret[RULESET_HASH_BYTES])
{
	struct sink s = { .out = out };

	crypto_generichash_init(&s.hash, NULL, 0, RULESET_HASH_BYTES);
	write_all(&s, rs);
	crypto_generichash_final(&s.hash, ret, RULESET_HASH_BYTES);
}

void ruleset_seal(struct ruleset *rs)
{
	digest(rs, NULL, rs->hash);
}

static size_t encoded_bytes(size_t classes, size_t v4, size_t v6, size_t smarthosts)
{
	return HEAD_BYTES + classes * CLASS_BYTES + v4 * V4_BYTES + v6 * V6_BYTES +
	       smarthosts * SMART_BYTES + RULESET_HASH_BYTES;
}

int ruleset_encode(const struct ruleset *rs, uint8_t **ret, size_t *ret_len)
{
	size_t len =
	    encoded_bytes(rs->classes_count, rs->v4_count, rs->v6_count, rs->smarthosts_count);
	uint8_t *out = malloc(len);

	if (!out)
		return -ENOMEM;
	digest(rs, out, out + len - RULESET_HASH_BYTES);
	*ret = out;
	*ret_len = len;
	return 0;
}

static int bad(struct why *why, const char *what, size_t i)
{
	return why_set(why, -EBADMSG, "not a ruleset: %s %zu", what, i);
}

/* A name that may stand in counters and rule listings, or none. */
static bool is_name(const char name[RULESET_NAME_MAX])
{
	size_t len = strnlen(name, RULESET_NAME_MAX);

	if (len == RULESET_NAME_MAX || name[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') &&
		    name[i] != '-')
			return false;
	return true;
}

static bool is_blank(const struct class *c)
{
	return c->mode == MODE_OFF && c->inbound == MODE_OFF && !c->strict;
}

/* What each cause allows, as ruleset.h says it. */
static bool is_class(const struct ruleset *rs, const struct class *c)
{
	bool beneath =
	    c->under < rs->classes_count && rs->classes[c->under].cause != CAUSE_RESTRICTION;

	if (!is_name(c->segment) || c->mode >= MODE_COUNT_ || c->inbound >= MODE_COUNT_)
		return false;
	switch (c->cause) {
	case CAUSE_NONE:
		return c == rs->classes && is_blank(c) && !c->segment[0] && c->under == 0 &&
		       c->until.s == 0;
	case CAUSE_SEGMENT:
		return c->segment[0] && c->under == 0 && c->until.s == 0;
	case CAUSE_EXCEPTION:
		return is_blank(c) && c->under == 0 && c->until.s == 0;
	case CAUSE_RESTRICTION:
		return beneath && c->until.s > 0 &&
		       (c->mode == MODE_REJECT || c->mode == MODE_DROP);
	case CAUSE_COUNT_:
		break;
	}
	return false;
}

static int check_intervals(const struct ruleset *rs, struct why *why)
{
	if (rs->v4_count == 0 || rs->v6_count == 0 || rs->v4[0].first != 0 || rs->v6[0].first != 0)
		return bad(why, "the first address is in no interval of family", rs->v4_count > 0);
	for (size_t i = 0; i < rs->v4_count; i++) {
		if (rs->v4[i].class >= rs->classes_count)
			return bad(why, "no such class in IPv4 interval", i);
		if (i > 0 && (rs->v4[i - 1].first >= rs->v4[i].first ||
			      rs->v4[i - 1].class == rs->v4[i].class))
			return bad(why, "not behind or not unlike its neighbour: IPv4 interval", i);
	}
	for (size_t i = 0; i < rs->v6_count; i++) {
		if (rs->v6[i].class >= rs->classes_count)
			return bad(why, "no such class in IPv6 interval", i);
		if (i > 0 && (rs->v6[i - 1].first >= rs->v6[i].first ||
			      rs->v6[i - 1].class == rs->v6[i].class))
			return bad(why, "not behind or not unlike its neighbour: IPv6 interval", i);
	}
	return 0;
}

static int check_smarthosts(const struct ruleset *rs, struct why *why)
{
	for (size_t i = 0; i < rs->smarthosts_count; i++) {
		const struct smarthost_range *r = &rs->smarthosts[i];

		if (r->first.family >= FAMILY_COUNT_ || r->last > family_last(r->first.family) ||
		    r->first.bits > r->last)
			return bad(why, "wrong bounds in smarthost range", i);
		if (i == 0 || r[-1].first.family < r->first.family)
			continue;
		if (r[-1].first.family > r->first.family || r->first.bits == 0 ||
		    r[-1].last >= r->first.bits - 1)
			return bad(why, "not apart from its neighbour: smarthost range", i);
	}
	return 0;
}

int ruleset_check(const struct ruleset *rs, struct why *why)
{
	uint8_t hash[RULESET_HASH_BYTES];
	int r;

	if (rs->classes_count == 0 || rs->classes_count > RULESET_CLASSES_MAX ||
	    rs->classes[0].cause != CAUSE_NONE)
		return bad(why, "its number of classes is", rs->classes_count);
	for (size_t i = 0; i < rs->classes_count; i++)
		if (!is_class(rs, &rs->classes[i]))
			return bad(why, "contradiction in class", i);
	r = check_intervals(rs, why);
	if (r == 0)
		r = check_smarthosts(rs, why);
	if (r < 0)
		return r;
	digest(rs, NULL, hash);
	if (memcmp(hash, rs->hash, sizeof(hash)) != 0)
		return why_set(why, -EBADMSG, "not a ruleset: the hash is of something else");
	return 0;
}

static void read_class(const uint8_t **from, struct class *ret)
{
	memcpy(ret->segment, *from, RULESET_NAME_MAX);
	*from += RULESET_NAME_MAX;
	ret->cause = (enum cause)get(from, 1);
	ret->mode = (enum mode)get(from, 1);
	ret->inbound = (enum mode)get(from, 1);
	ret->strict = get(from, 1) != 0;
	ret->under = (uint16_t)get(from, 2);
	get(from, 2); /* padding: ruleset_check() hashes it as 0 */
	ret->until.s = (int64_t)get(from, 8);
}

static void read_all(struct ruleset *rs, const uint8_t *from)
{
	for (size_t i = 0; i < rs->classes_count; i++)
		read_class(&from, &rs->classes[i]);
	for (size_t i = 0; i < rs->v4_count; i++) {
		rs->v4[i].first = (uint32_t)get(&from, 4);
		rs->v4[i].class = (uint16_t)get(&from, 2);
	}
	for (size_t i = 0; i < rs->v6_count; i++) {
		rs->v6[i].first = get(&from, 16);
		rs->v6[i].class = (uint16_t)get(&from, 2);
	}
	for (size_t i = 0; i < rs->smarthosts_count; i++) {
		rs->smarthosts[i].first.family = (enum family)get(&from, 1);
		rs->smarthosts[i].first.bits = get(&from, 16);
		rs->smarthosts[i].last = get(&from, 16);
	}
	memcpy(rs->hash, from, sizeof(rs->hash));
}

/* Of the bytes as they are; ruleset_check() asks the same of what they were understood as. */
static bool is_sealed(const uint8_t *bytes, size_t len)
{
	uint8_t hash[RULESET_HASH_BYTES];

	len -= sizeof(hash);
	crypto_generichash(hash, sizeof(hash), bytes, len, NULL, 0);
	return memcmp(hash, bytes + len, sizeof(hash)) == 0;
}

int ruleset_decode(const uint8_t *bytes, size_t len, struct ruleset **ret, struct why *why)
{
	own(ruleset) struct ruleset *rs = calloc(1, sizeof(*rs));
	const uint8_t *from = bytes + 8;
	int r;

	if (!rs)
		return why_set(why, -ENOMEM, "out of memory");
	if (len < HEAD_BYTES || memcmp(bytes, MAGIC, 8) != 0)
		return why_set(why, -EBADMSG, "not a ruleset: it does not begin with " MAGIC);
	rs->classes_count = (size_t)get(&from, 4);
	rs->v4_count = (size_t)get(&from, 4);
	rs->v6_count = (size_t)get(&from, 4);
	rs->smarthosts_count = (size_t)get(&from, 4);
	if (len !=
	    encoded_bytes(rs->classes_count, rs->v4_count, rs->v6_count, rs->smarthosts_count))
		return why_set(why, -EBADMSG,
			       "not a ruleset: its counts do not add up to %zu bytes", len);
	if (!is_sealed(bytes, len))
		return why_set(why, -EBADMSG, "not a ruleset: the hash is of something else");

	rs->classes = calloc(rs->classes_count + 1, sizeof(*rs->classes));
	rs->v4 = calloc(rs->v4_count + 1, sizeof(*rs->v4));
	rs->v6 = calloc(rs->v6_count + 1, sizeof(*rs->v6));
	rs->smarthosts = calloc(rs->smarthosts_count + 1, sizeof(*rs->smarthosts));
	if (!rs->classes || !rs->v4 || !rs->v6 || !rs->smarthosts)
		return why_set(why, -ENOMEM, "out of memory");
	read_all(rs, from);
	r = ruleset_check(rs, why);
	if (r < 0)
		return r;

	*ret = take(rs);
	return 0;
}

const char *ruleset_hash_text(const struct ruleset *rs, char ret[static RULESET_HASH_TEXT_MAX])
{
	return sodium_bin2hex(ret, RULESET_HASH_TEXT_MAX, rs->hash, sizeof(rs->hash));
}
