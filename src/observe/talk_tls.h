/* SPDX-License-Identifier: BSD-2-Clause */
/* talk_tls: the TLS side of a talk. Private to observe/talk*.c. */
#pragma once

#include <openssl/ssl.h>

#include "base/why.h"
#include "wire/submission.h"

enum tls_kind {
	TLS_ANY,  /* whatever the server likes best */
	TLS_OLD,  /* 1.0 and 1.1 only */
	TLS_WEAK, /* anonymous, NULL, RC4 and 3DES ciphers only (as far as OpenSSL still has them)
		   */
	TLS_KIND_COUNT_,
};

int tls_context(enum tls_kind kind, const char *ca, SSL_CTX **ret, struct why *why);

/* After the handshake: what was negotiated, and the certificate. */
void tls_note(SSL *ssl, const char *host, struct tls_heard *ret);

/* Why it failed, from OpenSSL's error queue. */
void tls_note_error(struct tls_heard *ret);
