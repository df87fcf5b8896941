/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/mailsite.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>

#define WINDOW_DAYS 90
#define QUIET_DAYS  14

/* Names that distributions and well-known set-ups give to these services. */
static const struct {
	const char *name;
	struct placing placing;
} builtin[] = {
	{ "submission", { PLACE_CHANNEL, CHANNEL_587 } },
	{ "submission-haproxy", { PLACE_CHANNEL, CHANNEL_587 } },
	{ "submissions", { PLACE_CHANNEL, CHANNEL_465 } },
	{ "submissions-haproxy", { PLACE_CHANNEL, CHANNEL_465 } },
	{ "smtps", { PLACE_CHANNEL, CHANNEL_465 } },
	{ "smtps-haproxy", { PLACE_CHANNEL, CHANNEL_465 } },
	{ "sogo", { PLACE_CHANNEL, CHANNEL_WEBMAIL } },
	{ "webmail", { PLACE_CHANNEL, CHANNEL_WEBMAIL } },
	/* Sendmail's DaemonPortOptions names: its own default and Debian's. */
	{ "MTA", { PLACE_CHANNEL, CHANNEL_LEGACY25 } },
	{ "MTA-v4", { PLACE_CHANNEL, CHANNEL_LEGACY25 } },
	{ "MTA-v6", { PLACE_CHANNEL, CHANNEL_LEGACY25 } },
	{ "MSA", { PLACE_CHANNEL, CHANNEL_587 } },
	{ "MSA-v4", { PLACE_CHANNEL, CHANNEL_587 } },
	{ "MSA-v6", { PLACE_CHANNEL, CHANNEL_587 } },
	{ "MSP-v4", { PLACE_CHANNEL, CHANNEL_587 } },
	{ "MSP-v6", { PLACE_CHANNEL, CHANNEL_587 } },
	{ "TLSMTA", { PLACE_CHANNEL, CHANNEL_465 } },
};

int mailsite_new(struct mailsite **ret)
{
	own(mailsite) struct mailsite *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->window_days = WINDOW_DAYS;
	s->quiet_days = QUIET_DAYS;
	randombytes_buf(s->key, sizeof(s->key));
	int r = account_rules_new(NULL, false, &s->accounts);
	if (r < 0)
		return r;
	*ret = take(s);
	return 0;
}

static void texts_free(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

void mailsite_free(struct mailsite *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->tags_count; i++)
		free(s->tags[i].name);
	free(s->tags);
	free(s->ports);
	free(s->own.prefix);
	free(s->dynamic.prefix);
	free(s->webmail.prefix);
	free(s->webmail_uids);
	texts_free(s->domains, s->domains_count);
	texts_free(s->servers, s->servers_count);
	free(s->timezone);
	account_rules_free(s->accounts);
	free(s);
}

static bool placing_parse(struct slice text, struct placing *ret)
{
	if (slice_is(text, SLICE("ignore"))) {
		*ret = (struct placing){ .place = PLACE_IGNORE };
		return true;
	}
	ret->place = PLACE_CHANNEL;
	return channel_parse(text, &ret->channel) && ret->channel != CHANNEL_UNCLASSIFIED;
}

int mailsite_tag(struct mailsite *s, struct slice text, struct why *why)
{
	const char *eq = text.len ? memrchr(text.at, '=', text.len) : NULL;
	struct mailsite_name row;

	if (!eq || eq == text.at ||
	    !placing_parse(slice_from(text, (size_t)(eq - text.at) + 1), &row.placing))
		return why_set(why, -EINVAL, "'%.*s' is not TAG=25|587|465|webmail|other|ignore",
			       (int)text.len, text.at);
	struct mailsite_name *tags = realloc(s->tags, (s->tags_count + 1) * sizeof(*tags));
	if (!tags)
		return -ENOMEM;
	s->tags = tags;
	row.name = strndup(text.at, (size_t)(eq - text.at));
	if (!row.name)
		return -ENOMEM;
	tags[s->tags_count++] = row;
	return 0;
}

int mailsite_port(struct mailsite *s, struct slice text, struct why *why)
{
	struct slice digits = slice_until(text, '=');
	struct placing placing = { 0 };
	unsigned port = 0;

	for (size_t i = 0; i < digits.len && i < 6; i++)
		port = digits.at[i] >= '0' && digits.at[i] <= '9'
			   ? port * 10 + (unsigned)(digits.at[i] - '0')
			   : 99999;
	if (!digits.len || port == 0 || port > UINT16_MAX ||
	    !placing_parse(slice_from(text, digits.len + 1), &placing))
		return why_set(why, -EINVAL, "'%.*s' is not PORT=25|587|465|webmail|other|ignore",
			       (int)text.len, text.at);
	void *ports = realloc(s->ports, (s->ports_count + 1) * sizeof(*s->ports));
	if (!ports)
		return -ENOMEM;
	s->ports = ports;
	s->ports[s->ports_count].port = (uint16_t)port;
	s->ports[s->ports_count++].placing = placing;
	return 0;
}

int mailsite_realm(struct mailsite *s, const char *realm, struct why *why)
{
	struct account_rules *rules = NULL;
	int r = account_rules_new(realm, s->keep_plus, &rules);

	if (r < 0)
		return why_set(why, r, "realm '%s': not a domain", realm);
	account_rules_free(s->accounts);
	s->accounts = rules;
	return 0;
}

int mailsite_network(struct mailsite_nets *nets, struct slice text, struct why *why)
{
	char buffer[PREFIX_TEXT_MAX];
	struct prefix p;

	if (text.len >= sizeof(buffer))
		return why_set(why, -EINVAL, "'%.*s' is no address or prefix", 60, text.at);
	slice_copy(buffer, text, text.len);
	buffer[text.len] = '\0';
	enum prefix_fault fault = prefix_parse(buffer, &p);
	if (fault != PREFIX_OK)
		return why_set(why, -EINVAL, "'%s': %s", buffer, prefix_fault_text(fault));
	struct prefix *list = realloc(nets->prefix, (nets->count + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	nets->prefix = list;
	list[nets->count++] = p;
	return 0;
}

static const struct placing *configured(const struct mailsite *s, struct slice name)
{
	for (size_t i = 0; i < s->tags_count; i++)
		if (slice_is(name, slice_of(s->tags[i].name)))
			return &s->tags[i].placing;
	return NULL;
}

static const struct placing *known(const struct mailsite *s, struct slice name)
{
	const struct placing *p = configured(s, name);

	for (size_t i = 0; !p && i < sizeof(builtin) / sizeof(*builtin); i++)
		if (slice_is(name, slice_of(builtin[i].name)))
			p = &builtin[i].placing;
	return p;
}

/*
 * "postfix/submission/smtpd": the whole tag, the tag without the program, then
 * each part before the program. Two parts only, and none known: a plain tag.
 */
struct placing mailsite_place_tag(const struct mailsite *s, struct slice tag)
{
	const struct placing *p = configured(s, tag);
	const char *slash = tag.len ? memrchr(tag.at, '/', tag.len) : NULL;
	struct slice rest = slice_cut(tag, slash ? (size_t)(slash - tag.at) : 0);
	bool plain = rest.len == 0 || !memchr(rest.at, '/', rest.len);

	if (!p && rest.len)
		p = configured(s, rest);
	while (!p && rest.len) {
		struct slice part = slice_until(rest, '/');
		p = known(s, part);
		rest = slice_from(rest, part.len + 1);
	}
	if (p)
		return *p;
	return (struct placing){ .place = plain ? PLACE_PLAIN : PLACE_UNKNOWN };
}

struct placing mailsite_place_name(const struct mailsite *s, struct slice name)
{
	const struct placing *p = known(s, name);

	return p ? *p : (struct placing){ .place = PLACE_UNKNOWN };
}

struct placing mailsite_place_port(const struct mailsite *s, uint16_t port)
{
	for (size_t i = 0; i < s->ports_count; i++)
		if (s->ports[i].port == port)
			return s->ports[i].placing;
	switch (port) {
	case 25:
		return (struct placing){ PLACE_CHANNEL, CHANNEL_LEGACY25 };
	case 465:
		return (struct placing){ PLACE_CHANNEL, CHANNEL_465 };
	case 587:
		return (struct placing){ PLACE_CHANNEL, CHANNEL_587 };
	default:
		return (struct placing){ .place = PLACE_UNKNOWN };
	}
}

bool mailsite_holds(const struct mailsite_nets *nets, struct slice address)
{
	char text[ADDR_TEXT_MAX];
	struct addr a;

	if (!nets->count || !address.len || address.len >= sizeof(text))
		return false;
	slice_copy(text, address, address.len);
	text[address.len] = '\0';
	if (!addr_parse(text, &a))
		return false;
	for (size_t i = 0; i < nets->count; i++)
		if (prefix_holds(nets->prefix[i], a))
			return true;
	return false;
}

bool mailsite_local(const struct mailsite *s, struct slice address)
{
	const char *at = address.len ? memrchr(address.at, '@', address.len) : NULL;

	if (!at || !s->domains_count)
		return address.len > 0;
	struct slice domain = slice_from(address, (size_t)(at - address.at) + 1);
	for (size_t i = 0; i < s->domains_count; i++)
		if (strlen(s->domains[i]) == domain.len &&
		    strncasecmp(s->domains[i], domain.at, domain.len) == 0)
			return true;
	return false;
}
