/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lease_store: who had which address when, millions of them, in a file of its
 * own: it is written by importers while no daemon runs, is much larger than
 * everything else that is kept, and has an end date of its own.
 *
 * Reports may come in any order and more than once: each is merged with what is
 * known of the same lease (lease_merge()). Only tables of standing addresses are
 * to come in the order of their dates: of two that agree, the first is kept. A look-up costs one
 * descent of the tree for each kind of place in use (address, /56, block of 512 ports, ...), not
 * the history of the address.
 *
 * Errors as in store.h. Changes happen between begin and commit.
 */
#pragma once

#include <stdbool.h>

#include "base/own.h"
#include "base/why.h"
#include "model/lease.h"

struct lease_store;

/* `create`: open for writing, make it if it is not there. Otherwise it must be. */
int lease_store_open(const char *path, bool create, struct lease_store **ret, struct why *why);
void lease_store_free(struct lease_store *s);
OWNABLE(lease_store)
const char *lease_store_why(const struct lease_store *s);

int lease_store_begin(struct lease_store *s);
int lease_store_commit(struct lease_store *s);
void lease_store_rollback(struct lease_store *s); /* harmless outside a change */

enum lease_added { LEASE_ADDED, LEASE_CHANGED, LEASE_KNOWN };
/* -EINVAL if the lease is not lease_valid(). */
int lease_store_add(struct lease_store *s, const struct lease *l, enum lease_added *ret);

/* `port` -1: not known; then every block of ports of the address is a candidate. */
int lease_store_who(struct lease_store *s, struct addr a, int port, struct wall at,
		    const struct lease_terms *terms, struct lease_answer *ret);

/* Every lease whose last trace is before `before`, and the bytes they took. */
int lease_store_forget(struct lease_store *s, struct wall before, uint64_t *ret_count);
int lease_store_count(struct lease_store *s, uint64_t *ret);
