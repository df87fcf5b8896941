/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal: one entry of the record of what was found, decided, done, and by whom.
 *
 * Each entry carries the hash of the one before it, so that none can be
 * changed, removed or slipped in without every later hash telling. What is
 * hashed, so that anyone can check it without our code (numbers little-endian,
 * strings with a 32-bit length in front):
 *
 *     u64 id | i64 at | string kind | string by | u64 cause | string body | 32 bytes previous
 *
 * with BLAKE2b-256. The first entry's `previous` is all zero. What a chain can
 * not show is that its end was cut off: note the head's hash elsewhere.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

#define JOURNAL_HASH_BYTES 32
#define JOURNAL_HASH_TEXT  65
#define JOURNAL_KIND_MAX   40
#define JOURNAL_BY_MAX     64
#define JOURNAL_BODY_MAX   16384

struct journal_entry {
	uint64_t id; /* from 1, without gaps */
	struct wall at;
	const char *kind; /* "plan.apply", "exception.add", … */
	const char *by;   /* who: a user's name, or "porteirod" */
	uint64_t cause;   /* the entry that led to this one; 0: none */
	const char *body; /* a JSON object, as text: the text is what is hashed */
	uint8_t previous[JOURNAL_HASH_BYTES];
	uint8_t hash[JOURNAL_HASH_BYTES];
};

/* The hash that the entry should carry. Returns 0 or -ENOMEM. */
int journal_hash(const struct journal_entry *e, uint8_t ret[static JOURNAL_HASH_BYTES]);

const char *journal_hash_text(const uint8_t hash[static JOURNAL_HASH_BYTES],
			      char ret[static JOURNAL_HASH_TEXT]);

/* Follows a chain from its first entry, or from one whose hash is known. */
struct journal_check {
	uint64_t next; /* the id that must come */
	uint8_t head[JOURNAL_HASH_BYTES];
};

enum journal_fault {
	JOURNAL_OK,
	JOURNAL_GAP,     /* an id is missing or out of order */
	JOURNAL_BROKEN,  /* `previous` is not the hash of the entry before */
	JOURNAL_CHANGED, /* the content does not have the hash it carries */
	JOURNAL_FAULT_COUNT_
};

struct journal_check journal_check_start(void);
/* Returns an enum journal_fault, or -ENOMEM. */
int journal_check_next(struct journal_check *c, const struct journal_entry *e);
const char *journal_fault_text(enum journal_fault f);
