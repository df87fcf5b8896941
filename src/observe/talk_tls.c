/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/talk_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

int tls_context(enum tls_kind kind, const char *ca, SSL_CTX **ret, struct why *why)
{
	static const char *const ciphers[] = {
		[TLS_ANY] = "DEFAULT:@SECLEVEL=0",
		[TLS_OLD] = "DEFAULT:@SECLEVEL=0",
		[TLS_WEAK] = "aNULL:eNULL:RC4:3DES:EXPORT:LOW:@SECLEVEL=0",
	};
	static const int most[] = {
		[TLS_ANY] = TLS1_3_VERSION, [TLS_OLD] = TLS1_1_VERSION, [TLS_WEAK] = TLS1_2_VERSION
	};
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	if (!c)
		return -ENOMEM;
	SSL_CTX_set_verify(c, SSL_VERIFY_NONE, NULL); /* judged, not enforced */
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (SSL_CTX_set_min_proto_version(c, TLS1_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(c, most[kind]) != 1 ||
	    SSL_CTX_set_cipher_list(c, ciphers[kind]) != 1) {
		SSL_CTX_free(c);
		return why_set(why, -ENOTSUP, "this OpenSSL can not offer old TLS");
	}
	int trusted = ca ? SSL_CTX_load_verify_file(c, ca) : SSL_CTX_set_default_verify_paths(c);
	if (trusted != 1) {
		SSL_CTX_free(c);
		return why_set(why, -EINVAL, "cannot read the trusted certificates in %s",
			       ca ? ca : "the system's store");
	}
	*ret = c;
	return 0;
}

static void note_names(X509 *cert, struct tls_heard *ret)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	size_t at = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && at < sizeof(ret->names) - 1; i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_DNS)
			at += (size_t)snprintf(ret->names + at, sizeof(ret->names) - at, "%s%.*s",
					       at ? " " : "", ASN1_STRING_length(n->d.dNSName),
					       (const char *)ASN1_STRING_get0_data(n->d.dNSName));
	}
	GENERAL_NAMES_free(names);
	for (char *c = ret->names; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
}

static void note_key(X509 *cert, struct tls_heard *ret)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	int digest = NID_undef;

	if (key) {
		const char *kind = EVP_PKEY_get0_type_name(key);

		ret->key_bits = EVP_PKEY_get_bits(key);
		snprintf(ret->key_kind, sizeof(ret->key_kind), "%s", kind ? kind : "?");
	}
	X509_get_signature_info(cert, &digest, NULL, NULL, NULL);
	ret->weak_digest = digest == NID_md5 || digest == NID_sha1;
}

void tls_note(SSL *ssl, const char *host, struct tls_heard *ret)
{
	unsigned char address[16];
	struct tm tm;
	long verified = SSL_get_verify_result(ssl);
	X509 *cert = SSL_get1_peer_certificate(ssl);

	ret->done = 1;
	snprintf(ret->version, sizeof(ret->version), "%s", SSL_get_version(ssl));
	snprintf(ret->cipher, sizeof(ret->cipher), "%s", SSL_get_cipher_name(ssl));
	if (!cert) {
		snprintf(ret->chain_error, sizeof(ret->chain_error), "no certificate");
		return;
	}
	ret->host_is_ip =
	    inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
	ret->name_good = ret->host_is_ip ? X509_check_ip_asc(cert, host, 0) == 1
					 : X509_check_host(cert, host, 0, 0, NULL) == 1;
	ret->chain_good = verified == X509_V_OK;
	snprintf(ret->chain_error, sizeof(ret->chain_error), "%s",
		 X509_verify_cert_error_string(verified));
	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1)
		ret->until_s = timegm(&tm);
	note_names(cert, ret);
	note_key(cert, ret);
	X509_free(cert);
}

void tls_note_error(struct tls_heard *ret)
{
	unsigned long e = ERR_get_error();
	const char *reason = ERR_reason_error_string(e);

	snprintf(ret->error, sizeof(ret->error), "%s",
		 reason ? reason : "the connection was closed");
	ERR_clear_error();
}
