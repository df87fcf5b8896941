/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nft_netlink: what nft_link.c, nft_read.c and nft_change.c share: one socket,
 * requests and answers. Not for others.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <stdint.h>

#include "enforce/nft_link.h"

struct nft_link {
	struct mnl_socket *socket;
	uint32_t seq;
};

/* The table's family as the kernel numbers it. */
uint8_t netlink_family(enum nft_place place);

/*
 * Ask for a dump of `type` (NFT_MSG_GET…), narrowed to our table and, unless
 * NULL, `set`, by attributes of these numbers (0: none); each answer goes to
 * `fn`. 0; -EINTR if the table changed meanwhile; -ENOENT if it is not there.
 */
int netlink_dump(struct nft_link *l, enum nft_place place, uint16_t type, uint16_t table_attr,
		 uint16_t set_attr, const char *set, mnl_cb_t fn, void *arg);
/* The ruleset's generation: equal before and after, nothing has changed. */
int netlink_generation(struct nft_link *l, uint32_t *ret);

/* Attributes by number into a[0..max]; those of higher number are left out. */
void netlink_attrs(const struct nlmsghdr *msg, const struct nlattr **a, uint16_t max);
void netlink_nested(const struct nlattr *nest, const struct nlattr **a, uint16_t max);
