/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/ipc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cmocka.h"
#include "base/memfd.h"
#include "base/own.h"

static void a_message_carries_bytes_and_a_sealed_file(void **state)
{
	own_mem struct ipc_message *m = malloc(sizeof(*m));
	own_view struct memfd_view view = { 0 };
	int pair[2];
	(void)state;

	assert_int_equal(ipc_pair(pair), 0);
	own_fd int a = pair[0], b = pair[1], fd = memfd_from("test", "hello", 5);
	assert_int_equal(ipc_receive(b, m), 0);
	assert_int_equal(ipc_send(a, 7, "abc", 3, fd), 0);
	assert_int_equal(ipc_wait(b, 1000, m), 1);
	assert_int_equal(m->id, 7);
	assert_int_equal(m->len, 3);
	assert_memory_equal(m->body, "abc", 3);
	assert_int_equal(memfd_map(m->fd, 5, &view), 0);
	close(m->fd);
	assert_int_equal(view.len, 5);
	assert_memory_equal(view.bytes, "hello", 5);
}

static void what_is_no_message_is_refused(void **state)
{
	own_mem struct ipc_message *m = malloc(sizeof(*m));
	own_mem uint8_t *large = calloc(1, IPC_BODY_MAX + 100);
	int pair[2];
	(void)state;

	assert_int_equal(ipc_pair(pair), 0);
	own_fd int a = pair[0], b = pair[1];
	assert_int_equal(ipc_send(a, 1, large, IPC_BODY_MAX + 1, -1), -EMSGSIZE);
	assert_int_equal(send(a, "ab", 2, 0), 2); /* shorter than an id */
	assert_int_equal(ipc_receive(b, m), -EBADMSG);
	assert_int_equal(send(a, large, IPC_BODY_MAX + 100, 0), IPC_BODY_MAX + 100);
	assert_int_equal(ipc_receive(b, m), -EBADMSG);
	assert_int_equal(ipc_wait(b, 10, m), -ETIMEDOUT);
	close(take_fd(&a));
	assert_int_equal(ipc_wait(b, 1000, m), -EPIPE);
	assert_int_equal(ipc_send(b, 1, NULL, 0, -1), -EPIPE);
}

static void a_file_that_may_still_change_is_not_mapped(void **state)
{
	struct memfd_view view = { 0 };
	own_fd int open_ = memfd_create("open", MFD_ALLOW_SEALING);
	own_fd int sealed = memfd_from("sealed", "12345678", 8);
	(void)state;

	assert_int_equal(write(open_, "x", 1), 1);
	assert_int_equal(memfd_map(open_, 10, &view), -EPERM);
	assert_int_equal(memfd_map(sealed, 7, &view), -EFBIG);
	assert_int_equal(ftruncate(sealed, 0), -1);
	assert_int_equal(write(sealed, "x", 1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_carries_bytes_and_a_sealed_file),
		cmocka_unit_test(what_is_no_message_is_refused),
		cmocka_unit_test(a_file_that_may_still_change_is_not_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
