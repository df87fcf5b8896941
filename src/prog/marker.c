/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/marker.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

static const char *path_of(const char *state_dir, char *ret, size_t room)
{
	snprintf(ret, room, "%s/open", state_dir);
	return ret;
}

int marker_write(const char *state_dir, const char *by)
{
	char path[512];
	own_fd int fd = open(path_of(state_dir, path, sizeof(path)),
			     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	/* On a full disk the empty file is enough: that it exists is what counts. */
	if (fd < 0)
		return -errno;
	if (write(fd, by, strlen(by)) < 0 && errno != ENOSPC)
		return -errno;
	return fsync(fd) < 0 && errno != ENOSPC ? -errno : 0;
}

bool marker_read(const char *state_dir, char *ret, size_t room)
{
	char path[512];
	own_fd int fd =
	    open(path_of(state_dir, path, sizeof(path)), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	snprintf(ret, room, "unknown");
	if (fd < 0)
		return errno != ENOENT; /* it is there and can not be read: it counts */
	ssize_t n = read(fd, ret, room - 1);
	ret[n > 0 ? n : 0] = '\0';
	for (char *c = ret; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	if (!*ret)
		snprintf(ret, room, "unknown");
	return true;
}

int marker_remove(const char *state_dir)
{
	char path[512];

	if (unlink(path_of(state_dir, path, sizeof(path))) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}
