/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/plan.h"

#include <errno.h>
#include <string.h>

#include "base/cmocka.h"

/* Two lines of operator, so that "segments:" stands on line 3 and a segment on line 4. */
#define OPERATOR    "operator:\n  name: Rede Exemplo\n"
#define SEGMENT     "segments:\n  - name: homes\n    kind: residential\n"
#define PREFIXES    "    prefixes: [192.0.2.0/24, 2001:db8::/32]\n"
#define PLAN        OPERATOR SEGMENT PREFIXES
#define WITH(lines) OPERATOR SEGMENT lines PREFIXES /* more keys of the segment, from line 6 on */
#define HOLDING(x)                                                                     \
	OPERATOR SEGMENT "    prefixes:\n    - 2001:db8::/32\n    - " x "\n" /* line 8 \
									      */

struct row {
	const char *text;
	unsigned line;
	enum fault_level level;
	const char *wrong, *right;
};

#define ERROR   FAULT_ERROR
#define WARNING FAULT_WARNING

/* clang-format off */
static const struct row rows[] = {
	/* the YAML itself */
	{ "", 1, ERROR, "the plan is empty",
	  "write 'operator:' and 'segments:'; see porteiro-plan(5)" },
	{ "# nothing\n", 1, ERROR, "the plan is empty",
	  "write 'operator:' and 'segments:'; see porteiro-plan(5)" },
	{ OPERATOR "segments:\n\t- name: homes\n", 4, ERROR,
	  "this is not YAML: while scanning for the next token, found character that cannot start any token",
	  "indent with spaces only; quote what begins with a sign such as ':' or '*', or holds ': ' or ' #'" },
	{ "operator: \xff\n", 1, ERROR, "this is not YAML: invalid leading UTF-8 octet",
	  "indent with spaces only; quote what begins with a sign such as ':' or '*', or holds ': ' or ' #'" },
	{ PLAN "---\n" PLAN, 7, ERROR, "a second YAML document starts here",
	  "a plan is one document: remove the line '---'" },
	{ WITH("    place: &here Beira\n"), 6, ERROR, "YAML anchors are not allowed in a plan",
	  "remove the '&name' and write the value where it is needed" },
	{ WITH("    place: *here\n"), 6, ERROR, "YAML aliases are not allowed in a plan",
	  "replace the '*name' by the value it stands for" },
	{ WITH("    place: !!str Beira\n"), 6, ERROR, "YAML tags are not allowed in a plan",
	  "remove the word that starts with '!'" },
	{ WITH("    ? [a, b]\n    : c\n"), 6, ERROR, "a key must be a word, not a list or a mapping",
	  "write 'key: value'" },
	{ "a: [[[[[[[[1]]]]]]]]\n", 1, ERROR, "the plan is nested deeper than any key of it",
	  "see porteiro-plan(5) for the keys" },
	{ WITH("    place: \"Be\\nira\"\n"), 6, ERROR,
	  "a control character or line break stands in a value",
	  "write the value on one line, as printable text" },
	{ WITH("    place: \"Be\\x9bira\"\n"), 6, ERROR,
	  "a control character or line break stands in a value",
	  "write the value on one line, as printable text" },

	/* form: keys */
	{ PLAN "segmnts: []\n", 7, ERROR, "unknown key 'segmnts' in the plan", "did you mean 'segments'?" },
	{ WITH("    tretment: open\n"), 6, ERROR, "unknown key 'tretment' in a segment",
	  "did you mean 'treatment'?" },
	{ WITH("    colour: red\n"), 6, ERROR, "unknown key 'colour' in a segment",
	  "the keys here are name, kind, addressing, place, prefixes, treatment, mode, strict, inbound, restriction" },
	{ PLAN "defaults:\n  treatment: open\n", 8, ERROR, "unknown key 'treatment' in 'defaults'",
	  "the keys here are mode, strict, inbound" },
	{ PLAN "smarthosts:\n  - name: relay\n    prefix: [192.0.2.25]\n    prefixes: [192.0.2.25]\n", 9, ERROR,
	  "unknown key 'prefix' in a smarthost", "did you mean 'prefixes'?" },
	{ PLAN "waves:\n  - name: one\n    date: 1\n    segments: [homes]\n", 9, ERROR,
	  "unknown key 'date' in a wave", "the keys here are name, segments" },
	{ WITH("    kind: residential\n"), 6, ERROR, "'kind' stands twice in a segment",
	  "keep one of the two" },
	{ SEGMENT PREFIXES, 1, ERROR, "the plan has no 'operator'", "add 'operator:'; see porteiro-plan(5)" },
	{ OPERATOR, 1, ERROR, "the plan has no 'segments'", "add 'segments:'; see porteiro-plan(5)" },
	{ "operator:\n  contact: noc@example.net\n" SEGMENT PREFIXES, 2, ERROR, "'operator' has no 'name'",
	  "add 'name:'; see porteiro-plan(5)" },
	{ OPERATOR SEGMENT, 4, ERROR, "a segment has no 'prefixes'", "add 'prefixes:'; see porteiro-plan(5)" },
	{ OPERATOR "segments:\n  - name: a\n" PREFIXES, 4, ERROR, "a segment has no 'kind'",
	  "add 'kind:'; see porteiro-plan(5)" },
	{ OPERATOR "segments:\n  - kind: residential\n" PREFIXES, 4, ERROR, "a segment has no 'name'",
	  "add 'name:'; see porteiro-plan(5)" },

	/* form: types and words */
	{ "- " OPERATOR, 1, ERROR, "the plan is a list, not a mapping of keys",
	  "write 'operator:' and 'segments:'; see porteiro-plan(5)" },
	{ "operator: me\n" SEGMENT PREFIXES, 1, ERROR, "'operator' is a single value, not a mapping of keys",
	  "write 'key: value' lines, indented" },
	{ OPERATOR SEGMENT "    prefixes: 192.0.2.0/24\n", 6, ERROR, "'prefixes' is a single value, not a list",
	  "write a list, one '- ' line an entry" },
	{ OPERATOR SEGMENT "    prefixes:\n", 6, ERROR, "'prefixes' has no value",
	  "write a list, one '- ' line an entry" },
	{ OPERATOR SEGMENT "    prefixes: []\n", 6, ERROR, "'prefixes' is empty", "write at least one entry" },
	{ HOLDING("2001:db8:1::"), 8, ERROR, "an entry of this list is a mapping of keys, not a single value",
	  "write one value; quote it if it ends in ':'" },
	{ HOLDING(""), 8, ERROR, "an entry of this list has no value", "write a value" },
	{ WITH("    place: [Beira]\n"), 6, ERROR, "'place' is a list, not a single value", "write one value" },
	{ WITH("    place:\n"), 6, ERROR, "'place' has no value", "write a value" },
	{ WITH("    mode: rejekt\n"), 6, ERROR, "'mode' can not be 'rejekt'",
	  "did you mean 'reject'? It is one of: off, monitor, reject or drop" },
	{ WITH("    mode: 2\n"), 6, ERROR, "'mode' can not be '2'", "write off, monitor, reject or drop" },
	{ WITH("    treatment: shut\n"), 6, ERROR, "'treatment' can not be 'shut'", "write open or closed" },
	{ WITH("    addressing: static\n"), 6, ERROR, "'addressing' can not be 'static'",
	  "write dynamic, fixed or cgnat" },
	{ WITH("    strict: maybe\n"), 6, ERROR, "'strict' can not be 'maybe'", "write no or yes" },
	{ WITH("    inbound: block\n"), 6, ERROR, "'inbound' can not be 'block'",
	  "write off, monitor, reject, drop or on" },
	{ PLAN "defaults:\n  mode: no thanks\n", 8, ERROR, "'mode' can not be 'no thanks'",
	  "write off, monitor, reject or drop" },
	{ OPERATOR "segments:\n  - name: a\n    kind: residental\n    treatment: open\n" PREFIXES, 5, ERROR,
	  "'kind' can not be 'residental'",
	  "did you mean 'residential'? It is one of: residential, business or infrastructure" },

	/* single values */
	{ "operator:\n  name: x\n  as: AS0\n" SEGMENT PREFIXES, 3, ERROR, "'AS0' is not an AS number",
	  "write a number from 1 to 4294967294" },
	{ "operator:\n  name: x\n  as: 99999999999\n" SEGMENT PREFIXES, 3, ERROR,
	  "'99999999999' is not an AS number", "write a number from 1 to 4294967294" },
	{ "operator:\n  name: x\n  languages:\n    - en\n    - fr\n" SEGMENT PREFIXES, 5, ERROR,
	  "there are no texts in 'fr'", "write pt-BR, pt-MZ or en" },
	{ OPERATOR "segments:\n  - name: Homes\n    kind: residential\n" PREFIXES, 4, ERROR,
	  "'Homes' can not name a segment", "use 1 to 31 characters of a-z, 0-9 and '-', not '-' first" },
	{ OPERATOR "segments:\n  - kind: residential\n    name: -a\n" PREFIXES, 5, ERROR,
	  "'-a' can not name a segment", "use 1 to 31 characters of a-z, 0-9 and '-', not '-' first" },
	{ OPERATOR "segments:\n  - name: a123456789b123456789c123456789de\n    kind: residential\n" PREFIXES, 4,
	  ERROR, "'a123456789b123456789c123456789de' can not name a segment",
	  "use 1 to 31 characters of a-z, 0-9 and '-', not '-' first" },
	{ PLAN "smarthosts:\n  - name: a b\n    prefixes: [192.0.2.25]\n", 8, ERROR,
	  "'a b' can not name a smarthost", "use 1 to 31 characters of a-z, 0-9 and '-', not '-' first" },

	/* prefixes */
	{ HOLDING("192.0.2.7/24"), 8, ERROR, "host bits are set in '192.0.2.7/24'",
	  "write 192.0.2.0/24 for the network, or 192.0.2.7/32 for the one address" },
	{ HOLDING("2001:db8:1::7/64"), 8, ERROR, "host bits are set in '2001:db8:1::7/64'",
	  "write 2001:db8:1::/64 for the network, or 2001:db8:1::7/128 for the one address" },
	{ HOLDING("192.0.2.0/33"), 8, ERROR, "the length of '192.0.2.0/33' is not right",
	  "after the slash stands a number from 0 to 32" },
	{ HOLDING("2001:db8::/129"), 8, ERROR, "the length of '2001:db8::/129' is not right",
	  "after the slash stands a number from 0 to 128" },
	{ HOLDING("192.0.2/24"), 8, ERROR, "'192.0.2/24' is neither an IPv4 nor an IPv6 prefix",
	  "write it like 192.0.2.0/24 or 2001:db8::/32" },
	{ HOLDING("homes.example.net"), 8, ERROR, "'homes.example.net' is neither an IPv4 nor an IPv6 prefix",
	  "write it like 192.0.2.0/24 or 2001:db8::/32" },
	{ HOLDING("192.0.2.0-192.0.2.255"), 8, ERROR,
	  "'192.0.2.0-192.0.2.255' is neither an IPv4 nor an IPv6 prefix",
	  "write a range as the prefixes it consists of" },
	{ HOLDING("192.0.2.0/25, 192.0.2.128/25"), 8, ERROR,
	  "'192.0.2.0/25, 192.0.2.128/25' is neither an IPv4 nor an IPv6 prefix",
	  "write one prefix an entry" },
	{ HOLDING("\"::ffff:192.0.2.0/120\""), 8, ERROR,
	  "::ffff:192.0.2.0/120 is IPv4 written as IPv6: no packet carries such a source",
	  "write 192.0.2.0/24" },
	{ PLAN "smarthosts:\n  - name: relay\n    prefixes:\n      - 198.51.100.1/24\n", 10, ERROR,
	  "host bits are set in '198.51.100.1/24'",
	  "write 198.51.100.0/24 for the network, or 198.51.100.1/32 for the one address" },
	{ "operator:\n  name: x\n  space:\n    - 192.0.2.0/240\n" SEGMENT PREFIXES, 4, ERROR,
	  "the length of '192.0.2.0/240' is not right", "after the slash stands a number from 0 to 32" },

	/* the plan as a whole */
	{ HOLDING("2001:db8::/32"), 8, ERROR, "2001:db8::/32 stands twice: on line 7 and here",
	  "remove one of the two" },
	{ HOLDING("2001:DB8:0::/32"), 8, ERROR, "2001:db8::/32 stands twice: on line 7 and here",
	  "remove one of the two" },
	{ PLAN "  - name: more\n    kind: residential\n    prefixes: [192.0.2.0/24, 2001:db8:f::/48]\n", 9, ERROR,
	  "192.0.2.0/24 stands twice: in segment 'homes' on line 6 and here in 'more'",
	  "keep it in one segment; a longer prefix may differ from a shorter one" },
	{ PLAN "  - name: shops\n    kind: business\n    prefixes: [192.0.2.0/24]\n", 9, ERROR,
	  "192.0.2.0/24 has two treatments: 'homes' on line 6 says closed, mode reject; here 'shops' says open",
	  "keep it in one segment; a longer prefix may differ from a shorter one" },
	{ PLAN "  - name: more\n    kind: residential\n    strict: yes\n    prefixes: [192.0.2.0/24, 2001:db8:f::/48]\n",
	  10, ERROR, "192.0.2.0/24 has two treatments: 'homes' on line 6 says closed, mode reject; "
	  "here 'more' says closed, mode reject, strict",
	  "keep it in one segment; a longer prefix may differ from a shorter one" },
	{ PLAN "smarthosts:\n  - name: a\n    prefixes: [192.0.2.25]\n  - name: b\n    prefixes: [192.0.2.25/32]\n",
	  11, ERROR, "192.0.2.25/32 stands twice: on line 9 and here", "remove one of the two" },
	{ PLAN "  - name: homes\n    kind: business\n    prefixes: [198.51.100.0/24]\n", 7, ERROR,
	  "two segments are called 'homes': on line 4 and here", "give each a name of its own" },
	{ PLAN "smarthosts:\n  - name: a\n    prefixes: [192.0.2.1]\n  - name: a\n    prefixes: [192.0.2.2]\n", 10,
	  ERROR, "two smarthosts are called 'a': on line 8 and here", "give each a name of its own" },
	{ PLAN "waves:\n  - name: one\n    segments: [home]\n", 8, ERROR,
	  "the wave 'one' names a segment 'home', which there is not", "did you mean 'homes'?" },
	{ PLAN "waves:\n  - name: one\n    segments: [elsewhere]\n", 8, ERROR,
	  "the wave 'one' names a segment 'elsewhere', which there is not",
	  "write the name of a segment of this plan" },
	{ PLAN "waves:\n  - name: a\n    segments: [homes]\n  - name: b\n    segments: [homes]\n", 10, ERROR,
	  "the segment 'homes' is in two waves: of line 8 and of line 10",
	  "a segment closes once: keep it in one wave" },
	{ OPERATOR "segments:\n  - name: a\n    kind: infrastructure\n    inbound: drop\n" PREFIXES, 6, ERROR,
	  "'inbound' is for residential segments, and this one is infrastructure",
	  "remove it: mail servers live here and must receive mail" },

	/* warnings */
	{ OPERATOR SEGMENT "    prefixes: [192.0.2.0/24]\n", 4, WARNING,
	  "the closed segment 'homes' has no IPv6 prefixes",
	  "add them, unless its lines have no IPv6: port 25 stays open there" },
	{ OPERATOR "segments:\n  - name: shops\n    kind: business\n    treatment: closed\n" PREFIXES, 4, WARNING,
	  "the business segment 'shops' is closed without 'restriction'",
	  "leave fixed and business lines open, or write the reason as 'restriction:'" },
	{ WITH("    addressing: fixed\n    treatment: closed\n"), 4, WARNING,
	  "the fixed-address segment 'homes' is closed without 'restriction'",
	  "leave fixed and business lines open, or write the reason as 'restriction:'" },
	{ "operator:\n  name: x\n  space: [192.0.2.0/23]\n" SEGMENT
	  "    prefixes: [192.0.2.0/24, 2001:db8::/32]\n", 3, WARNING,
	  "no segment covers 192.0.3.0 to 192.0.3.255 of the announced 192.0.2.0/23",
	  "add it to a segment, if need be an open one of kind infrastructure" },
	{ "operator:\n  name: x\n  space:\n  - 2001:db8::/31\n" SEGMENT
	  "    prefixes: [2001:db8:8000::/33]\n", 4, WARNING,
	  "no segment covers 2001:db8:: to 2001:db8:7fff:ffff:ffff:ffff:ffff:ffff of the announced 2001:db8::/31, "
	  "and 1 more parts of it",
	  "add it to a segment, if need be an open one of kind infrastructure" },
};
/* clang-format on */

static void every_fault_has_its_line_and_words(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *w = &rows[i];
		own(plan) struct plan *p = NULL;
		struct plan_faults f;
		struct why why = { 0 };
		int r = plan_parse(w->text, strlen(w->text), "plan.yaml", &p, &f, &why);

		if (f.count != 1)
			print_message("row %zu, %s: %zu faults\n", i, w->wrong, f.count);
		assert_int_equal(f.count, 1);
		assert_string_equal(f.fault[0].wrong, w->wrong);
		assert_string_equal(f.fault[0].right, w->right);
		assert_int_equal(f.fault[0].line, w->line);
		assert_int_equal(f.fault[0].level, w->level);
		assert_int_equal(f.errors, w->level == FAULT_ERROR);
		assert_int_equal(r, w->level == FAULT_ERROR ? -EINVAL : 0);
		assert_true((p != NULL) == (w->level == FAULT_WARNING));
		plan_faults_done(&f);
	}
}

static void all_faults_are_found_at_once(void **state)
{
	static const char text[] = "operator:\n  nam: x\nsegments:\n"
				   "  - name: A\n    kind: residential\n    mode: of\n"
				   "    prefixes: [192.0.2.1/24, 2001:db8::/32]\n"
				   "  - name: b\n    kind: business\n    colour: red\n"
				   "    prefixes: [192.0.2.0/24, x]\n"
				   "waves:\n  - name: one\n    segments: [c]\n";
	static const unsigned lines[] = { 2, 2, 4, 6, 7, 10, 11, 11, 13 };
	own(plan) struct plan *p = NULL;
	struct plan_faults f;
	struct why why;
	(void)state;

	assert_int_equal(plan_parse(text, strlen(text), "p.yaml", &p, &f, &why), -EINVAL);
	assert_int_equal(f.count, sizeof(lines) / sizeof(*lines));
	for (size_t i = 0; i < f.count; i++)
		assert_int_equal(f.fault[i].line, lines[i]);
	assert_string_equal(why.text, "p.yaml:2: 'operator' has no 'name'; add 'name:'; see "
				      "porteiro-plan(5) (the first of 9 errors)");
	plan_faults_done(&f);
}

static const struct plan *parsed(const char *text)
{
	struct plan *p = NULL;
	struct why why = { 0 };
	int r = plan_parse(text, strlen(text), "plan.yaml", &p, NULL, &why);

	if (r < 0)
		print_message("%s\n", why.text);
	assert_int_equal(r, 0);
	return p;
}

static void every_key_arrives(void **state)
{
	own(plan) struct plan *p = (struct plan *)parsed(
	    "operator:\n  name: Rede Exemplo, Lda.\n  as: AS64500\n  contact: noc@example.net\n"
	    "  languages: [pt-MZ, en]\n  space: [192.0.2.0/24]\n"
	    "defaults: {mode: monitor, strict: yes, inbound: on}\n"
	    "segments:\n"
	    "  - {name: homes, kind: residential, addressing: cgnat, place: Beira,\n"
	    "     prefixes: [192.0.2.0/25, 2001:DB8::/32], treatment: closed}\n"
	    "  - name: shops\n    kind: business\n    treatment: closed\n    mode: drop\n"
	    "    strict: off\n    restriction: verified abuse\n    prefixes:\n"
	    "      - 192.0.2.128/25\n      - 2001:db9::/32\n"
	    "smarthosts:\n  - name: relay\n    prefixes: [198.51.100.25]\n"
	    "waves:\n  - name: first\n    segments: [homes, shops]\n");
	const struct segment *homes = &p->segments[0], *shops = &p->segments[1];
	char text[PREFIX_TEXT_MAX];
	(void)state;

	assert_string_equal(p->operator_.name, "Rede Exemplo, Lda.");
	assert_int_equal(p->operator_.as_number, 64500);
	assert_string_equal(p->operator_.contact, "noc@example.net");
	assert_int_equal(p->operator_.languages_count, 2);
	assert_string_equal(p->operator_.languages[1], "en");
	assert_int_equal(p->operator_.space_count, 1);
	assert_int_equal(p->operator_.space[0].line, 6);

	assert_int_equal(p->segments_count, 2);
	assert_string_equal(homes->name, "homes");
	assert_int_equal(homes->addressing, ADDRESSING_CGNAT);
	assert_string_equal(homes->place, "Beira");
	assert_int_equal(homes->mode, MODE_MONITOR);
	assert_int_equal(homes->inbound, MODE_MONITOR);
	assert_true(homes->strict);
	assert_int_equal(homes->line, 9);
	assert_int_equal(homes->prefixes_count, 2);
	assert_string_equal(prefix_text(homes->prefixes[1].prefix, text), "2001:db8::/32");
	assert_int_equal(homes->prefixes[1].line, 10);

	assert_int_equal(shops->mode, MODE_DROP);
	assert_int_equal(shops->inbound, MODE_OFF);
	assert_false(shops->strict);
	assert_string_equal(shops->restriction, "verified abuse");
	assert_int_equal(shops->prefixes[1].line, 19);

	assert_int_equal(p->smarthosts_count, 1);
	assert_string_equal(prefix_text(p->smarthosts[0].prefixes[0].prefix, text),
			    "198.51.100.25/32");
	assert_int_equal(p->waves_count, 1);
	assert_string_equal(p->waves[0].segments[1], "shops");
}

/* The communiqué: homes are closed unless told otherwise, fixed and business lines are not. */
static void what_is_left_out_has_a_safe_meaning(void **state)
{
	static const struct {
		const char *keys;
		enum segment_addressing addressing;
		enum treatment treatment;
		enum mode mode, inbound;
	} wants[] = {
		/* clang-format off */
		{ "kind: residential", ADDRESSING_DYNAMIC, TREATMENT_CLOSED, MODE_REJECT, MODE_OFF },
		{ "kind: residential, addressing: cgnat", ADDRESSING_CGNAT, TREATMENT_CLOSED, MODE_REJECT, MODE_OFF },
		{ "kind: residential, addressing: fixed", ADDRESSING_FIXED, TREATMENT_OPEN, MODE_OFF, MODE_OFF },
		{ "kind: residential, treatment: open", ADDRESSING_DYNAMIC, TREATMENT_OPEN, MODE_OFF, MODE_OFF },
		{ "kind: residential, treatment: open, mode: drop", ADDRESSING_DYNAMIC, TREATMENT_OPEN, MODE_OFF,
		  MODE_OFF },
		{ "kind: residential, treatment: open, mode: drop, inbound: yes", ADDRESSING_DYNAMIC, TREATMENT_OPEN,
		  MODE_OFF, MODE_DROP },
		{ "kind: residential, inbound: false", ADDRESSING_DYNAMIC, TREATMENT_CLOSED, MODE_REJECT, MODE_OFF },
		{ "kind: residential, mode: off", ADDRESSING_DYNAMIC, TREATMENT_CLOSED, MODE_OFF, MODE_OFF },
		{ "kind: residential, mode: false", ADDRESSING_DYNAMIC, TREATMENT_CLOSED, MODE_OFF, MODE_OFF },
		{ "kind: business", ADDRESSING_FIXED, TREATMENT_OPEN, MODE_OFF, MODE_OFF },
		{ "kind: business, addressing: dynamic", ADDRESSING_DYNAMIC, TREATMENT_OPEN, MODE_OFF, MODE_OFF },
		{ "kind: infrastructure", ADDRESSING_FIXED, TREATMENT_OPEN, MODE_OFF, MODE_OFF },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(wants) / sizeof(*wants); i++) {
		char text[300];

		snprintf(text, sizeof(text),
			 OPERATOR "segments: [{name: a, prefixes: [2001:db8::/32], %s}]\n",
			 wants[i].keys);
		own(plan) struct plan *p = (struct plan *)parsed(text);

		assert_int_equal(p->segments[0].addressing, wants[i].addressing);
		assert_int_equal(p->segments[0].treatment, wants[i].treatment);
		assert_int_equal(p->segments[0].mode, wants[i].mode);
		assert_int_equal(p->segments[0].inbound, wants[i].inbound);
		assert_false(p->segments[0].strict);
	}
}

static void space_covered_from_outside_or_in_pieces_is_covered(void **state)
{
	static const char *const good[] = {
		"[192.0.2.0/24]",
		"[192.0.0.0/16]",
		"[0.0.0.0/0]",
		"[192.0.2.0/25, 192.0.2.128/25]",
		"[192.0.2.128/25, 192.0.2.0/25]",
		"[192.0.2.0/26, 192.0.2.64/26, 192.0.2.128/25]",
		"[192.0.0.0/8, 192.0.2.7, 2::/16]",
		"[192.0.2.255, 192.0.2.0/25, 192.0.2.128/25]",
	};
	static const struct {
		const char *prefixes, *wrong;
	} bad[] = {
		{ "[192.0.2.0/25]", "no segment covers 192.0.2.128 to 192.0.2.255 of the announced "
				    "192.0.2.0/24" },
		{ "[192.0.2.128/25]", "no segment covers 192.0.2.0 to 192.0.2.127 of the announced "
				      "192.0.2.0/24" },
		{ "[192.0.1.0/24, 192.0.3.0/24]", "no segment covers 192.0.2.0 to 192.0.2.255 of "
						  "the announced 192.0.2.0/24" },
		{ "[\"::/0\"]", "no segment covers 192.0.2.0 to 192.0.2.255 of the announced "
				"192.0.2.0/24" },
		{ "[192.0.2.1, 192.0.2.2/31]", "no segment covers 192.0.2.0 to 192.0.2.0 of the "
					       "announced 192.0.2.0/24, and 1 more parts of it" },
	};
	static const char head[] = "operator: {name: x, space: [192.0.2.0/24]}\n"
				   "segments: [{name: a, kind: business, prefixes: %s}]\n";
	char text[300];
	struct plan_faults f;
	(void)state;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		own(plan) struct plan *p = NULL;

		snprintf(text, sizeof(text), head, good[i]);
		assert_int_equal(plan_parse(text, strlen(text), "p", &p, &f, NULL), 0);
		assert_int_equal(f.count, 0);
		plan_faults_done(&f);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		own(plan) struct plan *p = NULL;

		snprintf(text, sizeof(text), head, bad[i].prefixes);
		assert_int_equal(plan_parse(text, strlen(text), "p", &p, &f, NULL), 0);
		assert_int_equal(f.count, 1);
		assert_string_equal(f.fault[0].wrong, bad[i].wrong);
		plan_faults_done(&f);
	}
}

static void the_longest_prefix_is_found(void **state)
{
	own(plan) struct plan *p = (struct plan *)parsed(
	    OPERATOR
	    "segments:\n  - name: homes\n    kind: residential\n    prefixes:\n"
	    "      - 192.0.2.0/24\n      - 2001:db8::/32\n"
	    "  - name: shops\n    kind: business\n    prefixes:\n      - 192.0.2.128/25\n");
	const struct segment *s = NULL;
	const struct plan_prefix *at = NULL;
	struct addr a;
	(void)state;

	assert_true(addr_parse("192.0.2.200", &a) && plan_find(p, a, &s, &at));
	assert_string_equal(s->name, "shops");
	assert_int_equal(at->line, 12);
	assert_true(addr_parse("192.0.2.100", &a) && plan_find(p, a, &s, &at));
	assert_string_equal(s->name, "homes");
	assert_int_equal(at->line, 7);
	assert_true(addr_parse("192.0.3.0", &a) && !plan_find(p, a, &s, &at));
}

/* What a person typed may be cut in a message, never broken: JSON and logs take only whole UTF-8.
 */
static void long_words_are_cut_between_characters(void **state)
{
	(void)state;

	for (size_t shift = 0; shift < 4; shift++) {
		char text[1200] = OPERATOR SEGMENT PREFIXES, *end = text + strlen(text);
		own(plan) struct plan *p = NULL;
		struct plan_faults f;

		memset(end, 'x', shift);
		end += shift;
		for (int i = 0; i < 250; i++, end += 4)
			memcpy(end, "\xf0\x9f\x9a\xaa", 5);
		memcpy(end, ": 1\n", 5);
		assert_int_equal(plan_parse(text, strlen(text), "p", &p, &f, NULL), -EINVAL);
		assert_int_equal(f.count, 1);
		for (const char *c = strchr(f.fault[0].wrong, '\xf0'); *c == '\xf0'; c += 4)
			assert_memory_equal(c, "\xf0\x9f\x9a\xaa", 4);
		assert_non_null(strstr(f.fault[0].wrong, "\xaa...' in the plan"));
		plan_faults_done(&f);
	}
}

static void a_flood_of_faults_is_cut_and_said(void **state)
{
	static const char head[] = OPERATOR SEGMENT "    prefixes:\n";
	size_t wanted = PLAN_FAULTS_MAX + 500, room = sizeof(head) + wanted * 12;
	own_mem char *text = malloc(room);
	own(plan) struct plan *p = NULL;
	struct plan_faults f;
	char *end;
	(void)state;

	assert_non_null(text);
	end = stpcpy(text, head);
	for (size_t i = 0; i < wanted; i++)
		end = stpcpy(end, "    - x\n");
	assert_int_equal(plan_parse(text, (size_t)(end - text), "p", &p, &f, NULL), -EINVAL);
	assert_int_equal(f.count, PLAN_FAULTS_MAX);
	assert_int_equal(f.errors, wanted);
	assert_string_equal(f.fault[f.count - 1].wrong, "there are 501 more faults than these");
	plan_faults_done(&f);
}

/* Random plans of sound and faulty pieces: what loads is canonical, and only what is sound loads.
 */
static unsigned rnd(unsigned *seed, unsigned below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

static size_t random_plan(unsigned *seed, char *text, size_t room)
{
	size_t len = (size_t)snprintf(text, room, OPERATOR "segments:\n");

	for (unsigned s = 0, n = 1 + rnd(seed, 4); s < n; s++) {
		len += (size_t)snprintf(text + len, room - len,
					"  - {name: s%u, kind: residential, prefixes: [", s);
		for (unsigned i = 0, m = 1 + rnd(seed, 6); i < m; i++) {
			unsigned bits = rnd(seed, 33), value = rnd(seed, 1 << 24) << 8;

			if (rnd(seed, 8) && bits)
				value = value >> (32 - bits) << (32 - bits);
			len += (size_t)snprintf(text + len, room - len, "%u.%u.%u.%u/%u, ",
						value >> 24, value >> 16 & 255, value >> 8 & 255,
						value & 255, bits);
		}
		len += (size_t)snprintf(text + len, room - len, "]}\n");
	}
	return len;
}

static void what_loads_is_canonical(void **state)
{
	unsigned seed = 25, loaded = 0;
	(void)state;

	for (unsigned round = 0; round < 3000; round++) {
		char text[4096];
		own(plan) struct plan *p = NULL;
		struct plan_faults f;
		int r = plan_parse(text, random_plan(&seed, text, sizeof(text)), "p", &p, &f, NULL);

		assert_true((r == 0) == (f.errors == 0) && (r == 0) == (p != NULL));
		plan_faults_done(&f);
		loaded += r == 0;
		for (unsigned s = 0; p && s < p->segments_count; s++) {
			for (unsigned i = 0; i < p->segments[s].prefixes_count; i++) {
				struct prefix q = p->segments[s].prefixes[i].prefix, again;
				char written[PREFIX_TEXT_MAX];

				assert_int_equal(prefix_parse(prefix_text(q, written), &again),
						 PREFIX_OK);
				assert_int_equal(prefix_compare(q, again), 0);
			}
		}
	}
	assert_in_range(loaded, 300, 2700); /* the generator tries both sides */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fault_has_its_line_and_words),
		cmocka_unit_test(all_faults_are_found_at_once),
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(what_is_left_out_has_a_safe_meaning),
		cmocka_unit_test(space_covered_from_outside_or_in_pieces_is_covered),
		cmocka_unit_test(the_longest_prefix_is_found),
		cmocka_unit_test(long_words_are_cut_between_characters),
		cmocka_unit_test(a_flood_of_faults_is_cut_and_said),
		cmocka_unit_test(what_loads_is_canonical),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
