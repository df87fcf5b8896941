/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/user.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/own.h"

/* name:password:uid:…; false if the line is another's. */
static bool name_on_line(const char *line, uid_t uid, char *ret, size_t room)
{
	size_t len = strcspn(line, ":");
	const char *number = strchr(line + len, ':');

	number = number ? strchr(number + 1, ':') : NULL;
	if (!number || !isdigit((unsigned char)number[1]) || len == 0 || len >= room)
		return false;
	if (strtoul(number + 1, NULL, 10) != uid)
		return false;
	memcpy(ret, line, len);
	ret[len] = '\0';
	return true;
}

void user_name(uid_t uid, char *ret, size_t room)
{
	own_file FILE *f = fopen("/etc/passwd", "re");
	char line[1024];

	while (f && fgets(line, sizeof(line), f))
		if (name_on_line(line, uid, ret, room))
			return;
	snprintf(ret, room, "uid:%u", uid);
}

void user_of_peer(int sock, char *ret, size_t room)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		snprintf(ret, room, "unknown");
	else
		user_name(cred.uid, ret, room);
}
