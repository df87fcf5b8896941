/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/submission.h"

#include <errno.h>

const char *const talk_names[TALK_COUNT_] = {
#define X(id, name) [TALK_##id] = name,
	SUBMISSION_TALKS(X)
#undef X
};

int submission_new(struct submission **ret)
{
	struct submission *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->tlsa = s->caa = -1;
	for (int i = 0; i < SRV_COUNT_; i++)
		s->srv[i].status = -1;
	*ret = s;
	return 0;
}

void submission_free(struct submission *s)
{
	if (!s)
		return;
	for (int p = 0; p < SUBMISSION_POINTS; p++)
		for (int t = 0; t < TALK_COUNT_; t++)
			for (int i = 0; i < SLOT_COUNT_; i++)
				free(s->point[p].talk[t].heard[i]);
	for (int i = 0; i < PAGE_COUNT_; i++)
		free(s->page[i].body);
	free(s);
}

int talk_code(const struct talk *t, enum slot slot)
{
	const struct smtp_reply *r = t->heard[slot];

	return r && r->complete && r->fault == SMTP_REPLY_OK ? r->code : 0;
}

_Bool talk_offers(const struct talk *t, enum slot ehlo, const char *keyword, char *ret, size_t size)
{
	ret[0] = '\0';
	return talk_code(t, ehlo) == 250 && smtp_reply_keyword(t->heard[ehlo], keyword, ret, size);
}
