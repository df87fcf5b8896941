/* SPDX-License-Identifier: BSD-2-Clause */
#include "classify/rules.h"

const struct rule_limits rule_limits_default = {
	.inbound_peers = 5,
	.inbound_days = 5,
	.servers_bot = 25,
	.servers_wide = 100,
	.servers_some = 10,
	.connections = 15,
	.exchangers = 20,
	.exchangers_servers = 15,
	.servers_client = 3,
	.servers_device = 2,
	.failed_ratio = 0.3,
	.conviction = 9.2, /* ln((1 - beta) / alpha) */
	.gap_variation = 0.3,
};

typedef bool (*rule_fn)(const struct rule_limits *l, const struct line_figures *f);

static bool fails_little(const struct rule_limits *l, const struct line_figures *f)
{
	return finding_failed_ratio(f) < l->failed_ratio;
}

static bool receives_mail(const struct rule_limits *l, const struct line_figures *f)
{
	return f->inbound_peers >= l->inbound_peers && f->days >= l->inbound_days &&
	       fails_little(l, f);
}

static bool fails_and_fans_out(const struct rule_limits *l, const struct line_figures *f)
{
	return (double)f->suspicion >= l->conviction && f->servers_day >= l->servers_bot;
}

static bool fans_out_widely(const struct rule_limits *l, const struct line_figures *f)
{
	return f->servers_day >= l->servers_wide;
}

static bool looks_up_exchangers(const struct rule_limits *l, const struct line_figures *f)
{
	return f->exchangers >= l->exchangers && f->servers_hour >= l->exchangers_servers;
}

static bool many_servers(const struct rule_limits *l, const struct line_figures *f)
{
	return f->servers_day > l->servers_some;
}

static bool many_connections(const struct rule_limits *l, const struct line_figures *f)
{
	/* To one's own provider a burst is a mailing, not a bot. */
	return f->connections_quarter > l->connections &&
	       !(f->fetches_there && f->servers_week <= l->servers_client);
}

static bool half_convicted(const struct rule_limits *l, const struct line_figures *f)
{
	return (double)f->suspicion >= l->conviction / 2;
}

static bool own_provider(const struct rule_limits *l, const struct line_figures *f)
{
	return f->servers_week >= 1 && f->servers_week <= l->servers_client &&
	       (f->fetches_there || f->provider) && fails_little(l, f);
}

static bool regular_device(const struct rule_limits *l, const struct line_figures *f)
{
	return f->servers_week >= 1 && f->servers_week <= l->servers_device && !f->fetches_there &&
	       f->gap_variation >= 0 && (double)f->gap_variation < l->gap_variation;
}

static bool migrated(const struct rule_limits *l, const struct line_figures *f)
{
	(void)l;
	return f->submissions > 0 && f->servers_week == 0;
}

static bool nothing_seen(const struct rule_limits *l, const struct line_figures *f)
{
	(void)l;
	return f->servers_week == 0;
}

static const struct {
	enum line_rule rule;
	enum line_class class;
	rule_fn holds;
} rules[] = {
	{ RULE_RECEIVES_MAIL, LINE_MAIL_SERVER, receives_mail },
	{ RULE_FAILS_AND_FANS_OUT, LINE_CONFIRMED_BOT, fails_and_fans_out },
	{ RULE_FANS_OUT_WIDELY, LINE_CONFIRMED_BOT, fans_out_widely },
	{ RULE_LOOKS_UP_EXCHANGERS, LINE_CONFIRMED_BOT, looks_up_exchangers },
	{ RULE_MANY_SERVERS, LINE_SUSPECTED_BOT, many_servers },
	{ RULE_MANY_CONNECTIONS, LINE_SUSPECTED_BOT, many_connections },
	{ RULE_HALF_CONVICTED, LINE_SUSPECTED_BOT, half_convicted },
	{ RULE_OWN_PROVIDER, LINE_LEGACY_CLIENT, own_provider },
	{ RULE_REGULAR_DEVICE, LINE_DEVICE, regular_device },
	{ RULE_MIGRATED, LINE_MIGRATED, migrated },
	{ RULE_NOTHING_SEEN, LINE_NO_PORT25, nothing_seen },
};

struct finding classify_line(const struct rule_limits *l, const struct line_figures *f,
			     bool excepted)
{
	struct finding found = { LINE_UNKNOWN, RULE_NONE, *f };

	if (excepted) {
		found.class = LINE_EXCEPTION;
		found.rule = RULE_EXCEPTION;
		return found;
	}
	for (unsigned i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		if (!rules[i].holds(l, f))
			continue;
		found.class = rules[i].class;
		found.rule = rules[i].rule;
		return found;
	}
	return found;
}
