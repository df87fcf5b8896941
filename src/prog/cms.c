/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/cms.h"

#include <errno.h>
#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/own.h"

struct signer {
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) * chain;
	BIO *in, *out;
	CMS_ContentInfo *cms;
};

static void signer_free(struct signer *s)
{
	X509_free(s->cert);
	EVP_PKEY_free(s->key);
	sk_X509_pop_free(s->chain, X509_free);
	BIO_free(s->in);
	BIO_free(s->out);
	CMS_ContentInfo_free(s->cms);
}
OWNABLE(signer)

static int openssl_why(struct why *why, const char *what, const char *path)
{
	char text[120];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	return why_set(why, -EINVAL, "%s %s: %s", what, path, text);
}

static int load(struct signer *s, const char *cert, const char *key, struct why *why)
{
	own_file FILE *c = fopen(cert, "re");
	if (!c)
		return why_set(why, -errno, "cannot read %s: %s", cert, strerror(errno));
	own_file FILE *k = fopen(key, "re");
	if (!k)
		return why_set(why, -errno, "cannot read %s: %s", key, strerror(errno));
	s->cert = PEM_read_X509(c, NULL, NULL, NULL);
	if (!s->cert)
		return openssl_why(why, "no certificate in", cert);
	for (X509 *x; (x = PEM_read_X509(c, NULL, NULL, NULL));)
		sk_X509_push(s->chain, x);
	ERR_clear_error(); /* the end of the file is not a failure */
	s->key = PEM_read_PrivateKey(k, NULL, NULL, NULL);
	if (!s->key)
		return openssl_why(why, "no private key in", key);
	if (X509_check_private_key(s->cert, s->key) != 1)
		return openssl_why(why, "the certificate does not belong to", key);
	return 0;
}

int cms_sign(const char *cert, const char *key, const void *bytes, size_t len, unsigned char **ret,
	     size_t *ret_len, struct why *why)
{
	struct signer whole = { .chain = sk_X509_new_null() };
	own(signer) struct signer *s = &whole;
	int r = load(s, cert, key, why);

	if (r < 0)
		return r;
	if (len > INT_MAX)
		return -EFBIG;
	s->in = BIO_new_mem_buf(bytes, (int)len);
	s->out = BIO_new(BIO_s_mem());
	s->cms = CMS_sign(s->cert, s->key, s->chain, s->in, CMS_BINARY | CMS_NOSMIMECAP);
	if (!s->cms || !s->out || i2d_CMS_bio(s->out, s->cms) != 1)
		return openssl_why(why, "cannot sign with", key);

	char *der;
	long n = BIO_get_mem_data(s->out, &der);
	unsigned char *copy = malloc((size_t)n);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, der, (size_t)n);
	*ret = copy;
	*ret_len = (size_t)n;
	return 0;
}
