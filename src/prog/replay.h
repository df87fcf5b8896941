/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay: what would have happened to the frames of a capture.
 *
 * Two halves. A judge says of one frame what it saw and what it would do: the
 * reference interpreter, or the packet program itself in the kernel. The totals
 * add that up and know nothing of packets, so that whatever the two print is
 * comparable to the last digit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mono.h"
#include "base/own.h"
#include "base/why.h"
#include "decide/verdict.h"
#include "model/addr.h"
#include "model/ruleset.h"

/* What a judge saw of one frame; all zero for one that is none of our business. */
struct replay_observation {
	enum verdict verdict;
	bool unparsed;     /* packet_is_unparsed() */
	uint16_t syn_port; /* 25, 465 or 587 if the frame is a SYN without ACK to it; else 0 */
	struct addr src;   /* needed if syn_port is 25 or the verdict is reject or drop */
};

struct replay_judge {
	/* 0 and *ret filled, which was all zero before; or a negative errno with `why`. */
	int (*observe)(struct replay_judge *j, const uint8_t *frame, size_t len,
		       struct replay_observation *ret, struct why *why);
	void (*free)(struct replay_judge *j);
};

static inline void replay_judge_free(struct replay_judge *j)
{
	if (j)
		j->free(j);
}
OWNABLE(replay_judge)

/* How judges are made, one row of verb_replay.c each. `rs` is borrowed until the judge is freed. */
typedef int (*replay_judge_new_fn)(const struct ruleset *rs, enum side side, struct wall now,
				   struct replay_judge **ret, struct why *why);
int replay_reference_new(const struct ruleset *rs, enum side side, struct wall now,
			 struct replay_judge **ret, struct why *why);

/* The packet program in the kernel: needs what xdp_filter_open() needs. */
int replay_xdp_new(const struct ruleset *rs, enum side side, struct wall now,
		   struct replay_judge **ret, struct why *why);

struct replay_totals;
int replay_totals_new(struct replay_totals **ret);
void replay_totals_free(struct replay_totals *t);
OWNABLE(replay_totals)

/* 0 or -ENOMEM: memory grows with the number of sources only. */
int replay_totals_add(struct replay_totals *t, const struct replay_observation *o);

/*
 * For people, and as one JSON object. Sources are those that sent a SYN to 25
 * or were refused, IPv4 before IPv6, by address. 0 or -EIO.
 */
int replay_totals_text(struct replay_totals *t, FILE *out);
int replay_totals_json(struct replay_totals *t, FILE *out);

/*
 * Run every frame of the capture at `path` ("-": standard input) past the judge
 * into the totals. *ret_cut tells that the file ends inside a record; what came
 * before is counted. -EBADMSG and others with `why`, which does not name the path.
 */
int replay_file(const char *path, struct replay_judge *j, struct replay_totals *t, bool *ret_cut,
		struct why *why);
