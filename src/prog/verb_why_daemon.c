/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/verb_why_daemon.h"

#include <stdio.h>

#include "prog/client.h"
#include "prog/verbs.h"

int why_ask_daemon(const char *socket, struct addr address, uint16_t port, bool json)
{
	const struct client c = { .verb = "why", .socket = socket, .json = json };
	char path[ADDR_TEXT_MAX + 40], text[ADDR_TEXT_MAX];
	own(reply) struct reply *r = NULL;

	snprintf(path, sizeof(path), "/v1/why/%s?port=%u", addr_text(address, text), port);
	const struct ask ask = { .method = "GET", .path = path };
	int code = client_do(&c, &ask, &r);
	if (code != EXIT_DONE || json)
		return code;
	puts(reply_string(r->json, "sentence"));
	if (reply_number(r->json, "line") > 0)
		printf("Line %.0f of plan %.0f: %s of segment '%s'.\n",
		       reply_number(r->json, "line"), reply_number(r->json, "plan"),
		       reply_string(r->json, "prefix"), reply_string(r->json, "segment"));
	return EXIT_DONE;
}
