/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/journal.h"

#include <sodium.h>
#include <string.h>

#include "base/pack.h"

int journal_hash(const struct journal_entry *e, uint8_t ret[static JOURNAL_HASH_BYTES])
{
	own_pack struct pack p = { 0 };

	pack_u64(&p, e->id);
	pack_i64(&p, e->at.s);
	pack_string(&p, e->kind);
	pack_string(&p, e->by);
	pack_u64(&p, e->cause);
	pack_string(&p, e->body);
	pack_raw(&p, e->previous, sizeof(e->previous));
	int r = pack_result(&p);
	if (r < 0)
		return r;
	crypto_generichash(ret, JOURNAL_HASH_BYTES, p.bytes, p.len, NULL, 0);
	return 0;
}

const char *journal_hash_text(const uint8_t hash[static JOURNAL_HASH_BYTES],
			      char ret[static JOURNAL_HASH_TEXT])
{
	return sodium_bin2hex(ret, JOURNAL_HASH_TEXT, hash, JOURNAL_HASH_BYTES);
}

struct journal_check journal_check_start(void)
{
	return (struct journal_check){ .next = 1 };
}

int journal_check_next(struct journal_check *c, const struct journal_entry *e)
{
	uint8_t hash[JOURNAL_HASH_BYTES];

	if (e->id != c->next)
		return JOURNAL_GAP;
	if (memcmp(e->previous, c->head, sizeof(c->head)) != 0)
		return JOURNAL_BROKEN;
	int r = journal_hash(e, hash);
	if (r < 0)
		return r;
	if (memcmp(e->hash, hash, sizeof(hash)) != 0)
		return JOURNAL_CHANGED;
	c->next++;
	memcpy(c->head, hash, sizeof(hash));
	return JOURNAL_OK;
}

const char *journal_fault_text(enum journal_fault f)
{
	static const char *const text[JOURNAL_FAULT_COUNT_] = {
		"whole",
		"an entry is missing or out of order",
		"an entry does not follow from the one before it",
		"an entry's content was changed",
	};

	return text[f];
}
