/* SPDX-License-Identifier: BSD-2-Clause */
/* porteiro autoconfig: the files that set up users' mail programs. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "prog/cms.h"
#include "prog/file_put.h"
#include "prog/verb_provider.h"
#include "tell/setup.h"

static const char usage[] =
    "usage: porteiro autoconfig --domain D [--profile FILE] [--KEY VALUE]... -o DIR [--json]\n\n"
    "Writes into DIR what users' mail programs read to set themselves up: Mozilla autoconfig,\n"
    "Autodiscover, an Apple profile, DNS records, and help pages in pt-BR, pt-MZ and en.\n\n";

static const char usage_tail[] =
    "  --profile FILE      a JSON object with these keys; options come after it\n"
    "  --sign-cert FILE    PEM certificate (and chain) to sign the Apple profile with\n"
    "  --sign-key FILE     its private key\n"
    "  -o DIR              where the files go; made if missing\n"
    "  --json              list the files as JSON\n";

/* Which template becomes which file. */
static const struct {
	const char *template, *folder, *path;
} files[] = {
	{ "config.xml", "autoconfig/mail", "autoconfig/mail/config-v1.1.xml" },
	{ "autodiscover.xml", "autodiscover", "autodiscover/autodiscover.xml" },
	{ "zone.txt", "dns", "dns/zone.txt" },
	{ "mobileconfig.xml", "site", "site/mail.mobileconfig" },
	{ "index.html", "site", "site/index.html" },
	{ "pt-BR.html", "site", "site/pt-BR.html" },
	{ "pt-MZ.html", "site", "site/pt-MZ.html" },
	{ "en.html", "site", "site/en.html" },
	{ "style.css", "site", "site/style.css" },
	{ "readme.txt", "", "README.txt" },
};
#define FILES (sizeof(files) / sizeof(*files))

struct request {
	struct setup setup;
	const char *dir, *cert, *key;
	_Bool json;
};

static void help(FILE *out)
{
	fputs(usage, out);
	for (int k = 0; k < SETUP_KEY_COUNT_; k++)
		fprintf(out, "  --%-17s %s\n", setup_key_names[k], setup_key_help[k]);
	fputs(usage_tail, out);
}

static int profile_key(struct request *q, const char *name, const json_t *value, struct why *why)
{
	for (int k = 0; k < SETUP_KEY_COUNT_; k++)
		if (strcmp(name, setup_key_names[k]) == 0) {
			if (!json_is_string(value))
				return why_set(why, -EINVAL, "%s is not a text", name);
			return setup_set(&q->setup, (enum setup_key)k, json_string_value(value),
					 why);
		}
	return why_set(why, -EINVAL, "there is no key '%s'", name);
}

static int profile_load(struct request *q, const char *path, struct why *why)
{
	json_error_t error;
	json_t *j = json_load_file(path, JSON_REJECT_DUPLICATES, &error), *value;
	struct why inner = { 0 };
	const char *name;
	int r = 0;

	if (!j)
		return why_set(why, -EINVAL, "%s: line %d: %s", path, error.line, error.text);
	if (!json_is_object(j))
		r = why_set(&inner, -EINVAL, "it is not a JSON object");
	json_object_foreach(j, name, value) if (r == 0) r = profile_key(q, name, value, &inner);
	json_decref(j);
	return r < 0 ? why_set(why, r, "%s: %s", path, inner.text) : 0;
}

static int folder_make(const char *dir, const char *folder, struct why *why)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, folder);

	if (n >= (int)sizeof(path))
		return why_set(why, -ENAMETOOLONG, "%s is too long", dir);
	for (char *p = path + strlen(dir); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return why_set(why, -errno, "cannot make %s: %s", path, strerror(errno));
		*p = '/';
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return why_set(why, -errno, "cannot make %s: %s", path, strerror(errno));
	return 0;
}

struct made {
	char *bytes;
	size_t len;
};

static int make(const struct request *q, const char *template, struct made *ret, struct why *why)
{
	FILE *out = open_memstream(&ret->bytes, &ret->len);
	if (!out)
		return -ENOMEM;
	int r = setup_file(&q->setup, template, out);
	if (fclose(out) != 0 || r < 0)
		return why_set(why, r < 0 ? r : -ENOMEM, "%s can not be filled", template);
	if (!q->cert || strcmp(template, "mobileconfig.xml") != 0)
		return 0;
	unsigned char *der;
	size_t len;
	r = cms_sign(q->cert, q->key, ret->bytes, ret->len, &der, &len, why);
	if (r < 0)
		return r;
	free(ret->bytes);
	*ret = (struct made){ (char *)der, len };
	return 0;
}

/* Everything is made before anything is written. */
static int write_all(const struct request *q, struct why *why)
{
	struct made made[FILES] = { 0 };
	char path[4096];
	int r = 0;

	for (size_t i = 0; r == 0 && i < FILES; i++)
		r = make(q, files[i].template, &made[i], why);
	for (size_t i = 0; r == 0 && i < FILES; i++) {
		r = folder_make(q->dir, files[i].folder, why);
		snprintf(path, sizeof(path), "%s/%s", q->dir, files[i].path);
		if (r == 0)
			r = file_put(path, made[i].bytes, made[i].len, 0644, FILE_PUT_REPLACE, why);
	}
	for (size_t i = 0; i < FILES; i++)
		free(made[i].bytes);
	return r;
}

static void say(const struct request *q)
{
	json_t *list = json_array();

	for (size_t i = 0; i < FILES; i++) {
		if (!q->json)
			printf("%s/%s\n", q->dir, files[i].path);
		json_array_append_new(list, json_sprintf("%s/%s", q->dir, files[i].path));
	}
	if (q->json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(list);
}

enum { OPT_PROFILE = 1000, OPT_CERT, OPT_KEY, OPT_JSON, OPT_HELP };

static int option(struct request *q, int c, struct why *why)
{
	if (c >= 0 && c < SETUP_KEY_COUNT_)
		return setup_set(&q->setup, (enum setup_key)c, optarg, why);
	switch (c) {
	case OPT_PROFILE:
		return profile_load(q, optarg, why);
	case OPT_CERT:
		q->cert = optarg;
		return 0;
	case OPT_KEY:
		q->key = optarg;
		return 0;
	case OPT_JSON:
		q->json = 1;
		return 0;
	case 'o':
		q->dir = optarg;
		return 0;
	default:
		return why_set(why, -EINVAL, "see 'porteiro autoconfig --help'");
	}
}

static int check(struct request *q, int argc, char **argv, struct why *why)
{
	if (optind != argc)
		return why_set(why, -EINVAL, "'%s' is one argument too many", argv[optind]);
	if (!q->dir)
		return why_set(why, -EINVAL, "-o is missing");
	if (!q->cert != !q->key)
		return why_set(why, -EINVAL, "--sign-cert and --sign-key go together");
	q->setup.is_signed = q->cert != NULL;
	return setup_finish(&q->setup, why);
}

int verb_autoconfig(int argc, char **argv)
{
	struct option options[SETUP_KEY_COUNT_ + 6] = { 0 };
	struct request q = { 0 };
	struct why why = { 0 };
	int c, r = 0, n = 0;

	for (; n < SETUP_KEY_COUNT_; n++)
		options[n] = (struct option){ setup_key_names[n], required_argument, NULL, n };
	options[n++] = (struct option){ "profile", required_argument, NULL, OPT_PROFILE };
	options[n++] = (struct option){ "sign-cert", required_argument, NULL, OPT_CERT };
	options[n++] = (struct option){ "sign-key", required_argument, NULL, OPT_KEY };
	options[n++] = (struct option){ "json", no_argument, NULL, OPT_JSON };
	options[n++] = (struct option){ "help", no_argument, NULL, 'h' };

	while (r == 0 && (c = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		if (c == 'h') {
			help(stdout);
			return EXIT_DONE;
		}
		r = option(&q, c, &why);
	}
	if (r == 0)
		r = check(&q, argc, argv, &why);
	if (r == 0)
		r = write_all(&q, &why);
	if (r < 0) {
		fprintf(stderr, "porteiro autoconfig: %s\n", why.text);
		return EXIT_USAGE;
	}
	say(&q);
	return EXIT_DONE;
}
