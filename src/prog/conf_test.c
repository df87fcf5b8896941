/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cmocka.h"

static void every_key_has_its_sentence_and_a_default_that_is_valid(void **state)
{
	struct conf c;
	(void)state;

	conf_defaults(&c); /* aborts on a default that is not valid */
	assert_true(conf_check(&c));
	for (const struct conf_key *k = conf_keys; k->name; k++) {
		size_t len = strlen(k->sentence);

		assert_true(len > 20 && k->sentence[len - 1] == '.');
		assert_true(*k->type);
		if (k > conf_keys)
			assert_true(strcmp(k[-1].name, k->name) < 0);
	}
	assert_string_equal(c.socket, "/run/porteiro/api.sock");
}

static void a_file_is_read(void **state)
{
	static const char text[] = "# a comment\n"
				   "\n"
				   "  backend = nft   # here too\n"
				   "interface = eth1 subscriber tc\n"
				   "interface=ppp0 uplink\n"
				   "reconcile = 5\n"
				   "log = debug";
	struct conf c;
	struct why why = { 0 };
	(void)state;

	assert_int_equal(conf_parse(text, strlen(text), "f", &c, &why), 0);
	assert_int_equal(c.backend, BACKEND_NFT);
	assert_int_equal(c.interfaces_count, 2);
	assert_string_equal(c.interface[0].name, "eth1");
	assert_int_equal(c.interface[0].attach, ATTACH_TC);
	assert_int_equal(c.interface[1].side, CONF_UPLINK);
	assert_int_equal(c.interface[1].attach, ATTACH_AUTO);
	assert_int_equal(c.reconcile_s, 5);
	assert_int_equal(c.log, LOG_DEBUG_);
}

static void a_fault_names_line_and_reason_and_changes_nothing(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		/* clang-format off */
		{ "nonsense",                        "f:1: 'nonsense' is not of the form" },
		{ "\nbad = 1",                       "f:2: there is no key 'bad'" },
		{ "backend = ebpf",                  "f:1: backend: 'ebpf' is none of: xdp, nft" },
		{ "reconcile = 4",                   "reconcile: '4' is not a number from 5 to 86400" },
		{ "reconcile = 60s",                 "'60s' is not a number" },
		{ "reconcile = -1",                  "'-1' is not a number" },
		{ "state_dir = var",                 "'var' is not an absolute path" },
		{ "log = info\nlog = info",          "f:2: key 'log' is given twice" },
		{ "interface = eth1",                "NAME SIDE [ATTACH]" },
		{ "interface = eth1 inside",         "'inside' is none of: subscriber, uplink" },
		{ "interface = eth1 uplink xdp",     "'xdp' is none of: auto" },
		{ "interface = a uplink\ninterface = a uplink", "'a' is named twice" },
		{ "interface = ../../x uplink",      "is not the name of an interface" },
		{ "interface = abcdefghijklmnopq uplink", "is not the name of an interface" },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct conf c = { .reconcile_s = 77 };
		struct why why = { 0 };

		assert_int_equal(conf_parse(rows[i].text, strlen(rows[i].text), "f", &c, &why),
				 -EINVAL);
		if (!strstr(why.text, rows[i].said))
			fail_msg("'%s' said: %s", rows[i].text, why.text);
		assert_int_equal(c.reconcile_s, 77);
	}
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	char long_line[2000], longest[CONF_SOCKET_MAX + 20];
	struct conf c;
	struct why why = { 0 };
	(void)state;

	memset(long_line, 'a', sizeof(long_line));
	assert_int_equal(conf_parse(long_line, sizeof(long_line), "f", &c, &why), -EINVAL);
	assert_int_equal(conf_parse("log\0= info", 10, "f", &c, &why), -EINVAL);
	int n = snprintf(longest, sizeof(longest), "socket = /%0*d", CONF_SOCKET_MAX - 1, 0);
	assert_int_equal(conf_parse(longest, (size_t)n, "f", &c, &why), -EINVAL);
	assert_non_null(strstr(why.text, "longer than"));
}

static void a_struct_from_elsewhere_is_checked(void **state)
{
	struct conf good, c;
	(void)state;

	conf_defaults(&good);
	c = good;
	memset(c.socket, 'x', sizeof(c.socket));
	assert_false(conf_check(&c));
	c = good;
	c.interfaces_count = CONF_INTERFACES_MAX + 1;
	assert_false(conf_check(&c));
	c = good;
	c.log = (enum log_level)17;
	assert_false(conf_check(&c));
}

static void what_needs_a_restart_is_named(void **state)
{
	struct conf a, b;
	(void)state;

	conf_defaults(&a);
	b = a;
	b.reconcile_s++;
	b.log = LOG_DEBUG_;
	assert_null(conf_needs_restart(&a, &b));
	b.backend = BACKEND_NFT;
	assert_string_equal(conf_needs_restart(&a, &b), "backend");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_has_its_sentence_and_a_default_that_is_valid),
		cmocka_unit_test(a_file_is_read),
		cmocka_unit_test(a_fault_names_line_and_reason_and_changes_nothing),
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(a_struct_from_elsewhere_is_checked),
		cmocka_unit_test(what_needs_a_restart_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
