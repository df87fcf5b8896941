/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/plan_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AS_NUMBER_LAST 4294967294u /* RFC 7300: the last one is reserved, and 0 is no AS */

static const char *const languages_known[] = { "pt-BR", "pt-MZ", "en" };

static void fault_no_address(const char *text, unsigned line, struct fault_list *faults)
{
	char value[QUOTE_MAX];

	fault_wrong(faults, FAULT_ERROR, line, "'%s' is neither an IPv4 nor an IPv6 prefix",
		    quote(text, value));
	if (strchr(text, '-'))
		fault_right(faults, "write a range as the prefixes it consists of");
	else if (strchr(text, ','))
		fault_right(faults, "write one prefix an entry");
	else
		fault_right(faults, "write it like 192.0.2.0/24 or 2001:db8::/32");
}

static void fault_length(const char *text, unsigned line, struct fault_list *faults)
{
	char value[QUOTE_MAX];

	fault_wrong(faults, FAULT_ERROR, line, "the length of '%s' is not right",
		    quote(text, value));
	fault_right(faults, "after the slash stands a number from 0 to %d",
		    strchr(text, ':') ? 128 : 32);
}

static void fault_host_bits(const char *text, struct prefix p, unsigned line,
			    struct fault_list *faults)
{
	char value[QUOTE_MAX], network[PREFIX_TEXT_MAX];
	int head = (int)strcspn(text, "/");

	fault_wrong(faults, FAULT_ERROR, line, "host bits are set in '%s'", quote(text, value));
	fault_right(faults, "write %s for the network, or %.*s/%u for the one address",
		    prefix_text(p, network), head, text, family_bits(p.addr.family));
}

static void fault_mapped(struct prefix p, unsigned line, struct fault_list *faults)
{
	char text[PREFIX_TEXT_MAX];
	struct prefix v4 = { .addr = { .bits = p.addr.bits & UINT32_MAX, .family = FAMILY_V4 },
			     .len = (uint8_t)(p.len - 96) };

	fault_wrong(faults, FAULT_ERROR, line,
		    "%s is IPv4 written as IPv6: no packet carries such a source",
		    prefix_text(p, text));
	fault_right(faults, "write %s", prefix_text(v4, text));
}

/* True if *ret can stand in the plan. */
static bool prefix_read(const char *text, unsigned line, struct fault_list *faults,
			struct prefix *ret)
{
	enum prefix_fault fault = prefix_parse(text, ret);

	switch (fault) {
	case PREFIX_NO_ADDRESS:
		fault_no_address(text, line, faults);
		return false;
	case PREFIX_BAD_LENGTH:
		if (strchr(text, ','))
			fault_no_address(text, line, faults); /* several in one entry */
		else
			fault_length(text, line, faults);
		return false;
	case PREFIX_HOST_BITS:
		fault_host_bits(text, *ret, line, faults);
		return true;
	case PREFIX_OK:
		break;
	}
	if (prefix_v4_mapped(*ret)) {
		fault_mapped(*ret, line, faults);
		return false;
	}
	return true;
}

static int prefixes_read(char **texts, unsigned count, const struct node *list,
			 struct fault_list *faults, struct plan_prefix **ret, unsigned *ret_count)
{
	const struct node *n = node_first(list);
	struct plan_prefix *p;
	unsigned kept = 0;

	if (count == 0)
		return 0;
	p = calloc(count, sizeof(*p));
	if (!p)
		return -ENOMEM;
	for (unsigned i = 0; i < count && n; i++, n = node_next(n)) {
		p[kept].line = n->line;
		kept += prefix_read(texts[i], n->line, faults, &p[kept].prefix);
	}
	*ret = p;
	*ret_count = kept;
	return 0;
}

static bool name_is_good(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	if (strlen(name) > PLAN_NAME_MAX || *name == '-')
		return false;
	return name[strspn(name, letters)] == '\0';
}

/* Bad names are kept, so that whoever refers to them is not faulted as well. */
static void name_read(char **raw, const struct node *owner, const char *noun,
		      struct fault_list *faults, char **ret)
{
	const struct node *n = node_get(owner, "name");
	char value[QUOTE_MAX];

	*ret = take(*raw);
	if (!*ret || name_is_good(*ret))
		return;
	fault_wrong(faults, FAULT_ERROR, n ? n->line : owner->line, "'%s' can not name %s",
		    quote(*ret, value), noun);
	fault_right(faults, "use 1 to %d characters of a-z, 0-9 and '-', not '-' first",
		    PLAN_NAME_MAX);
}

static void as_read(const char *text, const struct node *owner, struct fault_list *faults,
		    uint32_t *ret)
{
	const struct node *n = node_get(owner, "as");
	const char *digits = strncasecmp(text, "as", 2) == 0 ? text + 2 : text;
	size_t len = strspn(digits, "0123456789");
	unsigned long long number = len <= 10 ? strtoull(digits, NULL, 10) : 0;
	char value[QUOTE_MAX];

	if (len > 0 && !digits[len] && number >= 1 && number <= AS_NUMBER_LAST) {
		*ret = (uint32_t)number;
		return;
	}
	fault_wrong(faults, FAULT_ERROR, n ? n->line : owner->line, "'%s' is not an AS number",
		    quote(text, value));
	fault_right(faults, "write a number from 1 to %u", AS_NUMBER_LAST);
}

static bool language_is_known(const char *text)
{
	for (size_t i = 0; i < sizeof(languages_known) / sizeof(*languages_known); i++)
		if (strcmp(text, languages_known[i]) == 0)
			return true;
	return false;
}

static void languages_check(const struct plan_operator *op, const struct node *owner,
			    struct fault_list *faults)
{
	const struct node *n = node_first(node_get(owner, "languages"));

	for (unsigned i = 0; i < op->languages_count && n; i++, n = node_next(n)) {
		char value[QUOTE_MAX];

		if (language_is_known(op->languages[i]))
			continue;
		fault_wrong(faults, FAULT_ERROR, n->line, "there are no texts in '%s'",
			    quote(op->languages[i], value));
		fault_right(faults, "write pt-BR, pt-MZ or en");
	}
}

static int operator_build(struct raw_operator *raw, const struct node *n, struct fault_list *faults,
			  struct plan_operator *ret)
{
	ret->name = take(raw->name);
	ret->contact = take(raw->contact);
	ret->languages = take(raw->languages);
	ret->languages_count = raw->languages_count;
	raw->languages_count = 0;
	languages_check(ret, n, faults);
	if (raw->as)
		as_read(raw->as, n, faults, &ret->as_number);
	return prefixes_read(raw->space, raw->space_count, node_get(n, "space"), faults,
			     &ret->space, &ret->space_count);
}

struct defaults {
	enum mode mode;
	bool strict;
	int inbound; /* a mode, or RAW_INBOUND_AS_MODE */
};

static struct defaults defaults_build(const struct raw_defaults *raw)
{
	struct defaults d = { .mode = MODE_REJECT, .inbound = MODE_OFF };

	if (!raw)
		return d;
	if (raw->mode)
		d.mode = *raw->mode;
	if (raw->strict)
		d.strict = *raw->strict;
	if (raw->inbound)
		d.inbound = *raw->inbound;
	return d;
}

static enum segment_addressing addressing_of(const struct raw_segment *raw, enum segment_kind kind)
{
	if (raw->addressing)
		return *raw->addressing;
	return kind == KIND_RESIDENTIAL ? ADDRESSING_DYNAMIC : ADDRESSING_FIXED;
}

/* Closed without being told so: homes on changing addresses, and nobody else. */
static enum treatment treatment_of(const struct raw_segment *raw, const struct segment *s)
{
	if (raw->treatment)
		return *raw->treatment;
	if (!raw->kind)
		return TREATMENT_OPEN; /* missing or misspelt: a fault already, not to add others to
					*/
	return s->kind == KIND_RESIDENTIAL && s->addressing != ADDRESSING_FIXED ? TREATMENT_CLOSED
										: TREATMENT_OPEN;
}

/* `inbound` stands apart from the treatment, but is for homes only: elsewhere live mail servers. */
static enum mode inbound_of(const struct raw_segment *raw, const struct defaults *d,
			    const struct segment *s, enum mode mode)
{
	int inbound = MODE_OFF;

	if (raw->inbound)
		inbound = *raw->inbound;
	else if (s->treatment == TREATMENT_CLOSED && s->kind == KIND_RESIDENTIAL)
		inbound = d->inbound;
	return inbound == RAW_INBOUND_AS_MODE ? mode : (enum mode)inbound;
}

static void modes_set(const struct raw_segment *raw, const struct defaults *d, const struct node *n,
		      struct fault_list *faults, struct segment *s)
{
	enum mode mode = raw->mode ? *raw->mode : d->mode;

	s->mode = s->treatment == TREATMENT_CLOSED ? mode : MODE_OFF;
	s->inbound = inbound_of(raw, d, s, mode);
	if (s->treatment == TREATMENT_CLOSED || s->inbound != MODE_OFF)
		s->strict = raw->strict ? *raw->strict : d->strict;
	if (s->inbound != MODE_OFF && s->kind != KIND_RESIDENTIAL) {
		fault_wrong(faults, FAULT_ERROR, node_get(n, "inbound")->line,
			    "'inbound' is for residential segments, and this one is %s",
			    segment_kind_name(s->kind));
		fault_right(faults, "remove it: mail servers live here and must receive mail");
	}
}

static int segment_build(struct raw_segment *raw, const struct node *n, const struct defaults *d,
			 struct fault_list *faults, struct segment *s)
{
	s->line = n->line;
	name_read(&raw->name, n, "a segment", faults, &s->name);
	s->kind = raw->kind ? *raw->kind : KIND_RESIDENTIAL;
	s->addressing = addressing_of(raw, s->kind);
	s->place = take(raw->place);
	s->restriction = take(raw->restriction);
	s->treatment = treatment_of(raw, s);
	modes_set(raw, d, n, faults, s);
	return prefixes_read(raw->prefixes, raw->prefixes_count, node_get(n, "prefixes"), faults,
			     &s->prefixes, &s->prefixes_count);
}

static int segments_build(struct raw_plan *raw, const struct node *root, struct fault_list *faults,
			  struct plan *p)
{
	const struct defaults d = defaults_build(raw->defaults);
	const struct node *n = node_first(node_get(root, "segments"));
	int r = 0;

	if (raw->segments_count == 0)
		return 0;
	p->segments = calloc(raw->segments_count, sizeof(*p->segments));
	if (!p->segments)
		return -ENOMEM;
	for (unsigned i = 0; r == 0 && i < raw->segments_count && n; i++, n = node_next(n))
		r = segment_build(&raw->segments[i], n, &d, faults,
				  &p->segments[p->segments_count++]);
	return r;
}

static int smarthosts_build(struct raw_plan *raw, const struct node *root,
			    struct fault_list *faults, struct plan *p)
{
	const struct node *n = node_first(node_get(root, "smarthosts"));
	int r = 0;

	if (raw->smarthosts_count == 0)
		return 0;
	p->smarthosts = calloc(raw->smarthosts_count, sizeof(*p->smarthosts));
	if (!p->smarthosts)
		return -ENOMEM;
	for (unsigned i = 0; r == 0 && i < raw->smarthosts_count && n; i++, n = node_next(n)) {
		struct raw_smarthost *from = &raw->smarthosts[i];
		struct smarthost *s = &p->smarthosts[p->smarthosts_count++];

		s->line = n->line;
		name_read(&from->name, n, "a smarthost", faults, &s->name);
		r = prefixes_read(from->prefixes, from->prefixes_count, node_get(n, "prefixes"),
				  faults, &s->prefixes, &s->prefixes_count);
	}
	return r;
}

static int waves_build(struct raw_plan *raw, const struct node *root, struct fault_list *faults,
		       struct plan *p)
{
	const struct node *n = node_first(node_get(root, "waves"));

	if (raw->waves_count == 0)
		return 0;
	p->waves = calloc(raw->waves_count, sizeof(*p->waves));
	if (!p->waves)
		return -ENOMEM;
	for (unsigned i = 0; i < raw->waves_count && n; i++, n = node_next(n)) {
		struct raw_wave *from = &raw->waves[i];
		struct plan_wave *w = &p->waves[p->waves_count++];

		w->line = n->line;
		name_read(&from->name, n, "a wave", faults, &w->name);
		w->segments = take(from->segments);
		w->segments_count = from->segments_count;
		from->segments_count = 0;
	}
	return 0;
}

int plan_build(struct raw_plan *raw, const struct node *root, struct fault_list *faults,
	       struct plan **ret)
{
	own(plan) struct plan *p = calloc(1, sizeof(*p));
	int r = p ? 0 : -ENOMEM;

	if (r == 0 && raw->operator_)
		r = operator_build(raw->operator_, node_get(root, "operator"), faults,
				   &p->operator_);
	if (r == 0)
		r = segments_build(raw, root, faults, p);
	if (r == 0)
		r = smarthosts_build(raw, root, faults, p);
	if (r == 0)
		r = waves_build(raw, root, faults, p);
	if (r < 0)
		return r;
	*ret = take(p);
	return 0;
}
