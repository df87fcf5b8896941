/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/jcs.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

#define EXACT_MAX (INT64_C(1) << 53)

/* The fewest significant digits that read back as `d`: at most 17. */
static int shortest(double d, char digits[20], int *ret_point)
{
	for (int precision = 0; precision < 17; precision++) {
		char text[40];
		int n = 0;

		snprintf(text, sizeof(text), "%.*e", precision, d);
		if (strtod(text, NULL) != d && precision < 16)
			continue;
		char *e = strchr(text, 'e');
		for (char *c = text; c < e; c++)
			if (*c != '.')
				digits[n++] = *c;
		*ret_point = atoi(e + 1) + 1;
		return n;
	}
	return 0;
}

/* ECMAScript Number::toString: `point` digits stand before the decimal point. */
int jcs_number(double d, char ret[JCS_NUMBER_MAX])
{
	char digits[20];
	int point, n;

	if (!isfinite(d))
		return -EINVAL;
	if (d == 0) { /* minus zero too */
		strcpy(ret, "0");
		return 0;
	}
	if (d < 0) {
		*ret++ = '-';
		d = -d;
	}
	n = shortest(d, digits, &point);
	if (point > 21 || point < -5) {
		const char *dot = n > 1 ? "." : "";

		snprintf(ret, JCS_NUMBER_MAX - 1, "%c%s%.*se%+d", digits[0], dot, n - 1, digits + 1,
			 point - 1);
	} else if (point <= 0) {
		snprintf(ret, JCS_NUMBER_MAX - 1, "0.%.*s%.*s", -point, "00000", n, digits);
	} else if (point < n) {
		snprintf(ret, JCS_NUMBER_MAX - 1, "%.*s.%.*s", point, digits, n - point,
			 digits + point);
	} else {
		snprintf(ret, JCS_NUMBER_MAX - 1, "%.*s%.*s", n, digits, point - n,
			 "000000000000000000000");
	}
	return 0;
}

/* One code point of valid UTF-8, moving `*s` past it. */
static uint32_t code_point(const unsigned char **s)
{
	const unsigned char *p = *s;
	uint32_t c = *p++;
	int more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	c &= more ? 0x3fU >> more : 0x7f;
	while (more-- && *p)
		c = c << 6 | (*p++ & 0x3f);
	*s = p;
	return c;
}

/* As a sort key: above the surrogates, the private area 0xe000-0xffff sorts last in UTF-16. */
static uint32_t utf16_rank(uint32_t c)
{
	if (c >= 0x10000)
		return (0xd800 + ((c - 0x10000) >> 10)) << 16 | (0xdc00 + ((c - 0x10000) & 0x3ff));
	return c << 16;
}

int jcs_compare(const char *a, const char *b)
{
	const unsigned char *p = (const unsigned char *)a, *q = (const unsigned char *)b;

	while (*p && *q) {
		uint32_t x = utf16_rank(code_point(&p)), y = utf16_rank(code_point(&q));
		if (x != y)
			return x < y ? -1 : 1;
	}
	return *p ? 1 : *q ? -1 : 0;
}

static void put_string(const char *s, size_t len, FILE *out)
{
	static const char named[] = "\bb\tt\nn\ff\rr\"\"\\\\";

	fputc('"', out);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		const char *escape = NULL;

		for (const char *n = named; *n; n += 2)
			if ((unsigned char)*n == c)
				escape = n + 1;
		if (escape)
			fprintf(out, "\\%c", *escape);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static int put(const json_t *j, FILE *out);

static int by_name(const void *a, const void *b)
{
	return jcs_compare(*(const char *const *)a, *(const char *const *)b);
}

static int put_object(const json_t *j, FILE *out)
{
	size_t n = json_object_size(j), i = 0;
	own_mem const char **names = calloc(n + 1, sizeof(*names));
	const char *name;
	json_t *value;

	if (!names)
		return -ENOMEM;
	json_object_foreach((json_t *)j, name, value) names[i++] = name;
	qsort(names, n, sizeof(*names), by_name);
	fputc('{', out);
	for (i = 0; i < n; i++) {
		if (i)
			fputc(',', out);
		put_string(names[i], strlen(names[i]), out);
		fputc(':', out);
		int r = put(json_object_get(j, names[i]), out);
		if (r < 0)
			return r;
	}
	fputc('}', out);
	return 0;
}

static int put_array(const json_t *j, FILE *out)
{
	fputc('[', out);
	for (size_t i = 0; i < json_array_size(j); i++) {
		if (i)
			fputc(',', out);
		int r = put(json_array_get(j, i), out);
		if (r < 0)
			return r;
	}
	fputc(']', out);
	return 0;
}

static int put_number(const json_t *j, FILE *out)
{
	char text[JCS_NUMBER_MAX];

	if (json_is_integer(j)) {
		json_int_t n = json_integer_value(j);
		if (n > EXACT_MAX || n < -EXACT_MAX)
			return -ERANGE;
	}
	int r = jcs_number(json_number_value(j), text);
	if (r == 0)
		fputs(text, out);
	return r;
}

static int put(const json_t *j, FILE *out)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return put_object(j, out);
	case JSON_ARRAY:
		return put_array(j, out);
	case JSON_STRING:
		put_string(json_string_value(j), json_string_length(j), out);
		return 0;
	case JSON_INTEGER:
	case JSON_REAL:
		return put_number(j, out);
	case JSON_TRUE:
		fputs("true", out);
		return 0;
	case JSON_FALSE:
		fputs("false", out);
		return 0;
	case JSON_NULL:
		fputs("null", out);
		return 0;
	}
	return -EINVAL;
}

int jcs_text(const json_t *j, char **ret, size_t *ret_len)
{
	own_mem char *text = NULL;
	size_t len = 0;

	if (!j)
		return -EINVAL;
	FILE *out = open_memstream(&text, &len);
	if (!out)
		return -ENOMEM;
	int r = put(j, out);
	if (fclose(out) != 0)
		return -ENOMEM;
	if (r < 0)
		return r;
	*ret = take(text);
	*ret_len = len;
	return 0;
}
