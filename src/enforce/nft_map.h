/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nft_map: a ruleset as the verdict maps of one nft table. Pure.
 *
 * nft asks three questions of a packet to port 25, each by one look-up in an
 * interval map from an address to a chain, the chain of its class:
 *
 *   from    the source: what its class's `mode` says
 *   refuse  the destination: is its class's `inbound` a refusal
 *   watch   the destination: is it to be counted only
 *
 * Each question has a map for packets that start a connection (syn) and one
 * for those that do not (strict), each map one for every family, and before it
 * one for restrictions (timed), whose elements carry a time-out and vanish by
 * themselves, uncovering the class beneath: 24 maps, most of them empty.
 *
 * The elements of a map are canonical: sorted, disjoint, neighbours differ. So
 * the maps of equal rulesets are equal, and the difference of two is what has
 * to be sent. Class names stand for classes: see class_name().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/own.h"
#include "model/ruleset.h"

enum nft_ask { NFT_FROM, NFT_REFUSE, NFT_WATCH, NFT_ASK_COUNT_ };

struct nft_map {
	enum nft_ask ask;
	bool strict; /* for packets without SYN */
	bool timed;  /* restrictions */
	enum family family;
};

#define NFT_MAPS     24
#define NFT_NAME_MAX 96 /* of any object in the table, with its NUL */

struct nft_map nft_map_at(size_t i); /* i < NFT_MAPS */
/* "from/syn/timed4" */
const char *nft_map_name(struct nft_map m, char ret[static NFT_NAME_MAX]);
/* The chain to which a map leads for a class: "from/syn/casas/segment/reject/off/syn" */
const char *nft_chain_name(struct nft_map m, const char *class, char ret[static NFT_NAME_MAX]);
/* "from", "refuse", "watch" */
const char *nft_ask_name(enum nft_ask a);

/* Class names by number, so that elements compare without comparing texts. */
struct nft_names;
int nft_names_new(struct nft_names **ret);
void nft_names_free(struct nft_names *n);
OWNABLE(nft_names)
/* The number of the name, a new one if need be; -ENOMEM. */
int nft_names_add(struct nft_names *n, const char *name);
int nft_names_find(const struct nft_names *n, const char *name); /* -ENOENT */
size_t nft_names_count(const struct nft_names *n);
const char *nft_names_at(const struct nft_names *n, size_t i);

/* Where an element leads. */
#define NFT_TO_NONE  UINT32_MAX /* to no class: the look-up goes on as if nothing were found */
#define NFT_TO_ALIEN (UINT32_MAX - 1) /* read back: to something we never write */

struct nft_element {
	addr_bits first, last;
	uint32_t to;       /* number of a class name, or NFT_TO_… */
	struct wall until; /* timed maps: when it vanishes; else 0 */
};

/*
 * A ruleset as the maps see it, optionally with one prefix treated otherwise
 * (`over`, whose `under` is an index in rs). Borrows rs, names and over.
 */
struct nft_view {
	const struct ruleset *rs;
	struct nft_names *names;
	uint32_t *number; /* of each class's name */
	const struct class *over;
	uint32_t over_number;
	struct prefix at;
	struct wall now; /* restrictions that have ended by then are left out */
};

int nft_view_init(struct nft_view *v, const struct ruleset *rs, struct nft_names *names,
		  struct wall now);
void nft_view_done(struct nft_view *v);
int nft_view_over(struct nft_view *v, struct prefix at, const struct class *over);

/* Called per element, ascending; stops when it returns non-zero, which is passed up. */
typedef int (*nft_element_fn)(void *arg, const struct nft_element *e);
int nft_map_walk(const struct nft_view *v, struct nft_map m, nft_element_fn fn, void *arg);
/* Only the elements that hold or touch an address of the prefix. */
int nft_map_walk_near(const struct nft_view *v, struct nft_map m, struct prefix p,
		      nft_element_fn fn, void *arg);

struct nft_elements {
	struct nft_element *at;
	size_t count, room;
};

int nft_elements_add(struct nft_elements *l, const struct nft_element *e); /* 0, -ENOMEM */
void nft_elements_done(struct nft_elements *l);

/*
 * What is in `have` and not in `want`, and the other way round. Both sorted.
 * Ends of restrictions may differ by `slack_s`: clocks of two kinds are compared.
 */
int nft_elements_diff(const struct nft_elements *have, const struct nft_elements *want,
		      int64_t slack_s, struct nft_elements *surplus, struct nft_elements *missing);
