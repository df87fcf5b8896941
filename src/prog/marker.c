/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/marker.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

static const char *path_of(const char *state_dir, enum mark m, char *ret, size_t room)
{
	snprintf(ret, room, "%s/%s", state_dir, m == MARK_OPEN ? "open" : "resumed");
	return ret;
}

/* The file is two lines: who, and why. */
int marker_write(const char *state_dir, enum mark m, const char *by, const char *reason)
{
	char path[512], text[sizeof(struct marker) + 2];
	own_fd int fd = open(path_of(state_dir, m, path, sizeof(path)),
			     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	/* On a full disk the empty file is enough: that it exists is what counts. */
	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "%.63s\n%.199s\n", by, reason ? reason : "");
	if (write(fd, text, strlen(text)) < 0 && errno != ENOSPC)
		return -errno;
	if (fsync(fd) < 0 && errno != ENOSPC)
		return -errno;
	return marker_remove(state_dir, m == MARK_OPEN ? MARK_RESUMED : MARK_OPEN);
}

/* Whatever the file holds, it goes into the journal: make it text. */
static void make_printable(char *text)
{
	json_t *utf8 = json_string(text);

	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || (!utf8 && *c & 0x80))
			*c = '?';
	json_decref(utf8);
}

bool marker_read(const char *state_dir, enum mark m, struct marker *ret)
{
	char path[512], text[sizeof(struct marker) + 2];
	own_fd int fd =
	    open(path_of(state_dir, m, path, sizeof(path)), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	*ret = (struct marker){ .by = "unknown" };
	if (fd < 0)
		return m == MARK_OPEN && errno != ENOENT; /* opened, should it not be readable */
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	char *rest = text, *by = strsep(&rest, "\n"), *reason = rest ? strsep(&rest, "\n") : NULL;

	if (*by)
		snprintf(ret->by, sizeof(ret->by), "%s", by);
	if (reason)
		snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
	make_printable(ret->by);
	make_printable(ret->reason);
	return true;
}

int marker_remove(const char *state_dir, enum mark m)
{
	char path[512];

	if (unlink(path_of(state_dir, m, path, sizeof(path))) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}
