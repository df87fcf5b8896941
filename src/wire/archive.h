/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * archive: gzip, zstd and xz → plain bytes, in pieces, with bounds against bombs.
 *
 * Told apart by their first bytes, never by the file's name. Members may follow
 * each other, as rotated logs that were concatenated have them. What expands
 * more than ARCHIVE_RATIO_MAX-fold (beyond a first ARCHIVE_FREE bytes) is refused
 * with -EFBIG; zstd windows above 128 MiB and xz filters that want more memory
 * than that with -ENOMEM. Broken data is -EBADMSG, and so is an end too early.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/own.h"
#include "base/slice.h"

#define ARCHIVE_RATIO_MAX 250
#define ARCHIVE_FREE      (64L * 1024 * 1024)
#define ARCHIVE_MAGIC     6 /* bytes that tell the kind */

enum archive_kind { ARCHIVE_PLAIN, ARCHIVE_GZIP, ARCHIVE_ZSTD, ARCHIVE_XZ };

/* Plain bytes of the archive; a negative return stops and is passed up. */
typedef int archive_sink(void *ctx, struct slice bytes);

enum archive_kind archive_kind_of(struct slice head);

struct archive;

int archive_new(enum archive_kind kind, archive_sink *sink, void *ctx, struct archive **ret);
void archive_free(struct archive *u);
OWNABLE(archive)

int archive_feed(struct archive *u, struct slice packed);
/* There is no more: -EBADMSG if the archive is not complete. */
int archive_end(struct archive *u);

/*
 * The whole of a gzip file at once, two to three times as fast: every member is
 * given to the sink in one piece, from a buffer of at most `bytes_max`. -E2BIG
 * before anything was given if a member does not fit: then feed it in pieces.
 */
int archive_gzip_whole(struct slice packed, size_t bytes_max, archive_sink *sink, void *ctx);
