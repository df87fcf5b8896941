/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/plan_fault.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Drop a character that was cut in its middle: what goes out is valid UTF-8 if what came in was. */
static void cut_between_characters(char *text)
{
	size_t len = strlen(text), back = 0;

	while (back < len && back < 4 && ((unsigned char)text[len - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back >= len)
		return;
	unsigned char lead = (unsigned char)text[len - 1 - back];
	size_t needs = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (needs > back + 1)
		text[len - 1 - back] = '\0';
}

static struct plan_fault *fault_new(struct fault_list *l)
{
	struct plan_faults *f = &l->found;

	if (f->count == PLAN_FAULTS_MAX) {
		l->beyond++;
		return NULL;
	}
	if (f->count == l->room) {
		size_t room = l->room ? l->room * 2 : 16;
		struct plan_fault *larger = reallocarray(f->fault, room, sizeof(*larger));

		if (!larger) {
			l->lost = true;
			return NULL;
		}
		f->fault = larger;
		l->room = room;
	}
	f->fault[f->count] = (struct plan_fault){ 0 };
	return &f->fault[f->count++];
}

void fault_wrong(struct fault_list *l, enum fault_level level, unsigned line, const char *format,
		 ...)
{
	struct plan_fault *f = fault_new(l);
	va_list args;

	l->found.errors += level == FAULT_ERROR;
	if (!f)
		return;
	f->level = level;
	f->line = line;
	va_start(args, format);
	vsnprintf(f->wrong, sizeof(f->wrong), format, args);
	va_end(args);
	cut_between_characters(f->wrong);
}

void fault_right(struct fault_list *l, const char *format, ...)
{
	va_list args;

	if (l->lost || l->beyond || l->found.count == 0)
		return;
	struct plan_fault *f = &l->found.fault[l->found.count - 1];

	va_start(args, format);
	vsnprintf(f->right, sizeof(f->right), format, args);
	va_end(args);
	cut_between_characters(f->right);
}

static int by_line(const void *a, const void *b)
{
	const struct plan_fault *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->level != y->level)
		return x->level == FAULT_ERROR ? -1 : 1;
	return strcmp(x->wrong, y->wrong);
}

void fault_list_close(struct fault_list *l, struct plan_faults *ret)
{
	struct plan_faults *f = &l->found;

	if (f->count)
		qsort(f->fault, f->count, sizeof(*f->fault), by_line);
	if (l->beyond) {
		struct plan_fault *last = &f->fault[f->count - 1];

		snprintf(last->wrong, sizeof(last->wrong), "there are %zu more faults than these",
			 l->beyond + 1);
		snprintf(last->right, sizeof(last->right), "mend these and check again");
	}
	*ret = *f;
	*l = (struct fault_list){ 0 };
}

const char *quote(const char *text, char ret[static QUOTE_MAX])
{
	size_t len = strnlen(text, QUOTE_MAX - 1);

	memcpy(ret, text, len);
	ret[len] = '\0';
	if (text[len]) { /* too long: three dots instead of the end */
		ret[len - 3] = '\0';
		cut_between_characters(ret);
		strcat(ret, "...");
	}
	for (char *c = ret; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return ret;
}

#define WORD_MAX 24

/* Letters to add, drop, change or swap with their neighbour (restricted Damerau-Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
	size_t la = strnlen(a, WORD_MAX + 1), lb = strnlen(b, WORD_MAX + 1);
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];

	if (la > WORD_MAX || lb > WORD_MAX)
		return UINT32_MAX;
	for (size_t i = 0; i <= la; i++) {
		for (size_t j = 0; j <= lb; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = (unsigned)(i + j);
				continue;
			}
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[la][lb];
}

const char *nearest_word(const char *text, const char *const *words, size_t count)
{
	const char *found = NULL;
	unsigned best = 3; /* three letters off is another word */

	for (size_t i = 0; i < count; i++) {
		unsigned n = distance(text, words[i]);

		if (n < best && n * 2 < strlen(words[i])) {
			best = n;
			found = words[i];
		}
	}
	return found;
}
