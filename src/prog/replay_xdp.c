/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second judge of replay: the packet program in the kernel, frame by frame.
 */
#include <errno.h>
#include <stdlib.h>

#include "enforce/xdp.h"
#include "enforce/xdp_run.h"
#include "prog/replay.h"

struct packet_program {
	struct replay_judge judge; /* first */
	struct filter *filter;
	enum filter_side side;
	struct xdp_ran ran;
};

static struct addr addr_of(const struct filter_trace *saw)
{
	addr_bits left = (addr_bits)saw->src[0] << 64 | saw->src[1];

	if (saw->family == 4)
		return (struct addr){ left >> 96, FAMILY_V4 };
	return (struct addr){ left, FAMILY_V6 };
}

static int xdp_observe(struct replay_judge *j, const uint8_t *frame, size_t len,
		       struct replay_observation *ret, struct why *why)
{
	struct packet_program *p = (struct packet_program *)j;
	const struct filter_trace *saw = &p->ran.saw;
	struct xdp_run run = { .at = RUN_XDP, .side = p->side, .frame = frame, .len = len };
	int r = xdp_run(p->filter, &run, &p->ran, why);

	if (r < 0)
		return r;
	ret->verdict = (enum verdict)saw->verdict;
	ret->unparsed = saw->seen == FILTER_UNPARSED || saw->seen == FILTER_HIDDEN;
	if (saw->syn_first && (saw->dport == 25 || saw->dport == 465 || saw->dport == 587))
		ret->syn_port = saw->dport;
	if (saw->family)
		ret->src = addr_of(saw);
	return 0;
}

static void xdp_judge_free(struct replay_judge *j)
{
	struct packet_program *p = (struct packet_program *)j;

	filter_free(p->filter);
	free(p);
}

/* Restrictions end by the kernel's clock, which is where `now` came from. */
int replay_xdp_new(const struct ruleset *rs, enum side side, struct wall now,
		   struct replay_judge **ret, struct why *why)
{
	const struct xdp_options o = { .tracing = true };
	own(replay_judge) struct replay_judge *j = NULL;
	struct packet_program *p = calloc(1, sizeof(*p));
	int r;

	(void)now;
	if (!p)
		return why_set(why, -ENOMEM, "out of memory");
	j = &p->judge;
	*j = (struct replay_judge){ xdp_observe, xdp_judge_free };
	p->side = side == SIDE_UPLINK ? FILTER_UPLINK : FILTER_SUBSCRIBER;
	r = xdp_filter_open(&o, &p->filter, why);
	if (r == 0)
		r = p->filter->ops->load(p->filter, rs, why);
	if (r < 0)
		return r;
	*ret = take(j);
	return 0;
}
