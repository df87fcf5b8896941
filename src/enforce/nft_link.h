/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nft_link: the kernel's table, read and changed by netlink messages.
 *
 * What libnftables can not do fast enough is done here: it fetches every
 * element of every interval set of the machine before it adds one (0.7 s at
 * 65,000 elements), and it lists rules in a form that changes with its version.
 * Here a change costs what is changed, and a rule is compared as the kernel
 * holds it. The transaction is the kernel's in both cases.
 *
 * A link belongs to the network namespace in which it was made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/own.h"
#include "base/why.h"
#include "enforce/nft_map.h"
#include "enforce/nft_text.h"

struct nft_link;
int nft_link_new(struct nft_link **ret, struct why *why);
void nft_link_free(struct nft_link *l);
OWNABLE(nft_link)

#define NFT_PRINT_MAX 13 /* a fingerprint: 48 bits in hexadecimal, and NUL */

/* A set, map or chain that the table has. */
struct nft_object {
	enum nft_kind kind;
	char name[NFT_NAME_MAX];
	char print[NFT_PRINT_MAX]; /* of its definition; chains: and of their rules */
	size_t rules;              /* chains */
};

/* A comment in chain gate/notes: "NAME WANTED FOUND", see nft.c. */
struct nft_note {
	char text[128];
};

struct nft_seen {
	bool table;   /* there is one; else all below is empty */
	bool dormant; /* it is switched off as a whole: `flags dormant` */
	struct nft_object *object;
	size_t objects;
	struct nft_note *note; /* sorted */
	size_t notes;
	bool open4, open6;                             /* in set open_all */
	struct nft_elements map[NFT_MAPS];             /* sorted */
	struct nft_elements smarthosts[FAMILY_COUNT_]; /* sorted; `to` is not used */
};

/*
 * Read the table. Elements only if asked for: they cost time in proportion.
 * Class names are numbered by `names`. -EAGAIN if the table kept changing.
 */
int nft_link_read(struct nft_link *l, enum nft_place place, bool elements, struct nft_names *names,
		  struct wall now, struct nft_seen *ret, struct why *why);
void nft_seen_done(struct nft_seen *s);
const struct nft_object *nft_seen_object(const struct nft_seen *s, const char *name);
/* Is there this very note? */
bool nft_seen_has_note(const struct nft_seen *s, const char *note);
/* Is there any note on an object of this name? */
bool nft_seen_knows(const struct nft_seen *s, const char *name);
/* Does a note say of the object that it looked as it looks now? True of the notes' chain. */
bool nft_seen_is_noted(const struct nft_seen *s, const struct nft_object *o);

/* Elements to take from and to add to one set or map. */
struct nft_change {
	char set[NFT_NAME_MAX];
	bool is_map;
	struct nft_map map; /* maps: for the names of chains; `family` counts for sets too */
	struct nft_elements surplus, missing;
};

/* All changes in one transaction: all are in force, or none and `why` says which was refused. */
int nft_link_change(struct nft_link *l, enum nft_place place, const struct nft_change *c, size_t n,
		    const struct nft_names *names, struct why *why);
/* Put ip and ip6 into set open_all, which must be there, or take them out. */
int nft_link_open(struct nft_link *l, enum nft_place place, bool open, const struct nft_seen *is,
		  struct why *why);

/* Named counters: packets by name, e.g. "rejected/casas/segment/reject/off/syn". */
typedef int (*nft_counter_fn)(void *arg, const char *name, uint64_t packets, uint64_t bytes);
int nft_link_counters(struct nft_link *l, enum nft_place place, nft_counter_fn fn, void *arg,
		      struct why *why);
