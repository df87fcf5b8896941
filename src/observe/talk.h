/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * talk: talk to submission services, many connections at once, and write down what they say.
 *
 * Each talk is a script of steps (talk_script.h) run over one non-blocking
 * connection. Harmless by construction: at most TALK_AT_ONCE connections to one
 * address and TALK_COUNT_ in all, TALK_BYTES_MAX read from each, no DATA without
 * a login, recipients outside only in RCPT. It says who it is in EHLO and MAIL.
 *
 * The caller owns the loop: talks_poll() says what to wait for, talks_turn()
 * goes on. `now` comes in.
 */
#pragma once

#include <poll.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/own.h"
#include "base/why.h"
#include "wire/submission.h"

#define TALK_AT_ONCE   4
#define TALK_BYTES_MAX 65536
#define TALK_FDS_MAX   (SUBMISSION_POINTS * TALK_AT_ONCE)

struct talk_settings {
	const char *helo, *from;     /* who we are: a name for EHLO, an address for MAIL */
	const char *relay;           /* an address outside, for RCPT only */
	const char *domain;          /* the provider's */
	const char *user, *password; /* NULL: no login */
	const char *ca;              /* PEM file of trusted roots, NULL: the system's */
	int port25, port465, port587;
	struct span connect, reply, quiet; /* patience: for a connection, an answer, and silence */
	struct span idle;                  /* how long the idle connection is held at least */
};

struct talks;

/* `s` has its points filled in and gets the rest; it and the settings' texts must outlive the
 * talks. */
int talks_new(const struct talk_settings *settings, struct submission *s, struct talks **ret,
	      struct why *why);
void talks_free(struct talks *t);
OWNABLE(talks)

/* Descriptors to wait for (at most TALK_FDS_MAX) and how long at most. */
size_t talks_poll(struct talks *t, struct mono now, struct pollfd *fds, int *ret_ms);

/* Go on wherever something can be done. True while there is more to do. */
_Bool talks_turn(struct talks *t, struct mono now);

/* End what is still going on: the time is up. */
void talks_abandon(struct talks *t, struct mono now);

/* How many talks there are, and how many have ended. */
void talks_progress(const struct talks *t, unsigned *ret_all, unsigned *ret_ended);
