/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nft: the filter made of nftables, for a Linux box in the path without XDP.
 *
 * The ruleset becomes one table, `porteiro` (nft_text.h says what is in it),
 * loaded by libnftables in one transaction. A small change is sent as what
 * differs, again as one transaction; counters are never touched by either. What
 * is in force is read back from the kernel each time: a load first looks at
 * what stands there, and so also puts right what somebody else has changed.
 *
 * Restrictions are elements with a time-out: they end even with the daemon
 * dead. Opening everything is one element in the set open_all, which no load
 * touches; a person can do it: nft add element inet porteiro open_all '{ ip, ip6 }'.
 *
 * What it can not do that the packet program can:
 *   - see into PPPoE or behind VLAN tags: it stands where the kernel routes IP
 *     (or bridges it, untagged or with a tag that Linux has taken off)
 *   - send a reset for a fragmented segment: the kernel's reject can not check
 *     its checksum and stays silent; the packet is refused and counted
 *   - see behind an IPv6 authentication or mobility header: to nft these are the
 *     protocol, and pass. No server takes TCP from behind them without having
 *     agreed on it with the sender
 *   - stop at the eighth IPv6 extension header: the kernel walks on, so a SYN
 *     to 25 behind nine is refused, where the packet program passes it
 *   - tell several fragment headers in one packet apart: the first counts
 *   - count SYNs per line, or as `passed` those that came from the other side
 */
#pragma once

#include "enforce/filter.h"
#include "enforce/nft_text.h"

/*
 * A filter in this thread's network namespace; nothing is changed yet. Copies
 * the options. 0; -EINVAL for options that can not be; else what opening netlink said.
 */
int nft_new(const struct nft_options *o, struct filter **ret, struct why *why);

/* What the last load or put sent, for tests and the log. */
struct nft_sent {
	bool whole;      /* the whole table, not a difference */
	size_t elements; /* of a difference: taken out and put in */
	size_t chains;   /* of a difference: new ones */
};
struct nft_sent nft_last_sent(const struct filter *f);
