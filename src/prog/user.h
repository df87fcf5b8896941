/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * user: who is at the other end of a Unix socket.
 *
 * Names come from /etc/passwd alone: no name service runs in our processes,
 * and a user it does not know is called "uid:1234".
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

void user_name(uid_t uid, char *ret, size_t room);
/* The same of the peer of a connected Unix socket (SO_PEERCRED); "unknown" if it has none. */
void user_of_peer(int sock, char *ret, size_t room);
