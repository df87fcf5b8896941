/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * survey: look at one provider from outside, all of it at once.
 *
 * DNS first, then the talks and the web pages side by side, within a deadline.
 * Pages are fetched by HTTPS only, at most SURVEY_PAGE_BYTES of each.
 */
#pragma once

#include "base/mono.h"
#include "base/why.h"
#include "observe/talk.h"
#include "wire/submission.h"

#define SURVEY_PAGE_BYTES (256 * 1024)

struct survey_settings {
	struct talk_settings talk;
	const char *host, *domain; /* domain NULL: no DNS and web checks */
	const char *resolver;
	const char *mobileconfig, *help_page; /* addresses, or NULL */
	int https_port;
	struct span deadline;
	void (*progress)(void *of, unsigned all, unsigned ended); /* or NULL */
	void *progress_of;
};

/* -ENOENT with the reason if the host has no address. `settings` must outlive nothing but the call.
 */
int survey(const struct survey_settings *settings, struct submission *ret, struct why *why);
