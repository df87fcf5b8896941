/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nft_drift: what stands in the kernel's table beside what should, in numbers
 * and in words. Pure. Addresses are counted once, however many maps differ there.
 */
#pragma once

#include "enforce/filter.h"
#include "enforce/nft_link.h"

struct nft_drift {
	const struct nft_seen *seen;
	const struct nft_names *names;
	struct nft_elements ranges[FAMILY_COUNT_]; /* that differ in some map, in any order */
	size_t objects;
	char first[200];
};

/* Borrows both. Notes at once what is true of the table as a whole. */
void nft_drift_init(struct nft_drift *d, const struct nft_seen *seen,
		    const struct nft_names *names);
void nft_drift_done(struct nft_drift *d);

/* A piece that does not stand as it should. */
void nft_drift_piece(struct nft_drift *d, const struct nft_piece *p);
/* What stands there, is not `wanted` by name and was never written by us. */
void nft_drift_surplus(struct nft_drift *d, const struct nft_names *wanted);
/* 0 or -ENOMEM. Restrictions that end within `slack_s` may be there or not. */
int nft_drift_map(struct nft_drift *d, struct nft_map m, const struct nft_elements *want,
		  struct wall now, int64_t slack_s);
int nft_drift_smarthosts(struct nft_drift *d, enum family f, const struct nft_elements *want);
int nft_drift_sum(struct nft_drift *d, struct filter_drift *ret);
