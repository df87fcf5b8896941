/* SPDX-License-Identifier: BSD-2-Clause */
/* SMTP replies: the same whatever pieces they come in, and within bounds. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "wire/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct smtp_reply whole, pieces;
	const char *text = (const char *)data;
	char words[64], code[12], line[80];
	size_t at = 0;

	smtp_reply_reset(&whole);
	smtp_reply_reset(&pieces);
	smtp_reply_feed(&whole, text, bytes);
	while (at < bytes && smtp_reply_feed(&pieces, text + at, 1) == 1)
		at++;
	assert(whole.code == pieces.code && whole.fault == pieces.fault);
	assert(whole.complete == pieces.complete && strcmp(whole.text, pieces.text) == 0);
	assert(whole.len < SMTP_REPLY_TEXT && strlen(whole.text) == whole.len);
	assert(whole.lines <= SMTP_REPLY_LINES);
	if (smtp_reply_keyword(&whole, "AUTH", words, sizeof(words)))
		smtp_word(words, "PLAIN");
	smtp_reply_enhanced(&whole, code);
	smtp_reply_excerpt(&whole, line, sizeof(line));
	return 0;
}
