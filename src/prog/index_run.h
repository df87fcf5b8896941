/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * index_run: log files → a counted index. Where observe meets classify.
 *
 * Files are read in parallel, one worker a core; each counts by itself and the
 * counts are merged in the end, so the result does not depend on the order.
 */
#pragma once

#include "classify/index.h"
#include "classify/straggler.h"
#include "observe/maillog.h"
#include "observe/mailsite.h"

#define INDEX_UNEXPLAINED_MAX 32

struct index_run_options {
	const struct mailsite *site;
	char **paths;
	int paths_count;
	struct maillog_span span;
	int64_t now;      /* UTC seconds: no stamp without a year is after it */
	int year;         /* of the first line of every file; 0: infer */
	const char *base; /* file of accounts, one a line; may be NULL */
	int workers;      /* 0: as many as there are cores */
	bool names;       /* keep the names of accounts that may be on port 25 */
	bool progress;    /* draw on standard error */
};

struct index_run {
	struct index *index;
	struct stragglers *stragglers; /* with `names` only */
	struct maillog_counts counts;
	uint64_t files, bytes;
	uint64_t invalid_users;      /* submissions whose user name is none */
	uint64_t tiers[TIER_COUNT_]; /* submissions on port 25 by evidence */
	struct {
		char name[64];
		uint64_t count;
	} unexplained[INDEX_UNEXPLAINED_MAX];
	unsigned unexplained_count;
};

int index_run(const struct index_run_options *o, struct index_run **ret, struct why *why);
void index_run_free(struct index_run *r);
OWNABLE(index_run)

/* What --since and --until say, or the days that were seen, at most `days` of them. */
struct index_window index_run_window(const struct index_run *r, struct maillog_span span,
				     const struct mailsite *site);
