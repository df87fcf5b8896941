/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dns_question: what a DNS query asks for: its type, and its name as a hash.
 *
 * The name itself is not kept: that somebody looked up many mail exchangers is
 * evidence, whose they were is nobody's business. RFC 1035 4.1.2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_TYPE_MX 15

/* True for a query (not an answer) with one question that can be read. */
bool dns_question(const uint8_t *bytes, size_t len, uint64_t hash_key, uint16_t *ret_type,
		  uint64_t *ret_name);
