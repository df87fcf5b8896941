/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * straggler: the accounts that were seen on port 25, with what helps to call them.
 *
 * Beside the index, not part of it: it keeps names, so it is made only when
 * somebody asks for the list. What an account's client calls itself hints at
 * the program; when it sends hints at a server or a device.
 */
#pragma once

#include <stdint.h>

#include "base/own.h"
#include "base/slice.h"

#define STRAGGLER_HINT_MAX    64
#define STRAGGLER_CLIENTS_MAX 8 /* different addresses remembered; more are only counted */

enum straggler_kind {
	STRAGGLER_PERSON, /* nothing speaks against it */
	STRAGGLER_DEVICE, /* calls itself like a printer, scanner or camera */
	STRAGGLER_SERVER, /* listed as one, or sends round the clock */
};

struct straggler {
	uint64_t user;
	char *name;                    /* canonical */
	int64_t first, last;           /* local seconds, on port 25 (or on a tag that may be) */
	uint64_t messages;             /* on it */
	uint32_t hours;                /* bit per hour of day */
	uint32_t days;                 /* different days, as far as lines come in order */
	char hint[STRAGGLER_HINT_MAX]; /* the last name the client gave itself */
	char client[48];               /* the last address */
	uint32_t client_hash[STRAGGLER_CLIENTS_MAX];
	unsigned clients;
};

struct stragglers;

int stragglers_new(struct stragglers **ret);
void stragglers_free(struct stragglers *s);
OWNABLE(stragglers)

/* -ENOMEM. */
int stragglers_note(struct stragglers *s, uint64_t user, struct slice name, int64_t at,
		    uint32_t messages, struct slice client, struct slice hint);
int stragglers_merge(struct stragglers *into, const struct stragglers *from);

/* All of them, the most recent first; borrowed. */
const struct straggler *const *stragglers_list(struct stragglers *s, size_t *ret_count);

/* "outlook", "thunderbird", … or "" when the hint says nothing; a word of the campaign's texts. */
const char *straggler_program(const char *hint);
enum straggler_kind straggler_kind(const struct straggler *s);
const char *straggler_kind_name(enum straggler_kind k);
