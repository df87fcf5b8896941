/* SPDX-License-Identifier: BSD-2-Clause */
#include "enforce/nft_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"
#include "sample.h"

#define NOW 1000

static const struct nft_options forward = { .place = NFT_FORWARD };

static char *render(const struct ruleset *rs, const struct nft_options *o)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(nft_text(rs, o, (struct wall){ NOW }, out), 0);
	fclose(out);
	return text;
}

/* The n-th word of a line, from 0. */
static const char *word(const char *line, int n, char ret[static 128])
{
	while (n-- > 0) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	snprintf(ret, 128, "%.*s", (int)strcspn(line, " \n"), line);
	return ret;
}

static bool has_word(const char *line, const char *sought)
{
	char w[128];

	for (int i = 0; *word(line, i, w); i++)
		if (strcmp(w, sought) == 0)
			return true;
	return false;
}

static bool starts(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* The rule's text behind "add rule FAMILY porteiro CHAIN ". */
static const char *body(const char *rule)
{
	for (int i = 0; i < 5; i++)
		rule += strcspn(rule, " ") + 1;
	return rule;
}

static bool in_gate(const char *rule)
{
	char w[128];

	return strcmp(word(rule, 4, w), "gate/in") == 0;
}

/*
 * The proof that nothing but TCP to 25 can be refused, line by line:
 *
 *   1. one chain only is entered by packets: gate/in; its policy is accept, and
 *      no rule of its own refuses
 *   2. a rule of gate/in that leads on either matches TCP to 25, or matches first
 *      fragments behind two rules that let go what is not TCP and what shows
 *      another port
 *   3. on a bridge, gate/first4 lets go of what shows its port too: it leads on
 *      only for packets too short for one
 *   4. no element does anything but lead to a chain
 */
static void check_proof(char *text)
{
	bool port_readable_left = false, not_tcp_left = false;
	unsigned hooks = 0, refusing = 0;
	char w[128], *save;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (starts(line, "add chain") && strstr(line, " hook ")) {
			hooks++;
			assert_string_equal(word(line, 4, w), "gate/in");
			assert_non_null(strstr(line, "policy accept;"));
		}
		if (strstr(line, " : ") && !starts(line, "add ") && line[0] != '#')
			assert_non_null(strstr(line, " : goto "));
		if (!starts(line, "add rule"))
			continue;
		bool refuses = has_word(body(line), "drop") || has_word(body(line), "reject");
		bool leads = has_word(body(line), "goto") || has_word(body(line), "jump") ||
			     has_word(body(line), "vmap");
		refusing += refuses;
		if (strcmp(word(line, 4, w), "gate/first4") == 0)
			assert_non_null(strstr(line, " ip length < "));
		if (!in_gate(line))
			continue;
		assert_false(refuses);
		if (strcmp(body(line), "meta l4proto != tcp accept") == 0)
			not_tcp_left = true;
		if (strcmp(body(line), "th dport != 25 accept") == 0)
			port_readable_left = true;
		if (!leads || starts(body(line), "tcp dport 25 "))
			continue;
		assert_true(not_tcp_left);
		if (has_word(body(line), "gate/first4"))
			continue;
		assert_true(port_readable_left);
		assert_true(starts(body(line), "ip frag-off & 0x3fff == 0x2000 ") ||
			    starts(body(line), "frag frag-off 0 frag more-fragments 1 "));
	}
	assert_int_equal(hooks, 1);
	assert_true(refusing > 0);
}

static void every_refusing_rule_is_behind_the_port_test(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 40; seed++) {
		own(ruleset) struct ruleset *rs = sample_ruleset(seed, 30, (struct wall){ NOW });

		for (int p = 0; p < NFT_PLACE_COUNT_; p++) {
			struct nft_options o = { .place = (enum nft_place)p };
			own_mem char *text = render(rs, &o);

			check_proof(text);
		}
	}
}

/* Every chain, map and counter that a rule or element names is declared, and before it. */
static void what_is_named_was_declared(void **state)
{
	own(ruleset) struct ruleset *rs = sample_ruleset(3, 60, (struct wall){ NOW });
	own_mem char *text = render(rs, &forward);
	own(nft_names) struct nft_names *declared = NULL;
	char w[128], *save;
	unsigned checked = 0;
	(void)state;

	assert_int_equal(nft_names_new(&declared), 0);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (starts(line, "add chain") || starts(line, "add map") ||
		    starts(line, "add set") || starts(line, "add counter")) {
			assert_true(nft_names_add(declared, word(line, 4, w)) >= 0);
			continue;
		}
		const char *named = NULL;
		for (int i = 0; *word(line, i, w); i++) {
			char next[128];

			word(line, i + 1, next);
			named = strcmp(w, "goto") == 0 || strcmp(w, "jump") == 0 ||
					strcmp(w, "name") == 0
				    ? next
				: w[0] == '@' ? w + 1
					      : NULL;
			if (!named)
				continue;
			next[strcspn(next, ",")] = 0;
			assert_true(nft_names_find(declared, named) >= 0);
			checked++;
		}
	}
	assert_true(checked > 100);
}

static void interfaces_are_checked(void **state)
{
	static const struct {
		const char *name;
		int want;
	} rows[] = {
		/* clang-format off */
		{ "eth1",             0 },
		{ "ppp*",             0 },
		{ "vlan.100",         0 },
		{ "",                -EINVAL },
		{ "*",               -EINVAL }, /* every packet: leave it out */
		{ "a*b",             -EINVAL },
		{ "fifteen-letters",  0 },
		{ "sixteen-letters!", -EINVAL },
		{ "a\" accept; #",   -EINVAL },
		{ "eth 1",           -EINVAL },
		{ "eth\n1",          -EINVAL },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nft_options o = { .subscribers = &rows[i].name, .subscribers_count = 1 };
		struct why why = { 0 };

		assert_int_equal(nft_options_check(&o, &why), rows[i].want);
		assert_int_equal(why.text[0] != 0, rows[i].want != 0);
	}
}

static void subscribers_are_asked_for_when_named(void **state)
{
	own(ruleset) struct ruleset *rs = sample_ruleset(1, 10, (struct wall){ NOW });
	const char *const names[] = { "eth1", "ppp*" };
	struct nft_options o = { .subscribers = names, .subscribers_count = 2 };
	own_mem char *with = render(rs, &o), *without = render(rs, &forward);
	(void)state;

	assert_non_null(strstr(with, "gate/syn iifname @subscribers jump gate/from/syn\n"));
	assert_non_null(strstr(with, "gate/running iifname @subscribers jump gate/from/strict\n"));
	assert_non_null(strstr(with, "elements = { \"eth1\", \"ppp*\" }; }\n"));
	assert_null(strstr(with, "gate/syn jump gate/from/syn\n"));
	assert_null(strstr(without, "subscribers"));
}

static void the_same_ruleset_gives_the_same_text(void **state)
{
	own(ruleset) struct ruleset *a = sample_ruleset(9, 50, (struct wall){ NOW });
	own(ruleset) struct ruleset *b = sample_ruleset(9, 50, (struct wall){ NOW });
	own_mem char *x = render(a, &forward), *y = render(b, &forward);
	(void)state;

	assert_string_equal(x, y);
}

static void restrictions_carry_their_time(void **state)
{
	struct class classes[] = {
		{ .cause = CAUSE_NONE },
		{ .cause = CAUSE_RESTRICTION,
		  .segment = "a",
		  .mode = MODE_DROP,
		  .until = { NOW + 93784 } },
		{ .cause = CAUSE_RESTRICTION, .segment = "a", .mode = MODE_DROP, .until = { NOW } },
	};
	struct interval4 v4[] = { { 0, 0 }, { 10, 1 }, { 11, 2 }, { 12, 0 } };
	struct interval6 v6[] = { { 0, 0 } };
	struct ruleset rs = { classes, 3, v4, 4, v6, 1, NULL, 0, { 0 } };
	own_mem char *text = render(&rs, &forward);
	(void)state;

	assert_non_null(strstr(text, "\n0.0.0.10 timeout 1d2h3m4s : goto from/syn/a/restriction/"));
	assert_null(strstr(text, "0.0.0.11"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusing_rule_is_behind_the_port_test),
		cmocka_unit_test(what_is_named_was_declared),
		cmocka_unit_test(interfaces_are_checked),
		cmocka_unit_test(subscribers_are_asked_for_when_named),
		cmocka_unit_test(the_same_ruleset_gives_the_same_text),
		cmocka_unit_test(restrictions_carry_their_time),
	};

	return cmocka_run_group_tests_name("nft_text", tests, NULL, NULL);
}
