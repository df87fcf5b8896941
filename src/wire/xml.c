/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/xml.h"

#include <stdint.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the UTF-8 character at `s`, its code point in `*c`; 0 if it is none (RFC 3629 4). */
static int utf8(const unsigned char *s, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	int n = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;

	if (n <= 1) {
		*c = *s;
		return n;
	}
	*c = *s & (0x7fU >> n);
	for (int i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	return *c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0 : n;
}

static _Bool sayable(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
}

static const char *entity(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\r':
		return "&#13;"; /* a bare one would be read as a newline (2.11) */
	default:
		return NULL;
	}
}

void xml_escape(const char *text, FILE *out)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		uint32_t c;
		int n = utf8(s, &c);
		const char *e = n == 1 ? entity(c) : NULL;

		if (n == 0 || !sayable(c))
			fputs(REPLACEMENT, out);
		else if (e)
			fputs(e, out);
		else
			fwrite(s, 1, (size_t)n, out);
		s += n ? n : 1;
	}
}
