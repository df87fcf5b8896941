/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules: the decision list. Figures of a line → what it is like. Pure.
 *
 * Rules are asked in the order of enum line_rule; the first that holds decides.
 * Thresholds are configuration; the defaults and where they come from:
 *
 *   inbound_peers   5     an ordinary line has none (own judgement)
 *   servers_bot    25     with a conviction by failures; Maier et al. 2011 see a
 *   servers_wide  100     gap between < 25 and > 100 servers on residential lines
 *   servers_some   10     NEMEA smtp_spam_detector
 *   connections    15     in 15 minutes: BotFlex
 *   exchangers     20     names an hour with servers_hour 15; clients need no MX
 *   servers_client  3     ntopng: "a few (< 5)"
 *   failed_ratio    0.3   natural failures of a working server stay below
 *   conviction      9.2   SPRT bound for alpha 1e-4, beta 0.01 (rules.c)
 */
#pragma once

#include <stdbool.h>

#include "model/finding.h"

struct rule_limits {
	unsigned inbound_peers, inbound_days;
	unsigned servers_bot, servers_wide, servers_some;
	unsigned connections;
	unsigned exchangers, exchangers_servers;
	unsigned servers_client, servers_device;
	double failed_ratio;
	double conviction;
	double gap_variation; /* a machine's gaps vary less than this */
};

extern const struct rule_limits rule_limits_default;

struct finding classify_line(const struct rule_limits *l, const struct line_figures *f,
			     bool excepted);
