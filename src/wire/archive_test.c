/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/archive.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cmocka.h"

#define PLAIN 3000000

static char plain[PLAIN], packed[PLAIN], got[2 * PLAIN];
static size_t got_len;

static int collect(void *ctx, struct slice s)
{
	(void)ctx;
	assert_true(got_len + s.len <= sizeof(got));
	memcpy(got + got_len, s.at, s.len);
	got_len += s.len;
	return 0;
}

static int count(void *ctx, struct slice s)
{
	(void)ctx;
	got_len += s.len;
	return 0;
}

static void fill(void)
{
	unsigned v = 1;

	for (size_t i = 0; i < PLAIN; i++) {
		v = v * 1103515245 + 12345;
		plain[i] = (char)('a' + (v >> 16) % 7);
	}
}

static size_t gzip(const char *in, size_t len, char *out, size_t room)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)in;
	z.avail_in = (unsigned)len;
	z.next_out = (unsigned char *)out;
	z.avail_out = (unsigned)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static size_t pack(enum archive_kind kind)
{
	size_t pos = 0;

	switch (kind) {
	case ARCHIVE_GZIP: /* two members */
		pos = gzip(plain, 1000, packed, PLAIN);
		return pos + gzip(plain + 1000, PLAIN - 1000, packed + pos, PLAIN - pos);
	case ARCHIVE_ZSTD:
		return ZSTD_compress(packed, PLAIN, plain, PLAIN, 1);
	default:
		assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL,
							 (uint8_t *)plain, PLAIN, (uint8_t *)packed,
							 &pos, PLAIN),
				 LZMA_OK);
		return pos;
	}
}

/* Feed in pieces of `step`; what feed or end said. */
static int feed(enum archive_kind kind, size_t len, size_t step, archive_sink *sink)
{
	own(archive) struct archive *u = NULL;
	int r = archive_new(kind, sink, NULL, &u);

	got_len = 0;
	for (size_t i = 0; r == 0 && i < len; i += step)
		r = archive_feed(u, slice_cut((struct slice){ packed + i, len - i }, step));
	return r < 0 ? r : archive_end(u);
}

static void all_kinds_in_all_pieces(void **state)
{
	static const size_t steps[] = { PLAIN, 65536, 777 };
	(void)state;

	fill();
	for (int k = ARCHIVE_GZIP; k <= ARCHIVE_XZ; k++) {
		size_t len = pack((enum archive_kind)k);

		assert_int_equal(archive_kind_of((struct slice){ packed, 6 }), k);
		for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
			assert_int_equal(feed((enum archive_kind)k, len, steps[i], collect), 0);
			assert_int_equal(got_len, PLAIN);
			assert_memory_equal(got, plain, PLAIN);
		}
		/* Cut short, and damaged in the middle. */
		assert_int_equal(feed((enum archive_kind)k, len - 9, 65536, collect), -EBADMSG);
		packed[len / 2] ^= 0x55;
		packed[len / 2 + 1] ^= 0x55;
		if (k != ARCHIVE_ZSTD) /* ordinary zstd has no check sum */
			assert_true(feed((enum archive_kind)k, len, 65536, collect) < 0);
	}
	assert_int_equal(archive_kind_of(SLICE("Nov 21 22:54")), ARCHIVE_PLAIN);
	assert_int_equal(archive_kind_of(SLICE("")), ARCHIVE_PLAIN);
}

static void the_fast_way_says_the_same(void **state)
{
	(void)state;
	fill();
	size_t len = pack(ARCHIVE_GZIP);

	got_len = 0;
	assert_int_equal(archive_gzip_whole((struct slice){ packed, len }, 1 << 28, collect, NULL),
			 0);
	assert_int_equal(got_len, PLAIN);
	assert_memory_equal(got, plain, PLAIN);
	got_len = 0;
	assert_int_equal(archive_gzip_whole((struct slice){ packed, len }, 1 << 16, collect, NULL),
			 -E2BIG);
	assert_int_equal(got_len, 0);
	assert_true(archive_gzip_whole((struct slice){ packed, len - 5 }, 1 << 28, count, NULL) <
		    0);
	assert_int_equal(archive_gzip_whole((struct slice){ packed, 10 }, 1 << 28, count, NULL),
			 -EBADMSG);
}

static void bombs_are_refused(void **state)
{
	size_t len = 400u << 20, room = 4u << 20;
	char *zeros = calloc(1, len);
	(void)state;

	assert_non_null(zeros);
	size_t n = gzip(zeros, len, packed, room < PLAIN ? room : PLAIN);
	free(zeros);
	assert_int_equal(feed(ARCHIVE_GZIP, n, 65536, count), -EFBIG);
	assert_true(got_len < 300u << 20);
	got_len = 0;
	assert_int_equal(archive_gzip_whole((struct slice){ packed, n }, 1u << 30, count, NULL),
			 -EFBIG);
	assert_int_equal(got_len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_kinds_in_all_pieces),
		cmocka_unit_test(the_fast_way_says_the_same),
		cmocka_unit_test(bombs_are_refused),
	};

	return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
