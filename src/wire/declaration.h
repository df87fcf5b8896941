/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * declaration: what a mail provider signs about its users' migration.
 *
 * A JSON document in canonical form (jcs.h), signed with Ed25519 over that form
 * without its "signature". It carries counts only: no account, and no hash of
 * one. The format is described in doc/declaration.md.
 *
 * Pure: bytes and `now` come in, bytes and a list of faults come out.
 */
#pragma once

#include <stddef.h>

#include "base/mono.h"
#include "base/own.h"
#include "base/why.h"
#include "wire/record.h"
#include "wire/signkey.h"
#include "wire/tally.h"

#define DECLARATION_BYTES_MAX 65536
#define DECLARATION_NAME_MAX  200 /* bytes of a provider's name or domain, with the NUL */

struct declaration {
	char name[DECLARATION_NAME_MAX];   /* the provider, as people say it */
	char domain[DECLARATION_NAME_MAX]; /* and its main mail domain, lower case */
	int64_t serial;                    /* rises with every declaration of one provider */
	struct wall issued, expires;
	struct tally tally;
	int64_t records;             /* lines in the chain up to this day */
	char head[RECORD_HASH_TEXT]; /* the chain's last hash on this day */
	char method_version[32];     /* of the program that counted */
	struct signkey_public key;
	char digest[RECORD_HASH_TEXT]; /* SHA-256 of the signed form; set by write and read */
};

/* The words of the document's definitions, as (name, sentence) pairs; NULL ends it. */
extern const char *const declaration_definitions[][2];

/*
 * The signed document, canonical, with a newline behind it. Sets d->key and d->digest. -EINVAL with
 * the reason for a declaration that verify would refuse.
 */
int declaration_write(struct declaration *d, const struct signkey *k, char **ret, struct why *why);

/* Why a document is refused, worst first. */
#define DECLARATION_FAULTS(X)                                                                \
	X(MALFORMED, "malformed", "it is not a declaration of version 1")                    \
	X(ALTERED, "altered", "the signature does not fit: it was altered, or never signed") \
	X(WRONG_KEY, "wrong-key", "it is signed, but not with the key that was expected")    \
	X(INCONSISTENT, "inconsistent", "its counts do not add up")                          \
	X(NOT_YET, "not-yet", "it is dated in the future")                                   \
	X(EXPIRED, "expired", "it has expired")                                              \
	X(REPLAYED, "replayed", "this serial, or a later one, was seen before")              \
	X(RECORDS, "records", "the daily records do not lead to it")

enum declaration_fault {
	DECLARATION_OK,
#define X(id, name, sentence) DECLARATION_##id,
	DECLARATION_FAULTS(X)
#undef X
	    DECLARATION_FAULT_COUNT_
};

extern const char *const declaration_fault_names[DECLARATION_FAULT_COUNT_];
extern const char *const declaration_fault_sentences[DECLARATION_FAULT_COUNT_];

/* What the reader trusts; each pointer may be NULL: then that is not looked at. */
struct declaration_trust {
	const struct signkey_public *key;
	const struct record_chain *records;
	int64_t serial_seen; /* the highest from this provider and key so far; 0: none */
	struct wall now;
};

/* Read a document and check its signature. The fault is MALFORMED, ALTERED or OK; `why` has more.
 */
enum declaration_fault declaration_read(const char *bytes, size_t len, struct declaration *ret,
					struct why *why);

/* All that a signature does not say. The first fault found, in the order of the table. */
enum declaration_fault declaration_judge(const struct declaration *d,
					 const struct declaration_trust *trust, struct why *why);

#define WALL_TEXT 21 /* "YYYY-MM-DDThh:mm:ssZ" and a NUL */
void wall_text(struct wall at, char ret[WALL_TEXT]);
_Bool wall_parse(const char *text, struct wall *ret); /* that form, or a day alone (its start) */
