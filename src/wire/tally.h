/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tally: the counts behind a migration index, and nothing else.
 *
 * Read by name from what `porteiro index --json` prints, member by member, so
 * that whatever else stands there (accounts, hashes, hints) can not travel
 * along into a declaration. Dates are days, "YYYY-MM-DD"; counts are users,
 * messages or log lines; an index is a share from 0 to 1.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/why.h"

/* The channels a user can submit by, as they are named in every document. */
#define TALLY_CHANNELS(X)        \
	X(LEGACY25, "legacy25")  \
	X(SUBMISSION587, "587")  \
	X(SUBMISSIONS465, "465") \
	X(WEBMAIL, "webmail")    \
	X(OTHER, "other")        \
	X(UNCLASSIFIED, "unclassified")

enum tally_channel {
#define X(id, name) TALLY_##id,
	TALLY_CHANNELS(X)
#undef X
	    TALLY_CHANNEL_COUNT_
};

enum tally_lines { LINES_READ, LINES_UNDERSTOOD, LINES_IGNORED, LINES_MALFORMED, LINES_COUNT_ };

#define DAY_TEXT 11 /* "YYYY-MM-DD" and a NUL */

struct tally {
	char from[DAY_TEXT], to[DAY_TEXT]; /* the window, both days included */
	int64_t active;                    /* users who submitted in the window */
	int64_t known;                     /* of these: by at least one channel that is known */
	int64_t migrated;                  /* of `known`: left port 25, by what is known */
	int64_t migrated_worst; /* of `active`: the same, every unknown read as port 25 */
	int64_t base;           /* accounts, or -1: not known */
	int64_t quiet_days; /* without port 25 at the window's end make a migrated user; 0: all */
	int64_t users[TALLY_CHANNEL_COUNT_]; /* seen on it; one user may be on several */
	int64_t messages[TALLY_CHANNEL_COUNT_];
	int64_t lines[LINES_COUNT_];
	double index, worst_case; /* migrated of known, migrated_worst of active */
};

extern const char *const tally_channel_names[TALLY_CHANNEL_COUNT_];

/* A real calendar day, "YYYY-MM-DD"? */
_Bool day_valid(const char *text);

/*
 * Read the counts from `j` (the object of `porteiro index --json`, or the same members in a
 * record or declaration). -EINVAL with the member's name where one is missing or no count.
 * These may be missing: users.known (then: all active), users.migrated (the known less those seen
 * on 25), users.migrated_worst (from the worst case), by_channel.unclassified (0), quiet_days (0).
 */
int tally_read(const json_t *j, struct tally *ret, struct why *why);

/*
 * Do the counts add up? -EINVAL with the sentence that does not hold: no channel has more users
 * than are active, together they have at least as many; the migrated are among the known and those
 * among the active; nobody who must have been quiet on 25 was seen there; the index and the worst
 * case are the shares they are said to be (to within rounding of the 4th decimal), and the worst
 * case is not the better one; the kinds of lines together are not more than were read.
 */
int tally_check(const struct tally *t, struct why *why);

/* The members as an object; NULL without memory. */
json_t *tally_json(const struct tally *t);

/* Same counts, index included (to the bit)? */
_Bool tally_equal(const struct tally *a, const struct tally *b);
