/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/record.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "wire/jcs.h"

const char record_hash_none[RECORD_HASH_TEXT] =
    "0000000000000000000000000000000000000000000000000000000000000000";

/* SHA-256 over the canonical form of `j` without its member "hash". */
static int hash_of(json_t *j, char ret[RECORD_HASH_TEXT])
{
	json_t *copy = json_copy(j);
	own_mem char *text = NULL;
	uint8_t hash[crypto_hash_sha256_BYTES];
	size_t len;

	if (!copy)
		return -ENOMEM;
	json_object_del(copy, "hash");
	int r = jcs_text(copy, &text, &len);
	json_decref(copy);
	if (r < 0)
		return r;
	crypto_hash_sha256(hash, (const unsigned char *)text, len);
	sodium_bin2hex(ret, RECORD_HASH_TEXT, hash, sizeof(hash));
	return 0;
}

static int line_of(json_t *j, struct record *rec, char **ret)
{
	own_mem char *text = NULL;
	size_t len;
	int r = hash_of(j, rec->hash);

	if (r < 0)
		return r;
	json_object_set_new(j, "hash", json_string(rec->hash));
	r = jcs_text(j, &text, &len);
	if (r < 0)
		return r;
	return asprintf(ret, "%s\n", text) < 0 ? -ENOMEM : 0;
}

int record_line(const struct record *before, const struct tally *t, char **ret,
		struct record *ret_record, struct why *why)
{
	struct record rec = { .number = before ? before->number + 1 : 1, .tally = *t };
	int r = tally_check(t, why);

	if (r < 0)
		return r;
	if (before && strcmp(t->to, before->tally.to) <= 0)
		return why_set(why, -EINVAL, "day %s is already recorded (the last is %s)", t->to,
			       before->tally.to);
	json_t *j = tally_json(t);
	if (!j)
		return -ENOMEM;
	json_object_set_new(j, "type", json_string("porteiro-record"));
	json_object_set_new(j, "version", json_integer(1));
	json_object_set_new(j, "number", json_integer(rec.number));
	json_object_set_new(j, "before", json_string(before ? before->hash : record_hash_none));
	r = line_of(j, &rec, ret);
	json_decref(j);
	if (r < 0)
		return why_set(why, r, "the record could not be written down");
	*ret_record = rec;
	return 0;
}

static int parse_link(json_t *j, const struct record *before, struct record *rec, struct why *why)
{
	const char *hash = json_string_value(json_object_get(j, "hash"));
	const char *prev = json_string_value(json_object_get(j, "before"));
	const char *type = json_string_value(json_object_get(j, "type"));
	const json_t *number = json_object_get(j, "number");

	if (!type || strcmp(type, "porteiro-record") != 0 ||
	    json_integer_value(json_object_get(j, "version")) != 1)
		return why_set(why, -EINVAL, "it is not a porteiro-record of version 1");
	if (!hash || !prev || !json_is_integer(number))
		return why_set(why, -EINVAL, "number, before or hash is missing");
	rec->number = json_integer_value(number);
	int r = hash_of(j, rec->hash);
	if (r < 0)
		return why_set(why, r, "it has no canonical form");
	if (strcmp(rec->hash, hash) != 0)
		return why_set(why, -EINVAL, "it was altered: its hash does not fit");
	if (strcmp(prev, before ? before->hash : record_hash_none) != 0)
		return why_set(why, -EINVAL, "it does not follow the line before it");
	if (rec->number != (before ? before->number + 1 : 1))
		return why_set(why, -EINVAL, "its number does not follow");
	return 0;
}

static int parse_line(const char *line, size_t len, const struct record *before, struct record *ret,
		      struct why *why)
{
	json_error_t error;
	json_t *j = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	struct record rec = { 0 };

	if (!j)
		return why_set(why, -EINVAL, "%s", error.text);
	int r = parse_link(j, before, &rec, why);
	if (r == 0)
		r = tally_read(j, &rec.tally, why);
	if (r == 0)
		r = tally_check(&rec.tally, why);
	json_decref(j);
	if (r < 0)
		return r;
	if (before && strcmp(rec.tally.to, before->tally.to) <= 0)
		return why_set(why, -EINVAL, "its day is not after the one before");
	*ret = rec;
	return 0;
}

static int chain_add(struct record_chain *c, const char *line, size_t len, struct why *why)
{
	struct why inner = { 0 };

	if (c->count % 64 == 0) {
		struct record *more = realloc(c->records, (c->count + 64) * sizeof(*c->records));
		if (!more)
			return -ENOMEM;
		c->records = more;
	}
	int r = parse_line(line, len, c->count ? &c->records[c->count - 1] : NULL,
			   &c->records[c->count], &inner);
	if (r < 0)
		return why_set(why, r, "line %zu: %s", c->count + 1, inner.text);
	c->count++;
	return 0;
}

int record_chain_parse(const char *bytes, size_t len, struct record_chain **ret, struct why *why)
{
	own(record_chain) struct record_chain *c = calloc(1, sizeof(*c));
	const char *end = bytes + len;

	if (!c)
		return -ENOMEM;
	while (bytes < end) {
		const char *eol = memchr(bytes, '\n', (size_t)(end - bytes));
		if (!eol)
			return why_set(why, -EINVAL, "line %zu: it is cut off", c->count + 1);
		int r = chain_add(c, bytes, (size_t)(eol - bytes), why);
		if (r < 0)
			return r;
		bytes = eol + 1;
	}
	*ret = take(c);
	return 0;
}

void record_chain_free(struct record_chain *c)
{
	if (!c)
		return;
	free(c->records);
	free(c);
}

const struct record *record_chain_find(const struct record_chain *c, const char *day)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->records[i].tally.to, day) == 0)
			return &c->records[i];
	return NULL;
}
