/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/api.h"

#include <stdio.h>
#include <string.h>

#include "base/cmocka.h"

static int parse(const char *method, const char *path, const char *body, struct api_request *r,
		 struct problem *p)
{
	const struct api_route *route;
	char allow[64];

	memset(p, 0, sizeof(*p));
	int e = api_find(method, path, &route, allow, p);
	return e < 0 ? e : api_parse(route, path, NULL, 0, body, strlen(body), r, p);
}

static void an_exception_is_read(void **state)
{
	struct api_request r, back;
	own_pack struct pack packed = { 0 };
	struct problem p;
	char text[PREFIX_TEXT_MAX];
	(void)state;

	assert_int_equal(
	    parse("POST", "/v1/exceptions",
		  "{\"prefix\":\"2001:db8::/64\",\"until\":\"2026-12-31\",\"reason\":\"x\"}", &r,
		  &p),
	    0);
	assert_string_equal(prefix_text(r.prefix, text), "2001:db8::/64");
	assert_int_equal(r.until.s, 1798761599);
	assert_int_equal(api_request_pack(&r, &packed), 0);
	struct unpack u = unpack_from(packed.bytes, packed.len);
	assert_int_equal(api_request_unpack(&u, &back), 0);
	assert_int_equal(prefix_compare(back.prefix, r.prefix), 0);
	assert_int_equal(back.until.s, r.until.s);
	assert_string_equal(back.reason, "x");
	for (size_t len = 0; len < packed.len; len++) {
		u = unpack_from(packed.bytes, len);
		assert_true(api_request_unpack(&u, &back) < 0);
	}
}

static void a_problem_names_status_and_field(void **state)
{
	static const struct {
		const char *method, *path, *body;
		unsigned status;
		const char *field;
	} rows[] = {
		/* clang-format off */
		{ "GET",    "/v2/status",       "",   404, "" },
		{ "GET",    "/v1/status/",      "",   404, "" },
		{ "GET",    "/v1/why/",         "",   404, "" },
		{ "GET",    "/v1/why/a/b",      "",   404, "" },
		{ "PUT",    "/v1/exceptions",   "",   405, "" },
		{ "GET",    "/v1/why/1.2.3",    "",   422, "address" },
		{ "DELETE", "/v1/exceptions/x", "",   422, "id" },
		{ "POST",   "/v1/exceptions",   "",   400, "" },
		{ "POST",   "/v1/exceptions",   "{}", 422, "prefix" },
		{ "POST",   "/v1/exceptions",   "{\"prefix\":\"::1\",\"until\":\"2026-12-31\"}", 422, "reason" },
		{ "POST",   "/v1/exceptions",   "{\"prefix\":[],\"until\":\"2026-12-31\"}", 422, "prefix" },
		{ "POST",   "/v1/open",         "{\"reason\":\"\\u0007\"}", 422, "reason" },
		{ "POST",   "/v1/open",         "{\"reason\":\" \"}", 422, "reason" },
		{ "POST",   "/v1/exceptions",   "{\"prefix\":\"::ffff:192.0.2.1\",\"until\":\"2026-12-31\",\"reason\":\"x\"}", 422, "prefix" },
		{ "GET",    "/v1/status",       "{}", 413, "" },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct api_request r;
		struct problem p;

		assert_true(parse(rows[i].method, rows[i].path, rows[i].body, &r, &p) < 0);
		if (problem_status(p.kind) != rows[i].status || strcmp(p.field, rows[i].field) != 0)
			fail_msg("%s %s: %u '%s' %s", rows[i].method, rows[i].path,
				 problem_status(p.kind), p.field, p.detail);
	}
}

static void the_words_help(void **state)
{
	struct api_request r;
	struct problem p;
	(void)state;

	assert_true(parse("POST", "/v1/exceptions", "", &r, &p) < 0);
	assert_string_equal(p.detail, "the body is empty; it must be a JSON object");
	assert_true(parse("POST", "/v1/exceptions", "{\"until\":\"tomorrow\"}", &r, &p) < 0);
	assert_non_null(strstr(p.detail, "'tomorrow' is neither a date like 2026-12-31"));
	assert_true(parse("POST", "/v1/open", "{\"reason\":\"\"}", &r, &p) < 0);
	assert_string_equal(p.detail, "reason is empty");
}

static void parameters_are_read_once_and_no_others(void **state)
{
	const struct api_route *route;
	struct api_request r;
	struct problem p = { 0 };
	char allow[64];
	const struct api_arg good[] = { { IN_QUERY, "dry_run", NULL }, { IN_HEADER, "Host", "x" } };
	const struct api_arg twice[] = { { IN_QUERY, "dry_run", "true" },
					 { IN_QUERY, "dry_run", "false" } };
	const struct api_arg other[] = { { IN_QUERY, "dryrun", "true" } };
	const struct api_arg match[] = {
		{ IN_HEADER, "if-match",
		  "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"" }
	};
	(void)state;

	assert_int_equal(api_find("POST", "/v1/plan", &route, allow, &p), 0);
	assert_int_equal(api_parse(route, "/v1/plan", good, 2, "", 0, &r, &p), 0);
	assert_true(r.dry_run);
	assert_true(api_parse(route, "/v1/plan", twice, 2, "", 0, &r, &p) < 0);
	assert_true(api_parse(route, "/v1/plan", other, 1, "", 0, &r, &p) < 0);
	assert_int_equal(api_parse(route, "/v1/plan", match, 1, "", 0, &r, &p), 0);
	assert_true(r.has_if_match && r.if_match[1] == 0x11 && r.if_match[31] == 0xff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exception_is_read),
		cmocka_unit_test(a_problem_names_status_and_field),
		cmocka_unit_test(the_words_help),
		cmocka_unit_test(parameters_are_read_once_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
