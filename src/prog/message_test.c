/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cmocka.h"
#include "base/own.h"
#include "prog/call.h"
#include "prog/event.h"

struct seen {
	unsigned count, lost;
	int fd;
};

static int take_it(void *ctx, struct ipc_message *m)
{
	struct seen *s = ctx;

	s->count++;
	s->fd = m->fd;
	return m->len && m->body[0] == 'x' ? -EBADMSG : 0;
}

static const struct message_rule rules[] = {
	{ MSG_PING, "ping", 0, 3, FD_NONE, take_it },
	{ MSG_CONF, "conf", 0, 0, FD_MUST, take_it },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

static void the_table_says_what_may_come(void **state)
{
	static const struct {
		const char *why;
		uint32_t id;
		size_t len;
		bool fd;
		int want;
	} rows[] = {
		/* clang-format off */
		{ "within its bounds",          MSG_PING, 3, false, 0 },
		{ "too long",                   MSG_PING, 4, false, -EBADMSG },
		{ "a descriptor it may not have", MSG_PING, 0, true, -EBADMSG },
		{ "a descriptor it must have",  MSG_CONF, 0, true,  0 },
		{ "and has not",                MSG_CONF, 0, false, -EBADMSG },
		{ "not in the table",           MSG_LOAD, 0, false, -EBADMSG },
		{ "no message at all",          0,        0, false, -EBADMSG },
		/* clang-format on */
	};
	own_mem struct ipc_message *m = calloc(1, sizeof(*m));
	struct seen seen = { 0 };
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned before = seen.count;
		int fd = rows[i].fd ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;

		*m = (struct ipc_message){ .id = rows[i].id, .len = rows[i].len, .fd = fd };
		if (message_dispatch(rules, &seen, m) != rows[i].want)
			fail_msg("%s", rows[i].why);
		assert_int_equal(seen.count - before, rows[i].want == 0);
		assert_true(fd < 0 || fcntl(fd, F_GETFD) < 0); /* closed whatever happened */
	}
}

static void lost(void *ctx)
{
	struct seen *s = ctx;

	s->lost++;
}

static void who_breaks_the_rules_is_hung_up_on(void **state)
{
	struct seen seen = { 0 };
	struct link l = { 0 };
	uv_loop_t loop;
	int pair[2];
	(void)state;

	log_start("test", LOG_LEVEL_COUNT_); /* what is said of it is not for the test's output */
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(ipc_pair(pair), 0);
	own_fd int peer = pair[1];
	assert_int_equal(link_open(&l, &loop, pair[0], "peer", rules, &seen, lost), 0);
	assert_int_equal(ipc_send(peer, MSG_PING, "abc", 3, -1), 0);
	assert_int_equal(ipc_send(peer, MSG_PING, "x", 1, -1), 0); /* its handler refuses it */
	assert_int_equal(ipc_send(peer, MSG_PING, "abc", 3, -1), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.lost, 1);
	assert_false(l.open);
	assert_int_equal(link_send(&l, MSG_PING, NULL, 0, -1), -ENOTCONN);
	assert_int_equal(uv_loop_close(&loop), 0);
	free(l.buffer);
}

static void a_call_comes_back_the_same(void **state)
{
	own_pack struct pack p = { 0 }, q = { 0 };
	struct call_put put = { .class = { .segment = "homes", .cause = CAUSE_EXCEPTION } }, put2;
	struct call_result result = { .of = MSG_COMPARE, .code = -5, .drift = { 1, 2.5, 3, "x" } },
			   result2;
	(void)state;

	prefix_parse("2001:db8::/64", &put.prefix);
	call_put_pack(&p, &put);
	struct unpack u = unpack_from(p.bytes, p.len);
	assert_int_equal(call_put_unpack(&u, &put2), 0);
	assert_int_equal(prefix_compare(put.prefix, put2.prefix), 0);
	assert_string_equal(put2.class.segment, "homes");
	p.bytes[2] |=
	    1; /* a prefix with host bits is none: the first byte of the address is 0x20 */
	p.bytes[1] = 0;
	u = unpack_from(p.bytes, p.len);
	assert_int_equal(call_put_unpack(&u, &put2), -EBADMSG);

	call_result_pack(&q, &result);
	u = unpack_from(q.bytes, q.len);
	assert_int_equal(call_result_unpack(&u, &result2), 0);
	assert_int_equal(result2.code, -5);
	assert_true(result2.drift.addresses > 2.4 && result2.drift.objects == 3);
}

static void events_have_ids_of_their_own(void **state)
{
	(void)state;
	for (int i = 0; i < EV_COUNT_; i++) {
		assert_int_equal(strlen(events[i].id), 5);
		assert_true(strlen(events[i].text) > 20);
		for (int k = 0; k < i; k++) {
			assert_string_not_equal(events[i].id, events[k].id);
			assert_string_not_equal(events[i].name, events[k].name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_says_what_may_come),
		cmocka_unit_test(who_breaks_the_rules_is_hung_up_on),
		cmocka_unit_test(a_call_comes_back_the_same),
		cmocka_unit_test(events_have_ids_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
