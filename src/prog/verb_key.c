/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro key: make and show the key a provider signs declarations with. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "prog/file_put.h"
#include "prog/verb_provider.h"
#include "wire/signkey.h"

static const char usage[] =
    "usage: porteiro key new FILE [--domain D] [--json]\n"
    "       porteiro key show FILE [--domain D] [--json]\n\n"
    "Makes an Ed25519 key in FILE (mode 0600, never overwritten), or shows the public part of\n"
    "one: as a word to hand over, and as the DNS TXT record to publish.\n\n"
    "  --domain D   the provider's domain, for the record's name\n"
    "  --json       print JSON\n";

static void show(const struct signkey_public *p, const char *domain, _Bool json)
{
	char text[SIGNKEY_TEXT_MAX], txt[SIGNKEY_TEXT_MAX], id[SIGNKEY_ID_TEXT];

	signkey_public_text(p, text);
	signkey_public_txt(p, txt);
	signkey_id(p, id);
	if (json) {
		json_t *j = json_pack("{s:s,s:s,s:s,s:s+}", "id", id, "public", text, "dns_txt",
				      txt, "dns_name", "_porteiro.", domain);
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(j);
		return;
	}
	printf("key     %s\npublic  %s\ndns     _porteiro.%s. IN TXT \"%s\"\n", id, text, domain,
	       txt);
}

int key_load(const char *path, struct signkey *ret, struct why *why)
{
	own(text) struct text *t = NULL;
	struct why inner = { 0 };
	int r = text_read(path, 4096, &t);

	if (r < 0)
		return why_set(why, r, "cannot read %s: %s", path, strerror(-r));
	r = signkey_parse(t->bytes, ret, &inner);
	sodium_memzero(t->bytes, t->len);
	return r < 0 ? why_set(why, r, "%s: %s", path, inner.text) : 0;
}

static int make(const char *path, struct signkey *ret, struct why *why)
{
	char text[SIGNKEY_TEXT_MAX];
	struct signkey k;

	if (signkey_new(&k) < 0)
		return why_set(why, -EIO, "the system has no randomness");
	signkey_text(&k, text);
	int r = file_put(path, text, strlen(text), 0600, FILE_PUT_NEW, why);
	sodium_memzero(text, sizeof(text));
	*ret = k;
	return r;
}

int verb_key(int argc, char **argv)
{
	static const struct option options[] = {
		{ "domain", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *domain = "DOMAIN";
	struct signkey k = { 0 };
	struct why why = { 0 };
	_Bool json = 0;
	int c, r;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case 'd':
			domain = optarg;
			break;
		case 'j':
			json = 1;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_DONE;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	if (argc - optind != 2 ||
	    (strcmp(argv[optind], "new") != 0 && strcmp(argv[optind], "show") != 0)) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[optind], "new") == 0)
		r = make(argv[optind + 1], &k, &why);
	else
		r = key_load(argv[optind + 1], &k, &why);
	if (r < 0) {
		fprintf(stderr, "porteiro key: %s\n", why.text);
		return EXIT_USAGE;
	}
	show(&k.pub, domain, json);
	sodium_memzero(&k, sizeof(k));
	return EXIT_DONE;
}
