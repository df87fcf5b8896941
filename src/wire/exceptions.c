/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/exceptions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/when.h"

#define LINE_BYTES_MAX 512

/* The line being read, and where messages say it is. */
struct line {
	const char *name; /* of the file */
	size_t number;    /* from 1 */
	struct why *why;
	char text[LINE_BYTES_MAX];
};

static int wrong(const struct line *l, const char *what, const char *given)
{
	return why_set(l->why, -EINVAL, "%s:%zu: %s: '%.60s'", l->name, l->number, what, given);
}

static char *trim(char *s)
{
	size_t len;

	s += strspn(s, " \t");
	len = strlen(s);
	while (len > 0 && strchr(" \t\r", s[len - 1]))
		len--;
	s[len] = '\0';
	return s;
}

/* The text up to the next comma, without blanks around; NULL if there is no comma. */
static char *field(char **rest)
{
	char *begin = *rest, *comma = strchr(begin, ',');

	if (!comma)
		return NULL;
	*comma = '\0';
	*rest = comma + 1;
	return trim(begin);
}

static int parse_line(struct line *l, char *text, struct exception *ret)
{
	char *rest = text;
	const char *prefix = field(&rest), *until = prefix ? field(&rest) : NULL;
	const char *reason = trim(rest);

	if (!until)
		return wrong(l, "not of the form 'prefix, until, reason'", text);
	enum prefix_fault fault = prefix_parse(prefix, &ret->prefix);
	if (fault != PREFIX_OK)
		return wrong(l, prefix_fault_text(fault), prefix);
	if (prefix_v4_mapped(ret->prefix))
		return wrong(l, "IPv4 written as IPv6, which no packet carries", prefix);
	if (!when_parse(until, &ret->until))
		return wrong(l, "not a day (2027-06-30) or instant (2027-06-30T12:00:00Z)", until);
	if (ret->until.s <= 0)
		return wrong(l, "an exception ends after 1970", until);
	if (!*reason)
		return wrong(l, "there is no reason behind", until);
	if (strlen(reason) >= sizeof(ret->reason))
		return wrong(l, "a reason has at most 199 bytes", reason);
	strcpy(ret->reason, reason);
	ret->id = l->number;
	return 0;
}

static int append(struct exceptions *e, const struct exception *one)
{
	/* Doubled whenever the count is a power of two, from 16 on. */
	if (e->count == 0 || (e->count >= 16 && (e->count & (e->count - 1)) == 0)) {
		size_t room = e->count < 16 ? 16 : 2 * e->count;
		struct exception *more = realloc(e->exception, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		e->exception = more;
	}
	e->exception[e->count++] = *one;
	return 0;
}

/* Copy the line out, as the bytes are not ours to write into. */
static int line_take(struct line *l, const char *bytes, size_t len)
{
	if (len >= sizeof(l->text))
		return why_set(l->why, -EINVAL, "%s:%zu: longer than %d bytes", l->name, l->number,
			       LINE_BYTES_MAX - 1);
	if (memchr(bytes, '\0', len))
		return why_set(l->why, -EINVAL, "%s:%zu: holds a NUL: not a text file", l->name,
			       l->number);
	memcpy(l->text, bytes, len);
	l->text[len] = '\0';
	return 0;
}

static int parse_all(const char *at, const char *end, struct line *l, struct exceptions *e)
{
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		struct exception one = { 0 };
		int r;

		l->number++;
		r = line_take(l, at, (size_t)(stop - at));
		at = newline ? newline + 1 : end;
		if (r < 0)
			return r;
		char *text = trim(l->text);
		if (!*text || *text == '#')
			continue;
		r = parse_line(l, text, &one);
		if (r < 0)
			return r;
		r = append(e, &one);
		if (r < 0)
			return why_set(l->why, r, "out of memory");
	}
	return 0;
}

int exceptions_parse(const char *bytes, size_t len, const char *name, struct exceptions *ret,
		     struct why *why)
{
	struct line l = { .name = name, .why = why };
	struct exceptions e = { 0 };
	int r = parse_all(bytes, bytes + len, &l, &e);

	if (r < 0) {
		exceptions_done(&e);
		return r;
	}
	*ret = e;
	return 0;
}

void exceptions_done(struct exceptions *e)
{
	free(e->exception);
	*e = (struct exceptions){ 0 };
}
