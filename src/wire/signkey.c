/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/signkey.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PUBLIC_PREFIX "porteiro-ed25519:"
#define TXT_PREFIX    "v=porteiro1; k=ed25519; p="
#define FILE_HEAD     "porteiro-key 1"

static void base64(const uint8_t bytes[32], char ret[48])
{
	sodium_bin2base64(ret, 48, bytes, 32, sodium_base64_VARIANT_ORIGINAL);
}

/* Exactly 32 bytes of base64 at `text`, up to a blank, quote, semicolon or the end. */
static _Bool unbase64(const char *text, uint8_t ret[32])
{
	size_t len = strcspn(text, " \t\r\n\";"), got;

	return sodium_base642bin(ret, 32, text, len, NULL, &got, NULL,
				 sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       got == 32;
}

int signkey_new(struct signkey *ret)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	if (sodium_init() < 0)
		return -EIO;
	randombytes_buf(ret->seed, sizeof(ret->seed));
	crypto_sign_seed_keypair(ret->pub.bytes, secret, ret->seed);
	sodium_memzero(secret, sizeof(secret));
	return 0;
}

void signkey_text(const struct signkey *k, char ret[SIGNKEY_TEXT_MAX])
{
	char seed[48], pub[48];

	base64(k->seed, seed);
	base64(k->pub.bytes, pub);
	snprintf(ret, SIGNKEY_TEXT_MAX, FILE_HEAD "\nsecret %s\npublic %s\n", seed, pub);
	sodium_memzero(seed, sizeof(seed));
}

int signkey_parse(const char *text, struct signkey *ret, struct why *why)
{
	const char *secret = strstr(text, "\nsecret "), *pub = strstr(text, "\npublic ");
	uint8_t full[crypto_sign_SECRETKEYBYTES], derived[SIGNKEY_PUBLIC_BYTES];
	struct signkey k;

	if (strncmp(text, FILE_HEAD "\n", strlen(FILE_HEAD) + 1) != 0)
		return why_set(why, -EINVAL, "it is not a porteiro key file");
	if (!secret || !pub || !unbase64(secret + 8, k.seed) || !unbase64(pub + 8, k.pub.bytes))
		return why_set(why, -EINVAL, "the key file is damaged");
	crypto_sign_seed_keypair(derived, full, k.seed);
	sodium_memzero(full, sizeof(full));
	if (memcmp(derived, k.pub.bytes, sizeof(derived)) != 0)
		return why_set(why, -EINVAL, "the key file's two halves do not belong together");
	*ret = k;
	return 0;
}

void signkey_public_text(const struct signkey_public *p, char ret[SIGNKEY_TEXT_MAX])
{
	char b[48];

	base64(p->bytes, b);
	snprintf(ret, SIGNKEY_TEXT_MAX, PUBLIC_PREFIX "%s", b);
}

void signkey_public_txt(const struct signkey_public *p, char ret[SIGNKEY_TEXT_MAX])
{
	char b[48];

	base64(p->bytes, b);
	snprintf(ret, SIGNKEY_TEXT_MAX, TXT_PREFIX "%s", b);
}

/* Tags in any order and spacing, as DKIM has them (RFC 6376 3.2). */
static const char *txt_key(const char *text)
{
	const char *p = NULL;
	_Bool version = 0, kind = 0;

	for (const char *t = strstr(text, "v="); t && *t;) {
		t += strspn(t, "; \t");
		size_t len = strcspn(t, ";\"");

		if (strncmp(t, "v=porteiro1", 11) == 0)
			version = 1;
		else if (strncmp(t, "k=ed25519", 9) == 0)
			kind = 1;
		else if (strncmp(t, "p=", 2) == 0)
			p = t + 2;
		t = t[len] == ';' ? t + len : NULL;
	}
	return version && kind ? p : NULL;
}

int signkey_public_parse(const char *text, struct signkey_public *ret, struct why *why)
{
	const char *b = strstr(text, PUBLIC_PREFIX);
	struct signkey_public p;

	b = b ? b + strlen(PUBLIC_PREFIX) : txt_key(text);
	if (!b)
		return why_set(why, -EINVAL,
			       "it is neither '" PUBLIC_PREFIX "…' nor '" TXT_PREFIX "…'");
	if (!unbase64(b, p.bytes))
		return why_set(why, -EINVAL, "the public key is not 32 bytes of base64");
	*ret = p;
	return 0;
}

void signkey_id(const struct signkey_public *p, char ret[SIGNKEY_ID_TEXT])
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, p->bytes, sizeof(p->bytes));
	sodium_bin2hex(ret, SIGNKEY_ID_TEXT, hash, 8);
}

void signkey_sign(const struct signkey *k, const void *bytes, size_t len,
		  uint8_t ret[SIGNATURE_BYTES])
{
	uint8_t pub[SIGNKEY_PUBLIC_BYTES], secret[crypto_sign_SECRETKEYBYTES];

	crypto_sign_seed_keypair(pub, secret, k->seed);
	crypto_sign_detached(ret, NULL, bytes, len, secret);
	sodium_memzero(secret, sizeof(secret));
}

_Bool signkey_verify(const struct signkey_public *p, const void *bytes, size_t len,
		     const uint8_t signature[SIGNATURE_BYTES])
{
	return crypto_sign_verify_detached(signature, bytes, len, p->bytes) == 0;
}
