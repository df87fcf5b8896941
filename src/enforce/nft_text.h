/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nft_text: a ruleset as text that nft reads. Pure; what is printed for an
 * operator and what the filter loads come from the same lines.
 *
 * One table, `porteiro`, holds everything:
 *
 *   gate/…      the way of a packet: port test, open switch, smarthosts, look-ups
 *   from/… refuse/… watch/…   one chain per class: count, then reset, drop or pass
 *   maps of the same words    from addresses to these chains (nft_map.h)
 *   smarthosts4, smarthosts6  destinations that pass whatever the source
 *   open_all                  holds ip and ip6 while everything is open
 *   subscribers               interfaces towards subscribers, if they were named
 *   rejected/… dropped/… monitored/… passed/…   counters by class name
 *
 * Every name but open_all, smarthosts and subscribers has a slash in it, which
 * nft allows and none of its keywords has: no segment can be called wrongly.
 *
 * Packets to other ports leave at the first two rules, before any look-up.
 * That half a header is there is seen by rules that match on it failing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/own.h"
#include "enforce/nft_map.h"
#include "model/ruleset.h"

#define NFT_TABLE "porteiro"
#define NFT_NOTES \
	"gate/notes"         /* a chain that nothing leads to: what was written, for reading back */
#define NFT_NONE "gate/none" /* where an element leads that says "nothing" */

enum nft_place {
	NFT_FORWARD,    /* inet, forward: what the box routes. Where connection tracking runs,
			   fragments are whole again by then */
	NFT_PREROUTING, /* inet, prerouting at -450, before defragmentation: also what the box
			   itself would receive */
	NFT_BRIDGE,     /* bridge, prerouting: what the box bridges. A reject needs the kernel's
			   nft_reject_bridge */
	NFT_PLACE_COUNT_
};

/* "forward", "prerouting", "bridge" */
const char *nft_place_name(enum nft_place p);
bool nft_place_parse(const char *name, enum nft_place *ret);
/* "inet", "bridge" */
const char *nft_family_name(enum nft_place p);

#define NFT_IFNAME_MAX      16
#define NFT_SUBSCRIBERS_MAX 256

struct nft_options {
	enum nft_place place;
	/* Interfaces whose senders are subscribers, each at most 15 bytes, "ppp*" for all of a
	 * kind; none: every packet may be a subscriber's. */
	const char *const *subscribers;
	size_t subscribers_count;
};

/* "smarthosts4", "smarthosts6" */
const char *nft_smarthosts_name(enum family f);

/* 0, or -EINVAL and `why` naming the interface that can not be one. */
int nft_options_check(const struct nft_options *o, struct why *why);

/* A set, map or chain of the table: how it is declared and what is in it, as commands. */
enum nft_kind { NFT_KIND_SET, NFT_KIND_MAP, NFT_KIND_CHAIN };

struct nft_piece {
	enum nft_kind kind;
	char name[NFT_NAME_MAX];
	char *declare; /* "add chain …\n"; sets and maps without their end: "add set … { type …;" */
	char *fill; /* chains: the rules; "" otherwise */
};

struct nft_pieces {
	struct nft_piece *at;
	size_t count, room;
};

/* Everything but the elements of maps and smarthosts. 0 or -ENOMEM. */
int nft_pieces_of(const struct ruleset *rs, const struct nft_options *o, struct nft_pieces *ret);
/* The chains of one class. */
int nft_pieces_of_class(const struct class *c, const struct nft_options *o, struct nft_pieces *ret);
int nft_pieces_copy(struct nft_pieces *to, const struct nft_piece *p); /* 0 or -ENOMEM */
void nft_pieces_done(struct nft_pieces *p);

/* "add counter …" for every counter the class's chains name. */
void nft_text_counters(const struct class *c, const struct nft_options *o, FILE *out);
/*
 * All pieces with their elements, in the one order that nft takes: chains, then
 * maps that lead to them, then rules that look into these. Elements stand in the
 * declaration: nft sends those of an "add element" twice if the map is new.
 */
int nft_text_pieces(const struct nft_pieces *p, const struct nft_view *v,
		    const struct nft_options *o, FILE *out);
/* The whole table as one transaction for `nft -f`; a table of that name is replaced. */
int nft_text(const struct ruleset *rs, const struct nft_options *o, struct wall now, FILE *out);
