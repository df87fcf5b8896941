/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/mail_json.h"

#define DEPTH_MAX 32

struct json {
	const char *p, *end;
	char *out, *out_end;
};

static void space(struct json *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' || *j->p == '\r'))
		j->p++;
}

static bool eat(struct json *j, char c)
{
	space(j);
	if (j->p >= j->end || *j->p != c)
		return false;
	j->p++;
	return true;
}

static bool put(struct json *j, unsigned c)
{
	if (j->out >= j->out_end)
		return false;
	*j->out++ = (char)c;
	return true;
}

static int hex4(struct json *j)
{
	int v = 0;

	if (j->end - j->p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = *j->p++;
		int d = c >= '0' && c <= '9'   ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10
					       : -1;
		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

static bool put_utf8(struct json *j, unsigned c)
{
	if (c < 0x80)
		return put(j, c);
	if (c < 0x800)
		return put(j, 0xc0 | c >> 6) && put(j, 0x80 | (c & 0x3f));
	return put(j, 0xe0 | c >> 12) && put(j, 0x80 | (c >> 6 & 0x3f)) &&
	       put(j, 0x80 | (c & 0x3f));
}

static bool escape(struct json *j)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";

	if (j->p >= j->end)
		return false;
	char c = *j->p++;
	if (c == 'u') {
		int v = hex4(j);
		return v >= 0 && put_utf8(j, (unsigned)v);
	}
	const char *n = c ? strchr(names, c) : NULL;
	return n && put(j, (unsigned char)values[n - names]);
}

/* RFC 8259 7, behind the opening quote. */
static bool string(struct json *j, struct slice *ret)
{
	char *start = j->out;

	while (j->p < j->end && *j->p != '"') {
		char c = *j->p++;
		if (c == '\\' ? !escape(j) : !put(j, (unsigned char)c))
			return false;
	}
	if (j->p++ >= j->end)
		return false;
	*ret = (struct slice){ start, (size_t)(j->out - start) };
	return true;
}

/* [104, 101]: bytes that are not UTF-8, as journald writes them. */
static bool bytes(struct json *j, struct slice *ret)
{
	char *start = j->out;

	do {
		unsigned v = 0, digits = 0;
		space(j);
		for (; j->p < j->end && *j->p >= '0' && *j->p <= '9' && digits < 4; digits++)
			v = v * 10 + (unsigned)(*j->p++ - '0');
		if (!digits || v > 255 || !put(j, v))
			return false;
	} while (eat(j, ','));
	if (!eat(j, ']'))
		return false;
	*ret = (struct slice){ start, (size_t)(j->out - start) };
	return true;
}

/* Step over an object or array whose opening bracket was eaten. */
static bool skip(struct json *j)
{
	unsigned depth = 1;
	bool quoted = false;

	for (; j->p < j->end && depth; j->p++) {
		if (quoted) {
			if (*j->p == '\\')
				j->p++;
			else if (*j->p == '"')
				quoted = false;
		} else if (*j->p == '"') {
			quoted = true;
		} else if (*j->p == '{' || *j->p == '[') {
			if (++depth > DEPTH_MAX)
				return false;
		} else if (*j->p == '}' || *j->p == ']') {
			depth--;
		}
	}
	return depth == 0 && j->p <= j->end;
}

static bool value(struct json *j, struct slice *ret)
{
	*ret = (struct slice){ NULL, 0 };
	space(j);
	if (j->p >= j->end)
		return false;
	if (eat(j, '"'))
		return string(j, ret);
	if (eat(j, '{'))
		return skip(j);
	if (eat(j, '[')) {
		struct json before = *j;
		if (bytes(j, ret))
			return true;
		*j = before;
		*ret = (struct slice){ NULL, 0 };
		return skip(j);
	}
	const char *start = j->p;
	while (j->p < j->end && *j->p != ',' && *j->p != '}' && *j->p != ' ')
		j->p++;
	*ret = (struct slice){ start, (size_t)(j->p - start) };
	if (slice_is(*ret, SLICE("null")))
		*ret = (struct slice){ NULL, 0 };
	return j->p > start;
}

bool mail_json_read(struct slice line, struct mail_json_member *members, size_t count, char *buffer,
		    size_t room)
{
	struct json j = { line.at, line.at + line.len, buffer, buffer + room };

	for (size_t i = 0; i < count; i++)
		members[i].value = (struct slice){ NULL, 0 };
	if (!eat(&j, '{'))
		return false;
	if (eat(&j, '}'))
		return true;
	do {
		struct slice name, v;
		if (!eat(&j, '"') || !string(&j, &name) || !eat(&j, ':') || !value(&j, &v))
			return false;
		for (size_t i = 0; i < count; i++)
			if (slice_is(name, members[i].name))
				members[i].value = v;
	} while (eat(&j, ','));
	return eat(&j, '}');
}
