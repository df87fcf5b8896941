/* SPDX-License-Identifier: BSD-2-Clause */
/* parent_spawn: this same binary once more, in a role, with a socket as descriptor 3. */
#pragma once

#include <sys/types.h>

#include "prog/role.h"

/* 0 and the parent's end of the socket, which the caller closes. */
int spawn_role(enum role role, int *ret_sock, pid_t *ret_pid);
