/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record: the daily, hash-chained counts a declaration comes from.
 *
 * One line of JSON per day: the tally of the window that ends on that day, a
 * running number, and the hash of the line before. Whoever holds the file can
 * derive the declaration again; whoever holds only the declaration holds the
 * last hash, and can tell later whether an old day was changed. The format is
 * described in doc/declaration.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/own.h"
#include "base/why.h"
#include "wire/tally.h"

#define RECORD_HASH_TEXT 65 /* 64 hex digits and a NUL */

struct record {
	int64_t number; /* 1 for the first day of the chain, then rising by one */
	struct tally tally;
	char hash[RECORD_HASH_TEXT]; /* SHA-256 of the JCS form of the line without its "hash" */
};

/* What the first line has as the hash before it. */
extern const char record_hash_none[RECORD_HASH_TEXT];

/*
 * The line, with its newline, that continues the chain after `before` (NULL: begins it).
 * -EINVAL with the reason if the tally does not add up, or its last day is not after `before`'s.
 */
int record_line(const struct record *before, const struct tally *t, char **ret,
		struct record *ret_record, struct why *why);

struct record_chain {
	size_t count;
	struct record *records; /* oldest first */
};

/*
 * Read a whole file of lines and check every link: the numbers rise by one, the days rise, each
 * line's hash is right and names the one before. -EINVAL with the line's number and reason.
 */
int record_chain_parse(const char *bytes, size_t len, struct record_chain **ret, struct why *why);
void record_chain_free(struct record_chain *c);
OWNABLE(record_chain)

/* The record whose window ends on `day`, or NULL. */
const struct record *record_chain_find(const struct record_chain *c, const char *day);
