/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/file_put.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"

static int put_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int put_new(const char *path, const void *bytes, size_t len, mode_t mode)
{
	own_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	int r = put_all(fd, bytes, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0)
		unlink(path);
	return r;
}

static int put_beside(const char *path, const void *bytes, size_t len, mode_t mode)
{
	own_mem char *beside = NULL;

	if (asprintf(&beside, "%s.%d.new", path, (int)getpid()) < 0)
		return -ENOMEM;
	int r = put_new(beside, bytes, len, mode);
	if (r == 0 && rename(beside, path) < 0) {
		r = -errno;
		unlink(beside);
	}
	return r;
}

int file_put(const char *path, const void *bytes, size_t len, mode_t mode, enum file_put_how how,
	     struct why *why)
{
	int r;

	if (strcmp(path, "-") == 0)
		r = put_all(STDOUT_FILENO, bytes, len);
	else if (how == FILE_PUT_NEW)
		r = put_new(path, bytes, len, mode);
	else
		r = put_beside(path, bytes, len, mode);
	return r < 0 ? why_set(why, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

int file_append(const char *path, const void *bytes, size_t len, struct why *why)
{
	own_fd int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && flock(fd, LOCK_EX) < 0)
		r = -errno;
	off_t end = r == 0 ? lseek(fd, 0, SEEK_END) : 0;
	if (r == 0)
		r = put_all(fd, bytes, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0 && fd >= 0 && end >= 0 && ftruncate(fd, end) < 0)
		r = -errno; /* half a line is worse than the first error's name */
	return r < 0 ? why_set(why, r, "cannot add to %s: %s", path, strerror(-r)) : 0;
}
