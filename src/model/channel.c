/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/channel.h"

static const char *const channel_names[CHANNEL_COUNT_] = {
	[CHANNEL_LEGACY25] = "legacy25", [CHANNEL_587] = "587",
	[CHANNEL_465] = "465",           [CHANNEL_WEBMAIL] = "webmail",
	[CHANNEL_OTHER] = "other",       [CHANNEL_UNCLASSIFIED] = "unclassified",
};

static const char *const tier_names[TIER_COUNT_] = {
	[TIER_SASL] = "sasl",
	[TIER_OWN_NETWORK] = "own_network",
	[TIER_DYNAMIC] = "dynamic",
	[TIER_CORROBORATED] = "corroborated",
};

const char *channel_name(enum channel c)
{
	return channel_names[c];
}

bool channel_parse(struct slice text, enum channel *ret)
{
	if (slice_is(text, SLICE("25"))) {
		*ret = CHANNEL_LEGACY25;
		return true;
	}
	for (int c = 0; c < CHANNEL_COUNT_; c++) {
		if (slice_is(text, slice_of(channel_names[c]))) {
			*ret = (enum channel)c;
			return true;
		}
	}
	return false;
}

const char *tier_name(enum tier t)
{
	return tier_names[t];
}
