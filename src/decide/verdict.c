/* SPDX-License-Identifier: BSD-2-Clause */
#include "decide/verdict.h"

const char *verdict_name(enum verdict v)
{
	static const char *const names[VERDICT_COUNT_] = { "pass", "monitor", "reject", "drop" };

	return v < VERDICT_COUNT_ ? names[v] : "?";
}

/* Could this be the start of a connection to port 25, or a packet of one? */
static bool concerns_us(const struct packet *p)
{
	if (p->kind != PACKET_TCP && p->kind != PACKET_HIDDEN)
		return false;
	return !p->port_known || p->dport == SMTP_PORT;
}

static bool starts(const struct packet *p)
{
	return p->syn || p->kind == PACKET_HIDDEN;
}

static enum mode outbound_mode(const struct class *c, const struct packet *p)
{
	return starts(p) || c->strict ? c->mode : MODE_OFF;
}

static enum mode inbound_mode(const struct class *c, const struct packet *p)
{
	return starts(p) || c->strict ? c->inbound : MODE_OFF;
}

static int rank(enum mode m)
{
	return m == MODE_OFF ? 0 : m == MODE_MONITOR ? 1 : 2;
}

static enum verdict mode_verdict(enum mode m, const struct packet *p)
{
	switch (m) {
	case MODE_MONITOR:
		return VERDICT_MONITOR;
	case MODE_REJECT:
		return p->kind == PACKET_HIDDEN || p->rst ? VERDICT_DROP : VERDICT_REJECT;
	case MODE_DROP:
		return VERDICT_DROP;
	case MODE_OFF:
	case MODE_COUNT_:
		break;
	}
	return VERDICT_PASS;
}

struct judgement verdict_of(const struct ruleset *rs, const struct packet *p, enum side side,
			    struct wall now)
{
	enum mode out = MODE_OFF, in = MODE_OFF;
	uint16_t src = 0, dst = 0;

	if (!concerns_us(p) || ruleset_is_smarthost(rs, p->dst))
		return (struct judgement){ .verdict = VERDICT_PASS };

	if (side == SIDE_SUBSCRIBER) {
		src = ruleset_class(rs, p->src);
		out = outbound_mode(ruleset_class_at(rs, src, now), p);
	}
	if (p->port_known) {
		dst = ruleset_class(rs, p->dst);
		in = inbound_mode(ruleset_class_at(rs, dst, now), p);
	}
	if (rank(out) > rank(in) || (rank(out) == rank(in) && side == SIDE_SUBSCRIBER))
		return (struct judgement){ .verdict = mode_verdict(out, p), .class = src };
	return (struct judgement){ .verdict = mode_verdict(in, p), .class = dst, .inbound = true };
}
