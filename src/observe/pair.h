/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair: packets and one-way flow records of both directions → contacts.
 *
 * Only a pair tells whether anybody answered. What is known of a connection is
 * held until it is decided or PAIR_WAIT_MS have passed without an answer, which
 * then is a failure; at the end of a capture whoever still waits is unknown.
 * The table has a fixed capacity; when it is full the newcomer's outcome is
 * unknown, and that is counted.
 *
 * Pure: time is that of the packets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"
#include "model/addr.h"
#include "model/contact.h"
#include "wire/flow.h"
#include "wire/packet.h"

#define PAIR_WAIT_MS 63000 /* six SYNs of Linux: 1 + 2 + 4 + 8 + 16 + 32 s */

typedef void (*pair_contact_fn)(void *arg, const struct contact *c);

struct pair;

/* `internal` is borrowed: the prefixes whose addresses are lines. 0 or -ENOMEM. */
int pair_new(const struct prefix *internal, size_t internal_count, size_t capacity,
	     pair_contact_fn fn, void *arg, struct pair **ret);
void pair_free(struct pair *p);
OWNABLE(pair)

bool pair_is_internal(const struct pair *p, struct addr a);

void pair_packet(struct pair *p, const struct packet *packet, int64_t time_ms);
void pair_flow(struct pair *p, const struct flow_record *r);
/* Decide what waits: failures for those that waited long enough by `now_ms`, unknown for others. */
void pair_flush(struct pair *p, int64_t now_ms);
/* Contacts whose outcome was given up for lack of room. */
uint64_t pair_overflow(const struct pair *p);
