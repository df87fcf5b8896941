/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/finding.h"

static const char *const class_names[LINE_CLASS_COUNT_] = {
	[LINE_EXCEPTION] = "exception",
	[LINE_MAIL_SERVER] = "mail-server",
	[LINE_CONFIRMED_BOT] = "confirmed-bot",
	[LINE_SUSPECTED_BOT] = "suspected-bot",
	[LINE_LEGACY_CLIENT] = "legacy-client",
	[LINE_DEVICE] = "device",
	[LINE_MIGRATED] = "migrated",
	[LINE_NO_PORT25] = "no-port-25-seen",
	[LINE_UNKNOWN] = "unknown",
};

static const char *const rule_names[RULE_COUNT_] = {
	[RULE_EXCEPTION] = "exception",
	[RULE_RECEIVES_MAIL] = "receives-mail",
	[RULE_FAILS_AND_FANS_OUT] = "fails-and-fans-out",
	[RULE_FANS_OUT_WIDELY] = "fans-out-widely",
	[RULE_LOOKS_UP_EXCHANGERS] = "looks-up-exchangers",
	[RULE_MANY_SERVERS] = "many-servers",
	[RULE_MANY_CONNECTIONS] = "many-connections",
	[RULE_HALF_CONVICTED] = "half-convicted",
	[RULE_OWN_PROVIDER] = "own-provider",
	[RULE_REGULAR_DEVICE] = "regular-device",
	[RULE_MIGRATED] = "migrated",
	[RULE_NOTHING_SEEN] = "nothing-seen",
	[RULE_NONE] = "none",
};

const char *line_class_name(enum line_class c)
{
	return class_names[c];
}

const char *line_rule_name(enum line_rule r)
{
	return rule_names[r];
}
