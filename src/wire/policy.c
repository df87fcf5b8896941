/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/policy.h"

#include <errno.h>

#include "wire/mail_scan.h"

static void drop_used(struct policy *p)
{
	memmove(p->held, p->held + p->used, p->len - p->used);
	p->len -= p->used;
	p->used = 0;
}

char *policy_room(struct policy *p, size_t *ret_room)
{
	drop_used(p);
	*ret_room = sizeof(p->held) - p->len;
	return p->held + p->len;
}

void policy_fed(struct policy *p, size_t bytes)
{
	p->len += bytes;
}

static void attribute(struct policy_request *r, struct slice name, struct slice value)
{
	static const struct {
		struct slice name;
		size_t place;
	} rows[] = {
		{ { "protocol_state", 14 }, offsetof(struct policy_request, state) },
		{ { "instance", 8 }, offsetof(struct policy_request, instance) },
		{ { "sasl_username", 13 }, offsetof(struct policy_request, user) },
		{ { "client_address", 14 }, offsetof(struct policy_request, client) },
		{ { "encryption_protocol", 19 }, offsetof(struct policy_request, tls) },
	};

	if (slice_is(name, SLICE("server_port")))
		r->port = scan_port(value);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (slice_is(name, rows[i].name))
			*(struct slice *)((char *)r + rows[i].place) = value;
}

int policy_next(struct policy *p, struct policy_request *ret)
{
	struct slice rest = { p->held + p->used, p->len - p->used };
	const char *end = rest.len ? memmem(rest.at, rest.len, "\n\n", 2) : NULL;
	bool known = false;

	if (!end)
		return rest.len == sizeof(p->held) ? -EMSGSIZE : 0;
	rest.len = (size_t)(end - rest.at) + 1;
	p->used += rest.len + 1;
	*ret = (struct policy_request){ .user = { "", 0 } };
	while (rest.len) {
		struct slice line = slice_until(rest, '\n');
		struct slice name = slice_until(line, '=');
		rest = slice_from(rest, line.len + 1);
		if (name.len == line.len)
			return -EBADMSG;
		struct slice value = slice_from(line, name.len + 1);
		known |= slice_is(name, SLICE("request")) &&
			 slice_is(value, SLICE("smtpd_access_policy"));
		attribute(ret, name, value);
	}
	return known ? 1 : -EBADMSG;
}
