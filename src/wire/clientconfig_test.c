/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/clientconfig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"
#include "base/text.h"

static const char *const security_names[] = { "plain", "STARTTLS", "SSL" };

/* The rows "ispdb/…  grep  outgoing  host:port socket authentication" of the samples' answer file.
 */
static void published_files_are_read_as_others_read_them(void **state)
{
	const char *root = getenv("PORTEIRO_SRC");
	char path[4096], name[256] = "", file[256], said[300], want[300];
	own(text) struct text *expected = NULL;
	struct clientconfig c = { 0 };
	int rows = 0, at = 0;
	(void)state;

	snprintf(path, sizeof(path), "%s/../shared/data/EXPECTED.tsv", root ? root : ".");
	if (text_read(path, 64 << 20, &expected) < 0) {
		print_message("no sample data beside the source: %s\n", path);
		skip();
	}
	for (char *line = expected->bytes, *next; *line; line = next) {
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		if (sscanf(line, "ispdb/%255[^\t]\t%*[^\t]\toutgoing\t%299[^\t]", file, want) != 2)
			continue;
		if (strcmp(file, name) != 0) {
			own(text) struct text *t = NULL;
			struct why why = { 0 };

			snprintf(path, sizeof(path), "%s/../shared/data/ispdb/%s",
				 root ? root : ".", file);
			assert_int_equal(text_read(path, CLIENTCONFIG_BYTES_MAX, &t), 0);
			if (clientconfig_parse(CLIENTCONFIG_AUTOCONFIG, t->bytes, t->len, &c,
					       &why) < 0)
				fail_msg("%s: %s", file, why.text);
			strcpy(name, file);
			at = 0;
		}
		assert_true(at < c.count);
		snprintf(said, sizeof(said), "%s:%d %s", c.server[at].host, c.server[at].port,
			 security_names[c.server[at].security]);
		if (strncmp(want, said, strlen(said)) != 0)
			fail_msg("%s: '%s', not '%s'", file, said, want);
		at++;
		rows++;
	}
	assert_true(rows >= 20);
}

static void other_formats_and_faults(void **state)
{
	static const struct {
		enum clientconfig_kind kind;
		const char *text;
		int count;
		const char *says;
	} rows[] = {
		/* clang-format off */
		{ CLIENTCONFIG_AUTOCONFIG, "<clientConfig><emailProvider/></clientConfig>", 0, NULL },
		{ CLIENTCONFIG_AUTOCONFIG, "<clientConfig/>", -1, "emailProvider" },
		{ CLIENTCONFIG_AUTOCONFIG, "<clientConfig><emailProvider></clientConfig>", -1, "well-formed" },
		{ CLIENTCONFIG_AUTOCONFIG, "", -1, "well-formed" },
		{ CLIENTCONFIG_AUTOCONFIG, "<!DOCTYPE x [<!ENTITY a \"b\">]><clientConfig><emailProvider/></clientConfig>", -1, "document type" },
		{ CLIENTCONFIG_AUTOCONFIG, "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><clientConfig/>", -1, "document type" },
		{ CLIENTCONFIG_AUTODISCOVER, "<Autodiscover><Response><Account><Protocol><Type>SMTP</Type><Server>s</Server><Port>587</Port>"
		  "<Encryption>TLS</Encryption><SPA>off</SPA></Protocol><Protocol><Type>IMAP</Type></Protocol></Account></Response></Autodiscover>", 1, NULL },
		{ CLIENTCONFIG_AUTODISCOVER, "<Autodiscover><Response/></Autodiscover>", -1, "account" },
		{ CLIENTCONFIG_APPLE, "<plist><dict><key>PayloadContent</key><array><dict><key>PayloadType</key><string>com.apple.mail.managed</string>"
		  "<key>OutgoingMailServerHostName</key><string>s</string></dict><dict/></array></dict></plist>", 1, NULL },
		{ CLIENTCONFIG_APPLE, "<plist><dict/></plist>", -1, "PayloadContent" },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct clientconfig c = { 0 };
		struct why why = { 0 };
		int r =
		    clientconfig_parse(rows[i].kind, rows[i].text, strlen(rows[i].text), &c, &why);

		assert_int_equal(r, rows[i].count < 0 ? -EINVAL : 0);
		if (rows[i].says && !strstr(why.text, rows[i].says))
			fail_msg("row %zu: %s", i, why.text);
		if (r == 0)
			assert_int_equal(c.count, rows[i].count);
	}
}

static void what_is_not_said_is_read_as_programs_read_it(void **state)
{
	static const char text[] =
	    "<Autodiscover><Response><Account><Protocol><Type>SMTP</Type><Server> s.example\n"
	    "</Server><Port>99999</Port></Protocol><Protocol><Type>SMTP</Type><SSL>off</SSL></"
	    "Protocol>"
	    "</Account></Response></Autodiscover>";
	struct clientconfig c;
	(void)state;

	assert_int_equal(
	    clientconfig_parse(CLIENTCONFIG_AUTODISCOVER, text, strlen(text), &c, NULL), 0);
	assert_string_equal(c.server[0].host, "s.example");
	assert_int_equal(c.server[0].port, 0);
	assert_true(c.server[0].spa); /* absent means on */
	assert_int_equal(c.server[0].security, SECURITY_TLS);
	assert_int_equal(c.server[1].security, SECURITY_PLAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_files_are_read_as_others_read_them),
		cmocka_unit_test(other_formats_and_faults),
		cmocka_unit_test(what_is_not_said_is_read_as_programs_read_it),
	};

	return cmocka_run_group_tests_name("clientconfig", tests, NULL, NULL);
}
