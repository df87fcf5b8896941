/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signkey: the Ed25519 key a mail provider signs its declarations with.
 *
 * Three texts: the key file (secret, mode 0600: the caller's business), the
 * public part as one word ("porteiro-ed25519:" and base64), and the public part
 * as the value of a DNS TXT record ("v=porteiro1; k=ed25519; p=" and base64),
 * published at _porteiro.<provider's domain>.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

#define SIGNKEY_PUBLIC_BYTES 32
#define SIGNKEY_SEED_BYTES   32
#define SIGNATURE_BYTES      64
#define SIGNKEY_TEXT_MAX     256 /* any of the three texts, with its NUL */
#define SIGNKEY_ID_TEXT      17  /* 16 hex digits and a NUL */

struct signkey_public {
	uint8_t bytes[SIGNKEY_PUBLIC_BYTES];
};

struct signkey {
	uint8_t seed[SIGNKEY_SEED_BYTES]; /* secret */
	struct signkey_public pub;
};

/* A fresh key from the system's randomness. -EIO if there is none to be had. */
int signkey_new(struct signkey *ret);

/* The key file's text, and back. Parsing checks that the two halves belong together. */
void signkey_text(const struct signkey *k, char ret[SIGNKEY_TEXT_MAX]);
int signkey_parse(const char *text, struct signkey *ret, struct why *why);

/* The public part in its two texts; parsing takes either, or a whole zone-file line of the latter.
 */
void signkey_public_text(const struct signkey_public *p, char ret[SIGNKEY_TEXT_MAX]);
void signkey_public_txt(const struct signkey_public *p, char ret[SIGNKEY_TEXT_MAX]);
int signkey_public_parse(const char *text, struct signkey_public *ret, struct why *why);

/* The first 8 bytes of SHA-256 of the public part, in hex: what people compare by telephone. */
void signkey_id(const struct signkey_public *p, char ret[SIGNKEY_ID_TEXT]);

void signkey_sign(const struct signkey *k, const void *bytes, size_t len,
		  uint8_t ret[SIGNATURE_BYTES]);
_Bool signkey_verify(const struct signkey_public *p, const void *bytes, size_t len,
		     const uint8_t signature[SIGNATURE_BYTES]);
