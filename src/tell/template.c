/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/template.h"

#include <errno.h>
#include <string.h>

#include "wire/xml.h"

#define NAME_MAX_ 32
#define DEPTH_MAX 8

struct section {
	char name[NAME_MAX_];
	_Bool shown; /* with all that it stands in */
};

struct fill {
	template_lookup *lookup;
	void *of;
	FILE *out;
	struct section open[DEPTH_MAX];
	int depth;
};

static _Bool shown(const struct fill *f)
{
	return f->depth == 0 || f->open[f->depth - 1].shown;
}

static int section_open(struct fill *f, char kind, const char *name)
{
	const char *value = f->lookup(f->of, name);

	if (!value || f->depth == DEPTH_MAX)
		return -EINVAL;
	_Bool there = *value != '\0', outer = shown(f);
	struct section *s = &f->open[f->depth++];
	strcpy(s->name, name);
	s->shown = outer && there == (kind == '#');
	return 0;
}

static int section_close(struct fill *f, const char *name)
{
	if (f->depth == 0 || strcmp(f->open[f->depth - 1].name, name) != 0)
		return -EINVAL;
	f->depth--;
	return 0;
}

/* What stands between the braces. */
static int hole(struct fill *f, const char *text, size_t len)
{
	char kind = *text, name[NAME_MAX_];

	if (kind == '#' || kind == '^' || kind == '/')
		text++, len--;
	if (len == 0 || len >= sizeof(name))
		return -EINVAL;
	memcpy(name, text, len);
	name[len] = '\0';
	if (kind == '#' || kind == '^')
		return section_open(f, kind, name);
	if (kind == '/')
		return section_close(f, name);
	const char *value = f->lookup(f->of, name);
	if (!value)
		return -EINVAL;
	if (shown(f))
		xml_escape(value, f->out);
	return 0;
}

int template_fill(const char *text, template_lookup *lookup, void *of, FILE *out)
{
	struct fill f = { .lookup = lookup, .of = of, .out = out };

	for (;;) {
		const char *open = strstr(text, "{{");
		size_t len = open ? (size_t)(open - text) : strlen(text);

		if (shown(&f))
			fwrite(text, 1, len, out);
		if (!open)
			break;
		const char *close = strstr(open, "}}");
		if (!close)
			return -EINVAL;
		int r = hole(&f, open + 2, (size_t)(close - open - 2));
		if (r < 0)
			return r;
		text = close + 2;
	}
	return f.depth == 0 ? 0 : -EINVAL;
}
