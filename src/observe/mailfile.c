/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/mailfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "wire/mail.h"

#define PIECE (256 * 1024) /* stays in the second-level cache */

struct splitter {
	const struct mailfile_reader *reader;
	char *buffer;  /* MAIL_LINE_MAX for the line begun, then PIECE */
	size_t held;   /* bytes of the line begun, at the buffer's start */
	bool skipping; /* inside a line that is too long */
};

static int give(struct splitter *s, const char *at, size_t len)
{
	if (s->skipping) {
		s->skipping = false;
		s->reader->overlong(s->reader->ctx);
		return 0;
	}
	if (len && at[len - 1] == '\r')
		len--;
	if (len > MAIL_LINE_MAX) {
		s->reader->overlong(s->reader->ctx);
		return 0;
	}
	return s->reader->line(s->reader->ctx, (struct slice){ at, len });
}

/* `len` new bytes stand behind the held ones. */
static int split(struct splitter *s, size_t len)
{
	const char *p = s->buffer, *end = s->buffer + s->held + len;
	const char *scan = p + s->held; /* the held part has no newline */

	for (;;) {
		const char *newline = memchr(scan, '\n', (size_t)(end - scan));
		if (!newline)
			break;
		int r = give(s, p, (size_t)(newline - p));
		if (r < 0)
			return r;
		p = scan = newline + 1;
	}
	s->held = (size_t)(end - p);
	if (s->held > MAIL_LINE_MAX) {
		s->skipping = true;
		s->held = 0;
	}
	memmove(s->buffer, p, s->held);
	return 0;
}

static int split_end(struct splitter *s)
{
	if (!s->held && !s->skipping)
		return 0;
	return give(s, s->buffer, s->held);
}

static int read_plain(int fd, struct splitter *s)
{
	for (;;) {
		ssize_t n = read(fd, s->buffer + s->held, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return split_end(s);
		int r = split(s, (size_t)n);
		if (r < 0)
			return r;
		if (s->reader->progress)
			s->reader->progress(s->reader->ctx, (uint64_t)n);
	}
}

int mailfile_read(const char *path, const struct mailfile_reader *reader, struct why *why)
{
	own_fd int opened = -1;
	int fd = STDIN_FILENO;

	if (strcmp(path, "-") != 0) {
		opened = fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return why_set(why, -errno, "%s: %s", path, strerror(errno));
	}
	own_mem char *buffer = malloc(MAIL_LINE_MAX + PIECE + 64);
	if (!buffer)
		return -ENOMEM;
	struct splitter s = { .reader = reader, .buffer = buffer };
	int r = read_plain(fd, &s);
	if (r < 0 && why && !why->code)
		why_set(why, r, "%s: %s", path, strerror(-r));
	return r;
}

int64_t mailfile_time(const char *path, int64_t now)
{
	struct stat st;

	if (strcmp(path, "-") == 0 || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return now;
	return st.st_mtim.tv_sec;
}
