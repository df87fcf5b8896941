/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/parent_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/own.h"

static _Noreturn void become(enum role role, int sock, pid_t parent)
{
	char option[32];
	char *const argv[] = { (char *)"porteirod", option, NULL };
	sigset_t none;

	snprintf(option, sizeof(option), "--role=%s", role_name(role));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A parent that is killed takes its roles along; it may be gone already. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	setenv("TZ", "UTC0", 1); /* no time zone file is looked for: all our times are UTC */
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	if (sock == ROLE_CONTROL_FD)
		fcntl(sock, F_SETFD, 0);
	else if (dup2(sock, ROLE_CONTROL_FD) < 0)
		_exit(EXIT_FAILURE);
	execv("/proc/self/exe", argv);
	_exit(127);
}

int spawn_role(enum role role, int *ret_sock, pid_t *ret_pid)
{
	int pair[2];
	pid_t me = getpid();
	int r = ipc_pair(pair);

	if (r < 0)
		return r;
	own_fd int mine = pair[0], theirs = pair[1];
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(role, theirs, me);
	*ret_sock = take_fd(&mine);
	*ret_pid = pid;
	return 0;
}
