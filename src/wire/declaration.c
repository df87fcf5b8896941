/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/declaration.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "wire/jcs.h"

#define SKEW_S 86400 /* clocks that disagree by less than a day are forgiven */

const char *const declaration_definitions[][2] = {
	{ "active",
	  "An active user handed over at least one message in the window, by any channel." },
	{ "migrated",
	  "A migrated user is active, submits by another channel and has left TCP port 25 "
	  "alone for the last quiet_days days of the window (0: for all of it)." },
	{ "index",
	  "The index is the share of migrated users among the active ones of whom a channel "
	  "is known." },
	{ "worst_case",
	  "The worst case counts every unknown as not migrated; it is what counts for "
	  "the 90 % condition." },
	{ NULL, NULL },
};

const char *const declaration_fault_names[DECLARATION_FAULT_COUNT_] = { [DECLARATION_OK] = "ok",
#define X(id, name, sentence) [DECLARATION_##id] = name,
									DECLARATION_FAULTS(X)
#undef X
};

const char *const declaration_fault_sentences[DECLARATION_FAULT_COUNT_] = { [DECLARATION_OK] =
										"it is good",
#define X(id, name, sentence) [DECLARATION_##id] = sentence,
									    DECLARATION_FAULTS(X)
#undef X
};

void wall_text(struct wall at, char ret[WALL_TEXT])
{
	time_t t = at.s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(ret, WALL_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

_Bool wall_parse(const char *text, struct wall *ret)
{
	char day[DAY_TEXT], again[WALL_TEXT];
	struct tm tm = { 0 };

	snprintf(day, sizeof(day), "%.10s", text);
	if (!day_valid(day))
		return 0;
	const char *rest = strptime(day, "%Y-%m-%d", &tm);
	if (!rest)
		return 0;
	if (text[10] != '\0') {
		rest = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
		if (!rest || *rest)
			return 0;
	}
	struct wall at = { timegm(&tm) };
	wall_text(at, again);
	if (strncmp(again, text, strlen(text)) != 0) /* 23:59:60 and its like */
		return 0;
	*ret = at;
	return 1;
}

static json_t *definitions_json(void)
{
	json_t *j = json_object();

	for (int i = 0; declaration_definitions[i][0]; i++)
		json_object_set_new(j, declaration_definitions[i][0],
				    json_string(declaration_definitions[i][1]));
	return j;
}

/* The document without its signature. */
static json_t *body_json(const struct declaration *d)
{
	char issued[WALL_TEXT], expires[WALL_TEXT], key[SIGNKEY_TEXT_MAX];
	json_t *j = tally_json(&d->tally);

	if (!j)
		return NULL;
	wall_text(d->issued, issued);
	wall_text(d->expires, expires);
	signkey_public_text(&d->key, key);
	json_t *head =
	    json_pack("{s:s,s:i,s:I,s:{s:s,s:s},s:s,s:s,s:{s:s,s:s},s:{s:I,s:s},s:s}", "type",
		      "porteiro-declaration", "version", 1, "serial", (json_int_t)d->serial,
		      "provider", "name", d->name, "domain", d->domain, "issued", issued, "expires",
		      expires, "method", "name", "porteiro index", "version", d->method_version,
		      "records", "count", (json_int_t)d->records, "head", d->head, "key", key);
	if (!head || json_object_update(j, head) < 0 ||
	    json_object_set_new(j, "definitions", definitions_json()) < 0) {
		json_decref(head);
		json_decref(j);
		return NULL;
	}
	json_decref(head);
	return j;
}

static _Bool domain_valid(const char *s)
{
	size_t len = strlen(s);

	return len > 2 && strchr(s, '.') && s[0] != '.' && s[len - 1] != '.' && !strstr(s, "..") &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len;
}

static _Bool name_valid(const char *s)
{
	if (!*s)
		return 0;
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return 0;
	return 1;
}

static int check(const struct declaration *d, struct why *why)
{
	char issued[WALL_TEXT];

	if (!domain_valid(d->domain))
		return why_set(why, -EINVAL, "'%s' is not a domain in lower case", d->domain);
	if (!name_valid(d->name))
		return why_set(why, -EINVAL,
			       "the provider's name is empty or has control characters");
	if (d->serial < 1)
		return why_set(why, -EINVAL, "serial %" PRId64 " is not positive", d->serial);
	if (d->expires.s <= d->issued.s)
		return why_set(why, -EINVAL, "it expires before it is issued");
	wall_text(d->issued, issued);
	if (strncmp(d->tally.to, issued, DAY_TEXT - 1) > 0)
		return why_set(why, -EINVAL, "its window ends on %s, after it was issued, %s",
			       d->tally.to, issued);
	return tally_check(&d->tally, why);
}

int declaration_write(struct declaration *d, const struct signkey *k, char **ret, struct why *why)
{
	own_mem char *signed_form = NULL, *whole = NULL;
	uint8_t signature[SIGNATURE_BYTES], hash[crypto_hash_sha256_BYTES];
	char text[SIGNATURE_BYTES * 2];
	size_t len;
	int r = check(d, why);

	if (r < 0)
		return r;
	d->key = k->pub;
	json_t *j = body_json(d);
	if (!j)
		return why_set(why, -EINVAL, "the provider's name is not UTF-8");
	r = jcs_text(j, &signed_form, &len);
	if (r == 0) {
		signkey_sign(k, signed_form, len, signature);
		crypto_hash_sha256(hash, (unsigned char *)signed_form, len);
		sodium_bin2hex(d->digest, sizeof(d->digest), hash, sizeof(hash));
		sodium_bin2base64(text, sizeof(text), signature, sizeof(signature),
				  sodium_base64_VARIANT_ORIGINAL);
		json_object_set_new(j, "signature", json_string(text));
		r = jcs_text(j, &whole, &len);
	}
	json_decref(j);
	if (r < 0)
		return why_set(why, r, "the declaration has no canonical form");
	return asprintf(ret, "%s\n", whole) < 0 ? -ENOMEM : 0;
}

static _Bool take_text(const json_t *j, const char *name, char *ret, size_t size)
{
	const char *s = json_string_value(json_object_get(j, name));

	if (!s || strlen(s) >= size)
		return 0;
	strcpy(ret, s);
	return 1;
}

static _Bool take_wall(const json_t *j, const char *name, struct wall *ret)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s && strlen(s) == WALL_TEXT - 1 && wall_parse(s, ret);
}

static int body_read(const json_t *j, struct declaration *d, struct why *why)
{
	const json_t *provider = json_object_get(j, "provider");
	const json_t *records = json_object_get(j, "records");
	const char *type = json_string_value(json_object_get(j, "type"));
	const char *key = json_string_value(json_object_get(j, "key"));

	if (!type || strcmp(type, "porteiro-declaration") != 0 ||
	    json_integer_value(json_object_get(j, "version")) != 1)
		return why_set(why, -EINVAL, "it is not a porteiro-declaration of version 1");
	if (!take_text(provider, "name", d->name, sizeof(d->name)) ||
	    !take_text(provider, "domain", d->domain, sizeof(d->domain)))
		return why_set(why, -EINVAL, "provider.name or provider.domain is missing");
	if (!take_text(records, "head", d->head, sizeof(d->head)) ||
	    strspn(d->head, "0123456789abcdef") != RECORD_HASH_TEXT - 1)
		return why_set(why, -EINVAL, "records.head is no hash");
	if (!take_text(json_object_get(j, "method"), "version", d->method_version,
		       sizeof(d->method_version)))
		return why_set(why, -EINVAL, "method.version is missing");
	if (!take_wall(j, "issued", &d->issued) || !take_wall(j, "expires", &d->expires))
		return why_set(why, -EINVAL, "issued or expires is no time in UTC");
	d->serial = json_integer_value(json_object_get(j, "serial"));
	d->records = json_integer_value(json_object_get(records, "count"));
	if (!key || signkey_public_parse(key, &d->key, NULL) < 0)
		return why_set(why, -EINVAL, "key is no public key");
	return tally_read(j, &d->tally, why);
}

/* Is it, member for member, what we would have signed? Nothing may travel along unseen. */
static _Bool nothing_else(const json_t *j, const struct declaration *d)
{
	json_t *ours = body_json(d), *theirs = json_copy((json_t *)j);
	own_mem char *a = NULL, *b = NULL;
	size_t len;
	_Bool same = 0;

	if (ours && theirs) {
		json_object_del(theirs, "signature");
		json_object_del(theirs, "definitions"); /* words: a later version may say more */
		json_object_del(ours, "definitions");
		same = jcs_text(ours, &a, &len) == 0 && jcs_text(theirs, &b, &len) == 0 &&
		       strcmp(a, b) == 0;
	}
	json_decref(ours);
	json_decref(theirs);
	return same;
}

static enum declaration_fault signature_check(json_t *j, struct declaration *d, struct why *why)
{
	const char *text = json_string_value(json_object_get(j, "signature"));
	uint8_t signature[SIGNATURE_BYTES], hash[crypto_hash_sha256_BYTES];
	own_mem char *form = NULL;
	size_t len, got;

	if (!text ||
	    sodium_base642bin(signature, sizeof(signature), text, strlen(text), NULL, &got, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    got != sizeof(signature)) {
		why_set(why, -EINVAL, "it has no signature");
		return DECLARATION_ALTERED;
	}
	json_t *body = json_copy(j);
	json_object_del(body, "signature");
	int r = jcs_text(body, &form, &len);
	json_decref(body);
	if (r < 0) {
		why_set(why, r, "it has no canonical form");
		return DECLARATION_MALFORMED;
	}
	crypto_hash_sha256(hash, (unsigned char *)form, len);
	sodium_bin2hex(d->digest, sizeof(d->digest), hash, sizeof(hash));
	if (signkey_verify(&d->key, form, len, signature))
		return DECLARATION_OK;
	why_set(why, -EINVAL, "the signature does not fit the text");
	return DECLARATION_ALTERED;
}

enum declaration_fault declaration_read(const char *bytes, size_t len, struct declaration *ret,
					struct why *why)
{
	struct declaration d = { .serial = 0 };
	json_error_t error;
	json_t *j = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	enum declaration_fault fault = DECLARATION_MALFORMED;

	if (!j) {
		why_set(why, -EINVAL, "line %d: %s", error.line, error.text);
		return DECLARATION_MALFORMED;
	}
	if (body_read(j, &d, why) == 0) {
		fault = signature_check(j, &d, why);
		if (fault == DECLARATION_OK && !nothing_else(j, &d)) {
			why_set(why, -EINVAL, "it has members a declaration does not have");
			fault = DECLARATION_MALFORMED;
		}
	}
	json_decref(j);
	if (fault == DECLARATION_OK)
		*ret = d;
	return fault;
}

static enum declaration_fault judge_time(const struct declaration *d, struct wall now,
					 struct why *why)
{
	char text[WALL_TEXT];

	if (d->issued.s > now.s + SKEW_S) {
		wall_text(d->issued, text);
		why_set(why, -EINVAL, "it is dated %s", text);
		return DECLARATION_NOT_YET;
	}
	if (d->expires.s <= now.s) {
		wall_text(d->expires, text);
		why_set(why, -EINVAL, "it was good until %s", text);
		return DECLARATION_EXPIRED;
	}
	return DECLARATION_OK;
}

static enum declaration_fault judge_records(const struct declaration *d,
					    const struct record_chain *c, struct why *why)
{
	const struct record *rec = record_chain_find(c, d->tally.to);

	if (!rec)
		why_set(why, -EINVAL, "the records have no day %s", d->tally.to);
	else if (strcmp(rec->hash, d->head) != 0)
		why_set(why, -EINVAL, "the records' hash on %s is %.16s…, not %.16s…", d->tally.to,
			rec->hash, d->head);
	else if (rec->number != d->records)
		why_set(why, -EINVAL, "the records have %" PRId64 " days by then, not %" PRId64,
			rec->number, d->records);
	else if (!tally_equal(&rec->tally, &d->tally))
		why_set(why, -EINVAL, "the records of %s have other counts", d->tally.to);
	else
		return DECLARATION_OK;
	return DECLARATION_RECORDS;
}

enum declaration_fault declaration_judge(const struct declaration *d,
					 const struct declaration_trust *trust, struct why *why)
{
	if (trust->key && memcmp(trust->key->bytes, d->key.bytes, sizeof(d->key.bytes)) != 0) {
		char id[SIGNKEY_ID_TEXT], want[SIGNKEY_ID_TEXT];

		signkey_id(&d->key, id);
		signkey_id(trust->key, want);
		why_set(why, -EINVAL, "it is signed with key %s, not %s", id, want);
		return DECLARATION_WRONG_KEY;
	}
	if (check(d, why) < 0)
		return DECLARATION_INCONSISTENT;

	enum declaration_fault fault = judge_time(d, trust->now, why);
	if (fault != DECLARATION_OK)
		return fault;
	if (trust->serial_seen >= d->serial) {
		why_set(why, -EINVAL,
			"serial %" PRId64 " was seen before (the last was %" PRId64 ")", d->serial,
			trust->serial_seen);
		return DECLARATION_REPLAYED;
	}
	return trust->records ? judge_records(d, trust->records, why) : DECLARATION_OK;
}
