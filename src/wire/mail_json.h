/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mail_json: one flat JSON object on one line → the members asked for.
 *
 * For journald (journalctl -o json), Haraka's JSON log and the generic JSONL.
 * Strings are unescaped into the caller's buffer; numbers and true/false stay
 * as written; an array of numbers is taken for bytes, as journald writes what
 * is not UTF-8. Deeper objects are stepped over. Not a validator.
 */
#pragma once

#include "base/slice.h"

struct mail_json_member {
	struct slice name;
	struct slice value; /* at == NULL: not there, or null */
};

/* False when the line is no object; `buffer` must outlive the values. */
bool mail_json_read(struct slice line, struct mail_json_member *members, size_t count, char *buffer,
		    size_t room);
