/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <string.h>

#include "base/cmocka.h"

static const struct log_event event = { "E0001", "started", LOG_INFO_, "" };

static void an_event_is_one_line_of_logfmt(void **state)
{
	char line[300];
	(void)state;

	log_format(line, sizeof(line), "engine", &event,
		   (const struct log_field[]){ LOG_S("by", "ana"),
					       LOG_N("n", -3),
					       LOG_S("why", "has spaces"),
					       LOG_S("none", NULL),
					       { NULL, NULL, 0 } });
	assert_string_equal(line, "level=info role=engine event=started id=E0001 by=ana n=-3 "
				  "why=\"has spaces\" none=\"\"");
}

static void no_field_can_forge_a_line_or_another_field(void **state)
{
	char line[300];
	(void)state;

	log_format(
	    line, sizeof(line), "web", &event,
	    (const struct log_field[]){ LOG_S("reason", "x\nlevel=error event=\"forged\" \\ \x7f"),
					{ NULL, NULL, 0 } });
	assert_null(strchr(line, '\n'));
	assert_non_null(
	    strstr(line, "reason=\"x\\x0alevel=error event=\\\"forged\\\" \\\\ \\x7f\""));
}

static void what_does_not_fit_is_cut(void **state)
{
	char line[32], big[500];
	(void)state;

	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	memset(line, 1, sizeof(line));
	log_format(line, sizeof(line), "web", &event,
		   (const struct log_field[]){ LOG_S("reason", big), { NULL, NULL, 0 } });
	assert_int_equal(strlen(line), sizeof(line) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_one_line_of_logfmt),
		cmocka_unit_test(no_field_can_forge_a_line_or_another_field),
		cmocka_unit_test(what_does_not_fit_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
