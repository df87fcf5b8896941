/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/policy.h"

#include <errno.h>

#include "base/cmocka.h"

#define REQUEST(user, port)                                                                       \
	"request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\nprotocol_name=ESMTP\n"       \
	"client_address=192.0.2.1\ninstance=123.456.7\nsasl_username=" user "\nserver_port=" port \
	"\nencryption_protocol=TLSv1.3\n\n"

static int feed(struct policy *p, const char *text, size_t len, struct policy_request *r)
{
	size_t room;
	char *at = policy_room(p, &room);

	assert_true(len <= room);
	memcpy(at, text, len);
	policy_fed(p, len);
	return policy_next(p, r);
}

static void a_request_is_read_in_any_pieces(void **state)
{
	static const char text[] = REQUEST("maria@p", "587") REQUEST("a=b", "");
	(void)state;

	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		struct policy p = { 0 };
		struct policy_request r;
		int got = 0, e = feed(&p, text, cut, &r);

		for (; e == 1; e = policy_next(&p, &r))
			got++;
		assert_int_equal(e, 0);
		for (e = feed(&p, text + cut, sizeof(text) - 1 - cut, &r); e == 1;
		     e = policy_next(&p, &r)) {
			got++;
			assert_true(slice_is(r.state, SLICE("END-OF-MESSAGE")));
			assert_true(slice_is(r.client, SLICE("192.0.2.1")));
			assert_true(slice_is(r.user, got == 1 ? SLICE("maria@p") : SLICE("a=b")));
			assert_int_equal(r.port, got == 1 ? 587 : 0);
		}
		assert_int_equal(e, 0);
		assert_int_equal(got, 2);
	}
}

static void what_is_no_request_is_refused(void **state)
{
	struct policy p = { 0 };
	struct policy_request r;
	size_t room;
	(void)state;

	assert_int_equal(feed(&p, "GET / HTTP/1.1\n\n", 16, &r), -EBADMSG);
	p = (struct policy){ 0 };
	assert_int_equal(feed(&p, "request=other\n\n", 15, &r), -EBADMSG);
	p = (struct policy){ 0 };
	assert_int_equal(feed(&p, "\n\n", 2, &r), -EBADMSG);
	p = (struct policy){ 0 };
	char *at = policy_room(&p, &room);
	memset(at, 'x', room);
	policy_fed(&p, room);
	assert_int_equal(policy_next(&p, &r), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_in_any_pieces),
		cmocka_unit_test(what_is_no_request_is_refused),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
