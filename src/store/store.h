/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store: what was decided, kept for good: plans, exceptions, restrictions,
 * rulesets, and the journal.
 *
 * One owner: the engine role. Reads may happen at any time; every change
 * happens between store_begin() and store_commit(), and a change that can not
 * be committed leaves nothing behind. The header says nothing of SQLite, so
 * that another database can stand behind it (one test suite for all).
 *
 * Errors: -ENOSPC the disk is full, -EUCLEAN the file is damaged, -EROFS, -EIO,
 * -EBUSY, -EEXIST a rule of the schema was broken, -ENOMEM. Whoever calls
 * first with `why` gets the words; the rest of the calls leave theirs for
 * store_why().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/own.h"
#include "base/why.h"
#include "model/journal.h"
#include "model/record.h"

#define STORE_NAME "porteiro.db" /* in the state directory */

struct store;

/*
 * Open or create, check that it is whole, migrate to this version's schema.
 * -EUCLEAN: damaged, or not a store; -EPROTONOSUPPORT: written by a later version.
 */
int store_open(const char *path, struct store **ret, struct why *why);
void store_free(struct store *s);
OWNABLE(store)
/* What the last failure said, in the database's words. */
const char *store_why(const struct store *s);

int store_begin(struct store *s);
int store_commit(struct store *s);
void store_rollback(struct store *s); /* also after a failed commit; harmless outside a change */

/*
 * Append to the journal. `body` is a JSON object of at most JOURNAL_BODY_MAX
 * bytes; `cause` an entry's id or 0. *ret_id is the new entry's.
 */
int store_journal_add(struct store *s, struct wall at, const char *kind, const char *by,
		      uint64_t cause, const char *body, uint64_t *ret_id);
typedef int (*store_journal_fn)(void *arg, const struct journal_entry *e);
/* Entries with an id above `after`, ascending, at most `limit`; `fn` stops by non-zero. */
int store_journal(struct store *s, uint64_t after, unsigned limit, store_journal_fn fn, void *arg);
/* The last entry's id (0: none) and hash (all zero). */
int store_journal_head(struct store *s, uint64_t *ret_id, uint8_t ret_hash[static 32]);
/* Walks the whole chain: 0; -EUCLEAN with `why` at the first fault. */
int store_journal_verify(struct store *s, struct journal_check *ret, struct why *why);

/* Plans, exceptions and restrictions have the number of the journal entry that brought them. */
struct store_plan {
	uint64_t id;
	struct wall at;
	char by[JOURNAL_BY_MAX];
	uint8_t hash[32]; /* BLAKE2b-256 of text */
	char *text;
	size_t text_len;
	uint8_t *pack;
	size_t pack_len;
};
void store_plan_free(struct store_plan *p);
OWNABLE(store_plan)
int store_plan_add(struct store *s, const struct store_plan *p);
/* Plan `id`, or the latest for 0. NULL in *ret if there is none. */
int store_plan_get(struct store *s, uint64_t id, struct store_plan **ret);

/* An exception as the store knows it: beside the record, when and why it came and went. */
struct store_exception {
	struct exception e;
	struct wall at;
	struct wall ended; /* 0: it has not */
	uint64_t ended_by; /* journal entry */
};
int store_exception_add(struct store *s, const struct exception *e, struct wall at);
/* `by` is the journal entry that ends it. */
int store_exception_end(struct store *s, uint64_t id, struct wall at, uint64_t by);
typedef int (*store_exception_fn)(void *arg, const struct store_exception *e);
/* Active ones, or all that ever were, by id. */
int store_exceptions(struct store *s, bool all, store_exception_fn fn, void *arg);

int store_restriction_add(struct store *s, const struct restriction *r, struct wall at);
int store_restriction_end(struct store *s, uint64_t id, struct wall at, uint64_t by);
typedef int (*store_restriction_fn)(void *arg, const struct restriction *r);
int store_restrictions(struct store *s, bool all, store_restriction_fn fn, void *arg);

/* Entry `id` says that `plan`, compiled at `at`, gave this hash. */
int store_ruleset_add(struct store *s, uint64_t id, const uint8_t hash[static 32], struct wall at,
		      uint64_t plan);

int store_set_opening(struct store *s, bool open, uint64_t cause);
int store_opening(struct store *s, bool *ret_open, uint64_t *ret_cause);
