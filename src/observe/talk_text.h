/* SPDX-License-Identifier: BSD-2-Clause */
/* talk_text: the words of a talk: settings filled in, and logging in. Private to observe/talk*.c.
 */
#pragma once

#include <gsasl.h>
#include <stddef.h>

#include "observe/talk.h"

/* Put the settings into a step's text; cut to `size`. Line ends in settings are left out. */
void text_fill(const struct talk_settings *s, const char *text, char *ret, size_t size);

/*
 * The AUTH command for the best mechanism the server offers in SLOT_EHLO_TLS: SCRAM-SHA-256,
 * SCRAM-SHA-1, PLAIN, LOGIN. -ENOENT if it offers none of them.
 */
int login_begin(Gsasl *gsasl, const struct talk_settings *s, struct talk *talk,
		Gsasl_session **ret_session, char *ret, size_t size);

/* The answer to a 334; -EINVAL if it makes no sense (a server that can not prove it knows us). */
int login_step(Gsasl_session *session, const struct smtp_reply *reply, char *ret, size_t size);
