/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int text_fill(int fd, size_t bytes_max, struct text **ret)
{
	size_t room = 64 * 1024, len = 0;
	own(text) struct text *t = malloc(sizeof(*t) + room + 1);

	if (!t)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, t->bytes + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > bytes_max)
			return -EFBIG;
		if (len < room)
			continue;
		room *= 2;
		struct text *larger = realloc(t, sizeof(*t) + room + 1);
		if (!larger)
			return -ENOMEM;
		t = larger;
	}
	t->len = len;
	t->bytes[len] = '\0';
	*ret = take(t);
	return 0;
}

int text_read(const char *path, size_t bytes_max, struct text **ret)
{
	if (strcmp(path, "-") == 0)
		return text_fill(STDIN_FILENO, bytes_max, ret);

	own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return text_fill(fd, bytes_max, ret);
}

void text_free(struct text *t)
{
	free(t);
}
