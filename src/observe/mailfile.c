/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/mailfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "wire/archive.h"
#include "wire/mail.h"

#define GZIP_WHOLE_MAX (64L * 1024 * 1024)   /* packed bytes */
#define UNPACKED_MAX   (1024L * 1024 * 1024) /* plain bytes held at once */
#define PIECE          (256 * 1024)          /* stays in the second-level cache */

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

/* Bytes from elsewhere, through the same buffer. */
static int split_bytes(void *ctx, struct slice bytes)
{
	struct splitter *s = ctx;

	while (bytes.len) {
		struct slice piece = slice_cut(bytes, PIECE);
		memcpy(s->buffer + s->held, piece.at, piece.len);
		int r = split(s, piece.len);
		if (r < 0)
			return r;
		bytes = slice_from(bytes, piece.len);
	}
	return 0;
}

static ssize_t read_some(int fd, char *buffer, size_t room)
{
	ssize_t n;

	do
		n = read(fd, buffer, room);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* At least the bytes that tell the kind, unless the file is shorter. */
static ssize_t read_head(int fd, char *buffer)
{
	ssize_t have = 0;

	while (have < ARCHIVE_MAGIC) {
		ssize_t n = read_some(fd, buffer + have, PIECE - (size_t)have);
		if (n < 0)
			return n;
		if (n == 0)
			break;
		have += n;
	}
	return have;
}

static void progress(const struct splitter *s, ssize_t bytes)
{
	if (s->reader->progress)
		s->reader->progress(s->reader->ctx, (uint64_t)bytes);
}

static int read_plain(int fd, struct splitter *s, ssize_t have)
{
	while (have > 0) {
		int r = split(s, (size_t)have);
		if (r < 0)
			return r;
		progress(s, have);
		have = read_some(fd, s->buffer + s->held, PIECE);
	}
	return have < 0 ? (int)have : split_end(s);
}

static int read_packed(int fd, enum archive_kind kind, struct splitter *s, ssize_t have)
{
	own_mem char *packed = malloc(PIECE);
	own(archive) struct archive *u = NULL;
	int r = packed ? archive_new(kind, split_bytes, s, &u) : -ENOMEM;

	if (r < 0)
		return r;
	memcpy(packed, s->buffer, (size_t)have);
	while (have > 0) {
		r = archive_feed(u, (struct slice){ packed, (size_t)have });
		if (r < 0)
			return r;
		progress(s, have);
		have = read_some(fd, packed, PIECE);
	}
	r = have < 0 ? (int)have : archive_end(u);
	return r < 0 ? r : split_end(s);
}

/* A gzip file of ordinary size is unpacked whole, which is twice as fast. */
static int read_gzip(int fd, struct splitter *s, ssize_t have)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > GZIP_WHOLE_MAX)
		return read_packed(fd, ARCHIVE_GZIP, s, have);
	/* Read, not mapped: a log may be cut while it is read, and a map would kill us. */
	size_t room = (size_t)st.st_size, len = (size_t)have;
	own_mem char *packed = malloc(room < PIECE ? PIECE : room);
	if (!packed)
		return -ENOMEM;
	memcpy(packed, s->buffer, len);
	while (len < room) {
		ssize_t n = read_some(fd, packed + len, room - len);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	int r = archive_gzip_whole((struct slice){ packed, len }, UNPACKED_MAX, split_bytes, s);
	if (r == -E2BIG && lseek(fd, 0, SEEK_SET) == 0) {
		ssize_t again = read_some(fd, s->buffer, PIECE);
		return again < 0 ? (int)again : read_packed(fd, ARCHIVE_GZIP, s, again);
	}
	progress(s, st.st_size);
	return r < 0 ? r : split_end(s);
}

static int read_any(int fd, struct splitter *s)
{
	ssize_t have = read_head(fd, s->buffer);

	if (have < 0)
		return (int)have;
	enum archive_kind kind = archive_kind_of((struct slice){ s->buffer, (size_t)have });
	if (kind == ARCHIVE_PLAIN)
		return read_plain(fd, s, have);
	return kind == ARCHIVE_GZIP ? read_gzip(fd, s, have) : read_packed(fd, kind, s, have);
}

static const char *reason(int r)
{
	switch (r) {
	case -EBADMSG:
		return "the archive is damaged or cut short";
	case -EFBIG:
		return "it expands more than any log does; refused";
	default:
		return strerror(-r);
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
	int r = read_any(fd, &s);
	if (r < 0 && why && !why->code)
		why_set(why, r, "%s: %s", path, reason(r));
	return r;
}

int64_t mailfile_time(const char *path, int64_t now)
{
	struct stat st;

	if (strcmp(path, "-") == 0 || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return now;
	return st.st_mtim.tv_sec;
}
