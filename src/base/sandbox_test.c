/* SPDX-License-Identifier: BSD-2-Clause */
/* Each row shuts a child of its own into a sandbox, and sees what it can still do. */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cmocka.h"

static const int no_caps[] = { -1 };
static char dir[] = "/tmp/sandbox-test-XXXXXX";

/* The child's exit code, or -signal. */
static int in_sandbox(int (*what)(const char *missing))
{
	const struct sandbox_path paths[] = { { dir, SANDBOX_WRITE },
					      { "/etc/passwd", SANDBOX_READ } };
	static const char *const syscalls[] = { "unlink", NULL };
	const struct sandbox s = { .uid = 65534,
				   .gid = 65534,
				   .caps = no_caps,
				   .paths = paths,
				   .paths_count = 2,
				   .syscalls = syscalls };
	struct why why;
	const char *missing;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(sandbox_enter(&s, &missing, &why) == 0 ? what(missing) : 99);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int reads(const char *missing)
{
	if (open("/etc/passwd", O_RDONLY) < 0)
		return 1;
	if (missing)
		return 0;
	return open("/etc/group", O_RDONLY) >= 0 ? 2 : errno == EACCES ? 0 : 3;
}

static int writes(const char *missing)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/file", dir);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || unlink(path) < 0)
		return 1;
	if (missing)
		return 0;
	return open("/tmp/sandbox-test-elsewhere", O_CREAT | O_WRONLY, 0600) >= 0 ? 2 : 0;
}

static int connects(const char *missing)
{
	(void)missing;
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 1 : errno == EPERM ? 0 : 2;
}

static int runs(const char *missing)
{
	(void)missing;
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static int becomes_root(const char *missing)
{
	(void)missing;
	return setuid(0) == 0 && getuid() == 0 ? 1 : 0;
}

static void only_what_is_named_is_left(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(reads), 0);
	assert_int_equal(in_sandbox(writes), 0);
	assert_int_equal(in_sandbox(connects), 0);
	assert_int_equal(in_sandbox(runs), -SIGSYS);
	if (geteuid() == 0) /* or there is nothing to come back to */
		assert_int_equal(in_sandbox(becomes_root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(only_what_is_named_is_left) };

	if (!mkdtemp(dir) || chmod(dir, 0777) < 0)
		return 1;
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return r;
}
