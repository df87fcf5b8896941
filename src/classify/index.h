/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * index: how many of a mail provider's users have left port 25, counted exactly.
 *
 * One bit per account, day and channel, four channels to a nibble: 10 million
 * accounts over 90 days take 450 MB, and only days and channels that occur take
 * any. There is no sketch here: the result stands beside a legal threshold. A
 * message is counted once however often its line is read (by its key).
 *
 * An account counts as migrated when it sent by another way than port 25 since
 * it last used 25, and has left 25 alone for the last `quiet_days` days of the
 * window. One message by 25 takes that back. On a day with both, 25 counts.
 *
 * A *source* is a log whose plain tag does not say its port (Postfix without
 * syslog_name). Its submissions wait apart: from the first day on which that
 * source also wrote a tag for 587 or 465, the plain tag is port 25; until then
 * nobody knows, and they are unclassified.
 *
 * Pure: days come in with the submissions, nothing here reads a clock.
 */
#pragma once

#include <stdint.h>

#include "base/own.h"
#include "model/channel.h"

#define INDEX_USERS_MAX   100000000
#define INDEX_DAYS_MAX    4096
#define INDEX_SOURCES_MAX 250
#define INDEX_QUIET_DAYS  14
#define INDEX_WINDOW_DAYS 90

struct index;

int index_new(struct index **ret);
void index_free(struct index *x);
OWNABLE(index)

/*
 * A bucket is where a submission goes: an `enum channel`, or what index_source()
 * gave for a source. -ENOSPC when there are too many sources.
 */
int index_source(struct index *x, uint64_t name, unsigned *ret_bucket);
/* The source wrote a tag for a submission port on this day. */
int index_source_tagged(struct index *x, uint64_t name, int64_t day);

/*
 * Account `user` sent message `key` on `day`. The same key twice in one bucket
 * and day is one message. 1 for a new message, 0 for one that was counted before,
 * -ENOSPC beyond a limit, -ENOMEM.
 */
int index_note(struct index *x, uint64_t user, int64_t day, unsigned bucket, uint64_t key);

/* The account belongs to the provider's list, whether it ever sends or not. */
int index_base_add(struct index *x, uint64_t user);

/* Add everything of `from`; counting stays exact. */
int index_merge(struct index *into, const struct index *from);

/* First and last day with a submission; false when there is none. */
bool index_days(const struct index *x, int64_t *first, int64_t *last);

struct index_window {
	int64_t from, to;   /* days, both included */
	int64_t quiet_days; /* 0: any 25 in the window bars the account */
};

struct index_result {
	uint64_t active; /* accounts that sent at least once */
	uint64_t
	    by_channel[CHANNEL_COUNT_];    /* accounts seen on it; one account may be on several */
	uint64_t messages[CHANNEL_COUNT_]; /* each counted once */
	uint64_t known;                    /* active accounts with at least one known channel */
	uint64_t migrated;                 /* of `known`, by what is known */
	uint64_t migrated_worst;           /* of `active`, every unknown read as port 25 */
	uint64_t untagged_messages;        /* from plain tags, wherever they were counted */
	bool base_given;
	uint64_t base;                /* accounts on the list */
	uint64_t base_active;         /* of these: sent */
	uint64_t base_migrated;       /* sent, and migrated */
	uint64_t base_migrated_worst; /* the same in the worst case */
	uint64_t base_webmail_only;
	uint64_t outside_base; /* active, but not on the list */
};

void index_query(const struct index *x, struct index_window window, struct index_result *ret);

/* One account in the window: its bits per channel, days apart lost. For lists, not for counting. */
struct index_user {
	bool known; /* to this index */
	bool migrated, in_base;
	unsigned channels; /* 1 << enum channel */
	int64_t last25;    /* last day on 25; INT64_MIN: none */
	int64_t last;      /* last day at all */
};

struct index_user index_user(const struct index *x, struct index_window window, uint64_t user);

/* Bytes held. */
size_t index_bytes(const struct index *x);
