/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/dns_question.h"

#include "wire/reader.h"

#define FLAG_ANSWER     0x8000
#define LABEL_BYTES_MAX 63 /* more is a compression pointer, which a question has no use for */
#define NAME_BYTES_MAX  255

static uint64_t mix(uint64_t h, uint8_t byte)
{
	h = (h ^ byte) * 0x100000001b3u;
	return h ^ h >> 29;
}

bool dns_question(const uint8_t *bytes, size_t len, uint64_t hash_key, uint16_t *ret_type,
		  uint64_t *ret_name)
{
	struct reader r = reader_of(bytes, len);

	reader_u16(&r); /* id */
	bool answer = reader_u16(&r) & FLAG_ANSWER;
	bool one = reader_u16(&r) == 1;

	reader_take(&r, 6);
	if (r.short_ || answer || !one)
		return false;

	uint64_t name = hash_key ^ 0xcbf29ce484222325u;
	size_t bytes_left = NAME_BYTES_MAX;
	for (uint8_t label; (label = reader_u8(&r)) != 0;) {
		const uint8_t *b = reader_take(&r, label);

		if (!b || label > LABEL_BYTES_MAX || label + 1u > bytes_left)
			return false;
		bytes_left -= label + 1u;
		name = mix(name, '.');
		for (unsigned i = 0; i < label; i++)
			name =
			    mix(name, b[i] >= 'A' && b[i] <= 'Z' ? (uint8_t)(b[i] | 0x20) : b[i]);
	}
	*ret_type = reader_u16(&r);
	*ret_name = name;
	return !r.short_;
}
