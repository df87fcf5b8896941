/* SPDX-License-Identifier: BSD-2-Clause */
/* A ruleset for people and for programs. Nothing in it needs escaping: ruleset_check(). */
#include <errno.h>
#include <inttypes.h>

#include "model/ruleset.h"

static const char *const families[FAMILY_COUNT_] = { "v4", "v6" };

static int written(FILE *out)
{
	return ferror(out) ? -EIO : 0;
}

static void range_text(struct addr first, addr_bits last, const char *between, FILE *out)
{
	char text[ADDR_TEXT_MAX];

	fprintf(out, "%s%s", addr_text(first, text), between);
	first.bits = last;
	fputs(addr_text(first, text), out);
}

static void class_text(const struct ruleset *rs, size_t i, FILE *out)
{
	const struct class *c = &rs->classes[i];
	char name[CLASS_NAME_MAX];

	fprintf(out, "class %zu %s", i, class_name(c, name));
	if (c->cause == CAUSE_RESTRICTION)
		fprintf(out, " until %" PRId64 " then %u", c->until.s, c->under);
	fputc('\n', out);
}

int ruleset_text(const struct ruleset *rs, FILE *out)
{
	char hash[RULESET_HASH_TEXT_MAX];

	fprintf(out, "ruleset %s\n", ruleset_hash_text(rs, hash));
	fputs("# class INDEX SEGMENT/CAUSE/MODE/INBOUND/STRICT\n", out);
	for (size_t i = 0; i < rs->classes_count; i++)
		class_text(rs, i, out);
	fputs("# FIRST-LAST CLASS, for every address; class 0 refuses nothing\n", out);
	for (enum family f = 0; f < FAMILY_COUNT_; f++)
		for (size_t i = 0; i < ruleset_ranges(rs, f); i++) {
			struct ruleset_range r = ruleset_range_at(rs, f, i);

			range_text(r.first, r.last, "-", out);
			fprintf(out, " %u\n", r.class);
		}
	for (size_t i = 0; i < rs->smarthosts_count; i++) {
		fputs("smarthost ", out);
		range_text(rs->smarthosts[i].first, rs->smarthosts[i].last, "-", out);
		fputc('\n', out);
	}
	return written(out);
}

static void class_json(const struct class *c, FILE *out)
{
	fprintf(out,
		"{\"segment\":\"%s\",\"cause\":\"%s\",\"mode\":\"%s\",\"inbound\":\"%s\","
		"\"strict\":%s",
		c->segment, cause_name(c->cause), mode_name(c->mode), mode_name(c->inbound),
		c->strict ? "true" : "false");
	if (c->cause == CAUSE_RESTRICTION)
		fprintf(out, ",\"until\":%" PRId64 ",\"under\":%u", c->until.s, c->under);
	fputc('}', out);
}

int ruleset_json(const struct ruleset *rs, FILE *out)
{
	char hash[RULESET_HASH_TEXT_MAX];

	fprintf(out, "{\"hash\":\"%s\",\"classes\":[", ruleset_hash_text(rs, hash));
	for (size_t i = 0; i < rs->classes_count; i++) {
		fputs(i ? "," : "", out);
		class_json(&rs->classes[i], out);
	}
	fputc(']', out);
	for (enum family f = 0; f < FAMILY_COUNT_; f++) {
		fprintf(out, ",\"%s\":[", families[f]);
		for (size_t i = 0; i < ruleset_ranges(rs, f); i++) {
			struct ruleset_range r = ruleset_range_at(rs, f, i);

			fputs(i ? ",[\"" : "[\"", out);
			range_text(r.first, r.last, "\",\"", out);
			fprintf(out, "\",%u]", r.class);
		}
		fputc(']', out);
	}
	fputs(",\"smarthosts\":[", out);
	for (size_t i = 0; i < rs->smarthosts_count; i++) {
		fputs(i ? ",[\"" : "[\"", out);
		range_text(rs->smarthosts[i].first, rs->smarthosts[i].last, "\",\"", out);
		fputs("\"]", out);
	}
	fputs("]}\n", out);
	return written(out);
}
