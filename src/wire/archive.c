/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/archive.h"

#include <errno.h>
#include <libdeflate.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define PIECE      (256 * 1024)
#define MEMORY_MAX (128L * 1024 * 1024)
#define WINDOW_LOG 27 /* 128 MiB */

struct archive {
	enum archive_kind kind;
	archive_sink *sink;
	void *ctx;
	uint64_t in, out;
	bool inside; /* a member has begun and not ended */
	union {
		z_stream zlib;
		ZSTD_DStream *zstd;
		lzma_stream lzma;
	};
	char piece[PIECE];
};

enum archive_kind archive_kind_of(struct slice head)
{
	if (slice_starts(head, SLICE("\x1f\x8b\x08")))
		return ARCHIVE_GZIP;
	if (slice_starts(head, SLICE("\x28\xb5\x2f\xfd")))
		return ARCHIVE_ZSTD;
	if (slice_starts(head, (struct slice){ "\xfd\x37zXZ\0", 6 }))
		return ARCHIVE_XZ;
	return ARCHIVE_PLAIN;
}

static int open_codec(struct archive *u)
{
	switch (u->kind) {
	case ARCHIVE_GZIP: /* 16: gzip header and trailer wanted */
		return inflateInit2(&u->zlib, 16 + MAX_WBITS) == Z_OK ? 0 : -ENOMEM;
	case ARCHIVE_ZSTD:
		u->zstd = ZSTD_createDStream();
		if (!u->zstd)
			return -ENOMEM;
		ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
		return 0;
	case ARCHIVE_XZ:
		u->lzma = (lzma_stream)LZMA_STREAM_INIT;
		return lzma_stream_decoder(&u->lzma, MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK
			   ? 0
			   : -ENOMEM;
	default:
		return -EINVAL;
	}
}

int archive_new(enum archive_kind kind, archive_sink *sink, void *ctx, struct archive **ret)
{
	struct archive *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->kind = kind;
	u->sink = sink;
	u->ctx = ctx;
	int r = open_codec(u);
	if (r < 0) {
		free(u);
		return r;
	}
	*ret = u;
	return 0;
}

void archive_free(struct archive *u)
{
	if (!u)
		return;
	if (u->kind == ARCHIVE_GZIP)
		inflateEnd(&u->zlib);
	else if (u->kind == ARCHIVE_ZSTD)
		ZSTD_freeDStream(u->zstd);
	else
		lzma_end(&u->lzma);
	free(u);
}

static bool too_much(uint64_t in, uint64_t out)
{
	return out > ARCHIVE_FREE && (out - ARCHIVE_FREE) / ARCHIVE_RATIO_MAX > in;
}

static int give(struct archive *u, size_t len)
{
	u->out += len;
	if (too_much(u->in, u->out))
		return -EFBIG;
	return len ? u->sink(u->ctx, (struct slice){ u->piece, len }) : 0;
}

static int feed_gzip(struct archive *u, struct slice packed)
{
	u->zlib.next_in = (unsigned char *)(uintptr_t)packed.at;
	u->zlib.avail_in = (unsigned)packed.len;
	for (;;) {
		if (!u->inside) { /* RFC 1952 2.2: the next member, or zeros to a block's end */
			while (u->zlib.avail_in && *u->zlib.next_in == 0 && u->out) {
				u->zlib.next_in++;
				u->zlib.avail_in--;
			}
			if (!u->zlib.avail_in)
				return 0;
			inflateReset(&u->zlib);
			u->inside = true;
		}
		u->zlib.next_out = (unsigned char *)u->piece;
		u->zlib.avail_out = PIECE;
		int z = inflate(&u->zlib, Z_NO_FLUSH);
		if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
			return z == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
		size_t len = PIECE - u->zlib.avail_out;
		int r = give(u, len);
		if (r < 0)
			return r;
		if (z == Z_STREAM_END)
			u->inside = false;
		else if (len < PIECE && !u->zlib.avail_in)
			return 0;
	}
}

static int feed_zstd(struct archive *u, struct slice packed)
{
	ZSTD_inBuffer in = { packed.at, packed.len, 0 };

	for (;;) {
		ZSTD_outBuffer out = { u->piece, PIECE, 0 };
		if (in.pos == in.size && !u->inside)
			return 0;
		size_t left = ZSTD_decompressStream(u->zstd, &out, &in);
		if (ZSTD_isError(left))
			return -EBADMSG;
		u->inside = left != 0;
		int r = give(u, out.pos);
		if (r < 0)
			return r;
		if (in.pos == in.size && out.pos < PIECE)
			return 0;
	}
}

static int run_xz(struct archive *u, lzma_action action)
{
	for (;;) {
		u->lzma.next_out = (uint8_t *)u->piece;
		u->lzma.avail_out = PIECE;
		lzma_ret z = lzma_code(&u->lzma, action);
		size_t len = PIECE - u->lzma.avail_out;
		int r = give(u, len);
		if (r < 0)
			return r;
		if (z == LZMA_STREAM_END)
			return 0;
		if (z == LZMA_MEM_ERROR || z == LZMA_MEMLIMIT_ERROR)
			return -ENOMEM;
		if (z != LZMA_OK && z != LZMA_BUF_ERROR)
			return -EBADMSG;
		if (len < PIECE && !u->lzma.avail_in)
			return action == LZMA_FINISH ? -EBADMSG : 0;
	}
}

int archive_feed(struct archive *u, struct slice packed)
{
	u->in += packed.len;
	switch (u->kind) {
	case ARCHIVE_GZIP:
		return feed_gzip(u, packed);
	case ARCHIVE_ZSTD:
		return feed_zstd(u, packed);
	default:
		u->lzma.next_in = (const uint8_t *)packed.at;
		u->lzma.avail_in = packed.len;
		return run_xz(u, LZMA_RUN);
	}
}

int archive_end(struct archive *u)
{
	if (u->kind == ARCHIVE_XZ) {
		u->lzma.avail_in = 0;
		return run_xz(u, LZMA_FINISH);
	}
	return u->inside ? -EBADMSG : 0;
}

/* RFC 1952 2.3.1: the trailer's ISIZE, if this is the only member and below 4 GiB. */
static size_t isize(struct slice packed)
{
	const uint8_t *p = (const uint8_t *)packed.at + packed.len - 4;

	return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

static int grow(char **buffer, size_t *room, size_t wanted, size_t bytes_max)
{
	if (wanted > bytes_max)
		return -E2BIG;
	free(*buffer);
	*buffer = malloc(wanted);
	*room = *buffer ? wanted : 0;
	return *buffer ? 0 : -ENOMEM;
}

int archive_gzip_whole(struct slice packed, size_t bytes_max, archive_sink *sink, void *ctx)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	char *buffer = NULL;
	size_t room = 0, used, len;
	uint64_t in = 0, out = 0;
	int r = d && packed.len > 18 ? 0 : d ? -EBADMSG : -ENOMEM;

	if (r == 0)
		r = grow(&buffer, &room, isize(packed) + 1, bytes_max);
	while (r == 0 && packed.len && packed.at[0] != 0) {
		enum libdeflate_result z = libdeflate_gzip_decompress_ex(d, packed.at, packed.len,
									 buffer, room, &used, &len);
		if (z == LIBDEFLATE_INSUFFICIENT_SPACE) {
			/* Several members, and the last one's size told nothing of this one. */
			size_t more = room < PIECE ? PIECE : room * 2;
			if (too_much(packed.len, more / 2))
				r = -EFBIG;
			else
				r = grow(&buffer, &room, more, bytes_max);
			if (r == -E2BIG && out)
				r = -EFBIG;
			continue;
		}
		if (z != LIBDEFLATE_SUCCESS) {
			r = -EBADMSG;
			break;
		}
		in += used;
		out += len;
		packed = slice_from(packed, used);
		r = too_much(in, out) ? -EFBIG : sink(ctx, (struct slice){ buffer, len });
	}
	free(buffer);
	libdeflate_free_decompressor(d);
	return r;
}
