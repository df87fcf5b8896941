/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channel: the way by which a message was handed to the mail provider.
 *
 * The migration index turns on one question: does this account still use port
 * 25? Where the record can not tell, the channel is UNCLASSIFIED, and nobody
 * guesses: the worst case counts it as not migrated.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

enum channel {
	CHANNEL_LEGACY25,     /* submission on port 25 */
	CHANNEL_587,          /* RFC 6409 submission */
	CHANNEL_465,          /* RFC 8314 submission, TLS from the first byte */
	CHANNEL_WEBMAIL,      /* written in the provider's webmail, whatever port it used */
	CHANNEL_OTHER,        /* known to be none of these, and not 25 */
	CHANNEL_UNCLASSIFIED, /* a submission whose port the record does not tell */
	CHANNEL_COUNT_,
};

/* How sure a submission on port 25 is one (and not a server's delivery). */
enum tier {
	TIER_SASL,        /* the account logged in */
	TIER_OWN_NETWORK, /* relayed without login for an address of the provider's own customers */
	TIER_DYNAMIC,     /* a local sender from dynamic space to a local recipient */
	TIER_CORROBORATED, /* as before, and the account read its mail from there that day */
	TIER_COUNT_,
};

/* "legacy25", "587", "465", "webmail", "other", "unclassified": as in every output. */
const char *channel_name(enum channel c);
/* Also takes "25" for legacy25. */
bool channel_parse(struct slice text, enum channel *ret);

const char *tier_name(enum tier t);
