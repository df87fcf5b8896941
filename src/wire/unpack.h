/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unpack: gzip, zstd and xz → plain bytes, in pieces, with bounds against bombs.
 *
 * Told apart by their first bytes, never by the file's name. Members may follow
 * each other, as rotated logs that were concatenated have them. What expands
 * more than UNPACK_RATIO_MAX-fold (beyond a first UNPACK_FREE bytes) is refused
 * with -EFBIG; zstd windows above 128 MiB and xz filters that want more memory
 * than that with -ENOMEM. Broken data is -EBADMSG, and so is an end too early.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/own.h"
#include "base/slice.h"

#define UNPACK_RATIO_MAX 250
#define UNPACK_FREE      (64L * 1024 * 1024)
#define UNPACK_MAGIC     6 /* bytes that tell the kind */

enum unpack_kind { UNPACK_PLAIN, UNPACK_GZIP, UNPACK_ZSTD, UNPACK_XZ };

/* Plain bytes of the archive; a negative return stops and is passed up. */
typedef int unpack_sink(void *ctx, struct slice bytes);

enum unpack_kind unpack_kind_of(struct slice head);

struct unpack;

int unpack_new(enum unpack_kind kind, unpack_sink *sink, void *ctx, struct unpack **ret);
void unpack_free(struct unpack *u);
OWNABLE(unpack)

int unpack_feed(struct unpack *u, struct slice packed);
/* There is no more: -EBADMSG if the archive is not complete. */
int unpack_end(struct unpack *u);

/*
 * The whole of a gzip file at once, two to three times as fast: every member is
 * given to the sink in one piece, from a buffer of at most `bytes_max`. -E2BIG
 * before anything was given if a member does not fit: then feed it in pieces.
 */
int unpack_gzip_whole(struct slice packed, size_t bytes_max, unpack_sink *sink, void *ctx);
