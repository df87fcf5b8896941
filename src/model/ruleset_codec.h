/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ruleset_codec: the canonical bytes of a ruleset, which are also what its hash
 * is taken of. Little-endian, no padding:
 *
 *   8   "PORTRUL1"
 *   16  counts as u32: classes, v4 intervals, v6 intervals, smarthost ranges
 *   48  per class: name[32], cause, mode, inbound, strict, under u16, 0 u16, until i64
 *   6   per v4 interval: first u32, class u16
 *   18  per v6 interval: first u128, class u16
 *   33  per smarthost range: family, first u128, last u128
 *   32  BLAKE2b-256 of all before
 */
#pragma once

#include "model/ruleset.h"

/* Compute rs->hash; for ruleset_finish() alone. */
void ruleset_seal(struct ruleset *rs);
