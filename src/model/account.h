/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * account: the many ways to write one mail account → one.
 *
 * Lower case; "DOM\user" is user; a bare name gets the provider's realm; a +tag
 * goes; the alias table has the last word. Two logins that are one account must
 * come out equal, or the index counts its owner twice.
 */
#pragma once

#include <stdint.h>

#include "base/own.h"
#include "base/slice.h"
#include "base/why.h"

#define ACCOUNT_MAX       320      /* bytes; RFC 5321 4.5.3.1 */
#define ACCOUNT_ALIAS_MAX 20000000 /* rows of an alias table */
#define ACCOUNT_KEY_BYTES 16

struct account_rules;

/* `realm` may be NULL: bare names stay bare. It is copied. */
int account_rules_new(const char *realm, bool keep_plus, struct account_rules **ret);
void account_rules_free(struct account_rules *r);
OWNABLE(account_rules)

/* From now on `alias` means `account`; both are canonicalised here. -EINVAL, -E2BIG, -ENOMEM. */
int account_alias_add(struct account_rules *r, struct slice alias, struct slice account);

/* The canonical form; its length, or 0 for what is no account name. */
size_t account_canonical(const struct account_rules *r, struct slice name,
			 char ret[static ACCOUNT_MAX]);

/* SipHash-2-4 of a canonical name under the provider's key. */
uint64_t account_hash(const uint8_t key[static ACCOUNT_KEY_BYTES], struct slice canonical);
