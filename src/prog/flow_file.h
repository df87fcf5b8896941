/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_file: flow records out of files: captures of export traffic, bare UDP
 * payloads, and nfcapd archives, which nfdump reads for us.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/why.h"
#include "wire/flow.h"

enum file_kind { FILE_OTHER, FILE_CAPTURE, FILE_ARCHIVE };

/* By its first bytes; the file is rewound. */
enum file_kind file_kind_of(FILE *file);

/* Records from archives reach `fn` directly: they have no exporter. */
int flow_file_feed(const char *path, struct flow_decoder *d, flow_record_fn fn, void *arg,
		   uint64_t *ret_archived, struct why *why);
/* The same with a decoder of its own. */
int flow_file_read(const char *path, const struct flow_options *options, flow_record_fn fn,
		   void *arg, struct why *why);
