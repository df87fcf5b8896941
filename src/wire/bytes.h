/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bytes: numbers out of byte strings, whatever the alignment and the machine.
 * The caller has checked that the bytes are there.
 */
#pragma once

#include <stdint.h>

static inline uint16_t be16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t be32(const uint8_t *b)
{
	return (uint32_t)be16(b) << 16 | be16(b + 2);
}

static inline uint16_t le16(const uint8_t *b)
{
	return (uint16_t)(b[1] << 8 | b[0]);
}

static inline uint32_t le32(const uint8_t *b)
{
	return (uint32_t)le16(b + 2) << 16 | le16(b);
}
