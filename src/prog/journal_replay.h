/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal_replay: do the journal's decisions again, and see that they come to
 * the same rulesets.
 *
 * Plans, exceptions and their ends are taken in the order of the journal; at
 * each entry that says "compiled, with this hash", everything is compiled anew
 * as of that entry's `now` and compared. The chain of hashes is checked on the
 * way. Nothing is changed.
 */
#pragma once

#include "store/store.h"

struct journal_replay {
	uint64_t entries, rulesets; /* looked at; compiled anew, all with the same hash */
};

/* 0; -EUCLEAN with `why` naming the entry where the journal is broken or decides otherwise. */
int journal_replay(struct store *s, struct journal_replay *ret, struct why *why);
