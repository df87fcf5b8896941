/* SPDX-License-Identifier: BSD-2-Clause */
/* talk_script: what is said in each talk, as tables. Private to observe/talk*.c. */
#pragma once

#include "observe/talk.h"

enum step_do {
	DO_READ,     /* wait for an answer */
	DO_SAY,      /* say the text, wait for the answer; a 334 is answered with "*" */
	DO_STARTTLS, /* say STARTTLS, and shake hands if the answer is 220 */
	DO_INJECT,   /* the same with NOOP in the same segment */
	DO_TLS,      /* shake hands */
	DO_LOGIN,    /* log in with the best mechanism */
	DO_QUIET,    /* say the text and see whether an answer comes; none is well */
	DO_FINISH,   /* say the text, unless the step before was answered */
	DO_IDLE,     /* hold the connection until all others are done */
	DO_QUIT,     /* say QUIT, wait for the answer and for the end */
	DO_END,
};

enum step_if {
	IF_ALWAYS,
	IF_STARTTLS, /* offered in SLOT_EHLO */
	IF_TLS,      /* within TLS */
	IF_PLAIN,    /* within TLS, with AUTH PLAIN offered */
	IF_LOGIN,    /* an account was given, within TLS, with AUTH PLAIN offered */
	IF_LOGGED,   /* logged in */
	IF_ACCEPTED, /* logged in, and the step before was answered with 2xx or 3xx */
};

struct step {
	enum step_do what;
	enum slot slot;
	enum step_if only;
	const char *text; /* {name} stands for a setting, see text_fill() */
};

extern const struct step *const talk_scripts[TALK_COUNT_];
