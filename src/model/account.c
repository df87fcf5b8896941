/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/account.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/hash.h"

_Static_assert(ACCOUNT_KEY_BYTES == crypto_shorthash_siphash24_KEYBYTES, "SipHash key length");

struct alias {
	char *name; /* canonical; account behind it in the same allocation */
	uint16_t name_len, account_len;
};

struct account_rules {
	char *realm;
	size_t realm_len;
	bool keep_plus;
	struct alias *table; /* open addressing, never more than half full */
	size_t room, count;
};

int account_rules_new(const char *realm, bool keep_plus, struct account_rules **ret)
{
	own(account_rules) struct account_rules *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->keep_plus = keep_plus;
	if (realm) {
		r->realm_len = strlen(realm);
		if (r->realm_len == 0 || r->realm_len > ACCOUNT_MAX / 2)
			return -EINVAL;
		r->realm = strdup(realm);
		if (!r->realm)
			return -ENOMEM;
	}
	*ret = take(r);
	return 0;
}

void account_rules_free(struct account_rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->room; i++)
		free(r->table[i].name);
	free(r->table);
	free(r->realm);
	free(r);
}

static struct alias *alias_slot(struct alias *table, size_t room, struct slice name)
{
	size_t i = hash_bytes(name.at, name.len, 0) & (room - 1);

	while (table[i].name && !slice_is((struct slice){ table[i].name, table[i].name_len }, name))
		i = (i + 1) & (room - 1);
	return &table[i];
}

static int alias_room(struct account_rules *r)
{
	size_t room = r->room ? r->room * 2 : 64;

	if ((r->count + 1) * 2 <= r->room)
		return 0;
	struct alias *table = calloc(room, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < r->room; i++)
		if (r->table[i].name)
			*alias_slot(table, room,
				    (struct slice){ r->table[i].name, r->table[i].name_len }) =
			    r->table[i];
	free(r->table);
	r->table = table;
	r->room = room;
	return 0;
}

static inline char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* All but the aliases. */
static size_t fold(const struct account_rules *r, struct slice name, char ret[static ACCOUNT_MAX])
{
	name = slice_trim(name);
	const char *domain = name.len ? memrchr(name.at, '\\', name.len) : NULL;
	if (domain) /* DOMAIN\user of Exchange and Samba */
		name = slice_from(name, (size_t)(domain - name.at) + 1);
	if (name.len == 0 || name.len >= ACCOUNT_MAX)
		return 0;

	const char *at = memrchr(name.at, '@', name.len);
	size_t local = at ? (size_t)(at - name.at) : name.len;
	size_t kept = local, n = 0;
	if (!r->keep_plus) {
		const char *plus = local ? memchr(name.at, '+', local) : NULL;
		if (plus && plus > name.at)
			kept = (size_t)(plus - name.at);
	}
	for (size_t i = 0; i < kept; i++) {
		if ((unsigned char)name.at[i] < 0x20 || name.at[i] == 0x7f)
			return 0;
		ret[n++] = lower(name.at[i]);
	}
	if (n == 0)
		return 0;
	if (at && local + 1 < name.len) {
		for (size_t i = local; i < name.len; i++)
			ret[n++] = lower(name.at[i]);
	} else if (r->realm) {
		if (n + 1 + r->realm_len > ACCOUNT_MAX)
			return 0;
		ret[n++] = '@';
		for (size_t i = 0; i < r->realm_len; i++)
			ret[n++] = lower(r->realm[i]);
	}
	return n;
}

int account_alias_add(struct account_rules *r, struct slice alias, struct slice account)
{
	char a[ACCOUNT_MAX], b[ACCOUNT_MAX];
	size_t a_len = fold(r, alias, a), b_len = fold(r, account, b);

	if (!a_len || !b_len)
		return -EINVAL;
	if (r->count >= ACCOUNT_ALIAS_MAX)
		return -E2BIG;
	int e = alias_room(r);
	if (e < 0)
		return e;

	struct alias *slot = alias_slot(r->table, r->room, (struct slice){ a, a_len });
	char *text = malloc(a_len + b_len);
	if (!text)
		return -ENOMEM;
	memcpy(text, a, a_len);
	memcpy(text + a_len, b, b_len);
	r->count += !slot->name;
	free(slot->name);
	*slot = (struct alias){ text, (uint16_t)a_len, (uint16_t)b_len };
	return 0;
}

size_t account_canonical(const struct account_rules *r, struct slice name,
			 char ret[static ACCOUNT_MAX])
{
	size_t n = fold(r, name, ret);

	if (!n || !r->count)
		return n;
	const struct alias *a = alias_slot(r->table, r->room, (struct slice){ ret, n });
	if (!a->name)
		return n;
	memcpy(ret, a->name + a->name_len, a->account_len);
	return a->account_len;
}

uint64_t account_hash(const uint8_t key[static ACCOUNT_KEY_BYTES], struct slice canonical)
{
	uint64_t h;

	crypto_shorthash_siphash24((unsigned char *)&h, (const unsigned char *)canonical.at,
				   canonical.len, key);
	return h;
}
