/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/smtp_reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void smtp_reply_reset(struct smtp_reply *r)
{
	r->code = 0;
	r->lines = 0;
	r->complete = r->bare_lf = r->cut = 0;
	r->fault = SMTP_REPLY_OK;
	r->len = r->line_len = 0;
	r->text[0] = '\0';
}

static void keep(struct smtp_reply *r, const char *text, size_t len)
{
	if (r->len + len + 2 > sizeof(r->text)) {
		r->cut = 1;
		return;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		r->text[r->len++] = c < 0x20 || c == 0x7f ? '?' : text[i];
	}
	r->text[r->len++] = '\n';
	r->text[r->len] = '\0';
}

/* RFC 5321 4.2: Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ]
 * CRLF */
static enum smtp_fault line_done(struct smtp_reply *r)
{
	const char *l = r->line;
	size_t len = r->line_len;

	if (len && l[len - 1] == '\r')
		len--;
	else
		r->bare_lf = 1;
	if (len < 3 || l[0] < '2' || l[0] > '5' || l[1] < '0' || l[1] > '9' || l[2] < '0' ||
	    l[2] > '9' || (len > 3 && l[3] != ' ' && l[3] != '-'))
		return SMTP_REPLY_NOT_SMTP;
	int code = (l[0] - '0') * 100 + (l[1] - '0') * 10 + l[2] - '0';
	if (r->code && code != r->code)
		return SMTP_REPLY_CODES;
	r->code = code;
	keep(r, l + (len > 3 ? 4 : 3), len > 3 ? len - 4 : 0);
	r->complete = len == 3 || l[3] == ' ';
	r->line_len = 0;
	return ++r->lines >= SMTP_REPLY_LINES && !r->complete ? SMTP_REPLY_ENDLESS : SMTP_REPLY_OK;
}

size_t smtp_reply_feed(struct smtp_reply *r, const char *bytes, size_t len)
{
	size_t used = 0;

	while (used < len && !r->complete && r->fault == SMTP_REPLY_OK) {
		const char *start = bytes + used, *eol = memchr(start, '\n', len - used);
		size_t n = eol ? (size_t)(eol - start) : len - used;

		if (n > sizeof(r->line) - r->line_len) {
			r->fault = SMTP_REPLY_LONG_LINE;
			break;
		}
		memcpy(r->line + r->line_len, start, n);
		r->line_len += n;
		used += n;
		if (eol) {
			used++;
			r->fault = line_done(r);
		}
	}
	return used;
}

_Bool smtp_reply_keyword(const struct smtp_reply *r, const char *keyword, char *ret, size_t size)
{
	size_t len = strlen(keyword);
	const char *line = strchr(r->text, '\n');

	for (line = line ? line + 1 : NULL; line && *line; line = strchr(line, '\n') + 1) {
		size_t n = strcspn(line, "\n");

		if (n < len || strncasecmp(line, keyword, len) != 0)
			continue;
		if (n > len && line[len] != ' ' && !(line[len] == '=' && len == 4))
			continue;
		size_t skip = n > len ? len + 1 : len;
		snprintf(ret, size, "%.*s", (int)(n - skip), line + skip);
		return 1;
	}
	return 0;
}

_Bool smtp_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *w = words; *w; w += strcspn(w, " ")) {
		w += strspn(w, " ");
		if (strcspn(w, " ") == len && strncasecmp(w, word, len) == 0)
			return 1;
	}
	return 0;
}

void smtp_reply_enhanced(const struct smtp_reply *r, char ret[12])
{
	const char *last = r->text;
	unsigned class, subject, detail;
	int n = 0;

	for (const char *l = r->text; *l; l = strchr(l, '\n') + 1)
		last = l;
	ret[0] = '\0';
	/* RFC 3463 2: class "." subject "." detail; subject and detail of one to three digits */
	if (sscanf(last, "%1u.%3u.%3u%n", &class, &subject, &detail, &n) != 3 || n == 0)
		return;
	if ((last[n] != ' ' && last[n] != '\n') || (int)class != r->code / 100 ||
	    strspn(last, "0123456789.") != (size_t)n)
		return;
	snprintf(ret, 12, "%u.%u.%u", class, subject, detail);
}

void smtp_reply_excerpt(const struct smtp_reply *r, char *ret, size_t size)
{
	if (!r->code)
		snprintf(ret, size, "%s", r->fault ? "no SMTP reply" : "no reply");
	else
		snprintf(ret, size, "%d %.*s%s", r->code, (int)strcspn(r->text, "\n"), r->text,
			 r->lines > 1 ? " …" : "");
}
