/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp_accounts: what the packet filter has noted of each subscriber line.
 *
 * A line is an IPv4 address or an IPv6 /64. The counts grow for as long as the
 * account is open; one that was closed to make room for another line is told
 * once more, by xdp_accounts_closed(), with its last figures. Accounts survive
 * loads, restarts and upgrades. No destination is kept: distinct servers are
 * counted by a sketch of 256 bits (linear counting).
 */
#pragma once

#include <stdint.h>

#include "enforce/xdp.h"
#include "model/addr.h"

struct xdp_account {
	struct prefix line;
	uint32_t syn25, syn465, syn587; /* SYN without ACK; they stop at 2^32 - 1 */
	uint32_t refused;               /* of those to 25 */
	uint32_t idle_s; /* since the last one, to within two seconds; 0 when closed */
	uint64_t sketch[4];
};

typedef int (*xdp_account_fn)(void *arg, const struct xdp_account *account);

/* One call per open account; stops when `fn` returns non-zero. */
int xdp_accounts(struct filter *f, xdp_account_fn fn, void *arg, struct why *why);
/* One call per account closed since the last call of this function by anybody. */
int xdp_accounts_closed(struct filter *f, xdp_account_fn fn, void *arg, struct why *why);
