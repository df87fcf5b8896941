/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/client.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "prog/verbs.h"

#define REPLY_MAX (256u << 20)

void reply_free(struct reply *r)
{
	if (!r)
		return;
	free(r->text);
	json_decref(r->json);
	free(r);
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *arg)
{
	struct reply *r = arg;
	size_t n = size * count;

	if (r->len + n > REPLY_MAX)
		return 0;
	char *larger = realloc(r->text, r->len + n + 1);
	if (!larger)
		return 0;
	memcpy(larger + r->len, bytes, n);
	r->text = larger;
	r->len += n;
	r->text[r->len] = '\0';
	return n;
}

static const char *socket_of(const struct client *c)
{
	const char *env = getenv("PORTEIRO_SOCKET");

	return c->socket ? c->socket : env && *env ? env : CLIENT_SOCKET;
}

static struct curl_slist *headers_of(const struct ask *a)
{
	char type[100];
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	if (a->type) {
		snprintf(type, sizeof(type), "Content-Type: %s", a->type);
		list = curl_slist_append(list, type);
	}
	return a->header ? curl_slist_append(list, a->header) : list;
}

static CURLcode perform(CURL *curl, const struct client *c, const struct ask *a, struct reply *r)
{
	char url[1024];
	struct curl_slist *headers = headers_of(a);

	snprintf(url, sizeof(url), "http://porteirod%s", a->path);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_of(c));
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, a->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, c->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, r);
	if (a->type) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, a->body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)a->len);
	}
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &r->status);
	curl_slist_free_all(headers);
	return code;
}

int client_ask(const struct client *c, const struct ask *a, struct reply **ret, struct why *why)
{
	own(reply) struct reply *r = calloc(1, sizeof(*r));
	CURL *curl = curl_easy_init();

	if (!r || !curl)
		return why_set(why, -ENOMEM, "out of memory");
	CURLcode code = perform(curl, c, a, r);
	curl_easy_cleanup(curl);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return why_set(why, -ETIMEDOUT, "porteirod gave no answer within %ld ms",
			       c->timeout_ms);
	if (code != CURLE_OK)
		return why_set(why, -ENOTCONN, "no porteirod answers at %s (%s)", socket_of(c),
			       curl_easy_strerror(code));
	r->json = r->text ? json_loadb(r->text, r->len, 0, NULL) : NULL;
	*ret = take(r);
	return 0;
}

static void tell_faults(const json_t *faults)
{
	size_t i;
	json_t *f;

	json_array_foreach(faults, i, f)
	    fprintf(stderr, "  line %.0f: %s: %s; %s\n", reply_number(f, "line"),
		    reply_string(f, "level"), reply_string(f, "wrong"), reply_string(f, "right"));
}

int client_tell_problem(const struct client *c, const struct reply *r)
{
	fprintf(stderr, "porteiro %s: %s", c->verb, reply_string(r->json, "title"));
	if (*reply_string(r->json, "detail"))
		fprintf(stderr, ": %s", reply_string(r->json, "detail"));
	if (!r->json)
		fprintf(stderr, "the daemon answered %ld", r->status);
	fputc('\n', stderr);
	tell_faults(json_object_get(r->json, "faults"));
	if (c->json && r->text)
		puts(r->text);
	/* 4xx: what was asked is wrong, except that it came too late (412). */
	return r->status >= 400 && r->status < 500 && r->status != 412 ? EXIT_USAGE : EXIT_NO;
}

int client_do(const struct client *c, const struct ask *a, struct reply **ret)
{
	own(reply) struct reply *r = NULL;
	struct why why = { 0 };

	if (client_ask(c, a, &r, &why) < 0) {
		fprintf(stderr, "porteiro %s: %s\n", c->verb, why.text);
		return EXIT_NO;
	}
	if (r->status < 200 || r->status > 299 || !r->json)
		return client_tell_problem(c, r);
	if (c->json)
		puts(r->text);
	*ret = take(r);
	return EXIT_DONE;
}

const char *reply_string(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

double reply_number(const json_t *j, const char *name)
{
	return json_number_value(json_object_get(j, name));
}

bool reply_flag(const json_t *j, const char *name)
{
	return json_is_true(json_object_get(j, name));
}

const char *count_text(double addresses, bool v6, char ret[static COUNT_TEXT_MAX])
{
	if (v6 && addresses >= ldexp(1, 64))
		snprintf(ret, COUNT_TEXT_MAX, "%.0f /64s", addresses / ldexp(1, 64));
	else
		snprintf(ret, COUNT_TEXT_MAX, "%.0f", addresses);
	return ret;
}

enum { OPTION_HELP = 1, OPTION_JSON, OPTION_SOCKET, OPTION_OWN };

static void fill_options(struct option *ret, const struct client_option *own_options)
{
	*ret++ = (struct option){ "help", no_argument, NULL, OPTION_HELP };
	*ret++ = (struct option){ "json", no_argument, NULL, OPTION_JSON };
	*ret++ = (struct option){ "socket", required_argument, NULL, OPTION_SOCKET };
	for (int i = 0; own_options && own_options[i].name; i++)
		*ret++ = (struct option){ own_options[i].name,
					  own_options[i].value ? required_argument : no_argument,
					  NULL, OPTION_OWN + i };
	*ret = (struct option){ 0 };
}

static void take_option(const struct client_option *o)
{
	if (o->value)
		*o->value = optarg;
	else
		*o->flag = true;
}

int client_options(int argc, char **argv, struct client *c, const struct client_option *own_options,
		   const char *usage, int least, int most)
{
	struct option options[CLIENT_OPTIONS_MAX + 4];

	fill_options(options, own_options);
	optind = 1;
	for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (o) {
		case 'h':
		case OPTION_HELP:
			fputs(usage, stdout);
			return EXIT_DONE;
		case OPTION_JSON:
			c->json = true;
			break;
		case OPTION_SOCKET:
			c->socket = optarg;
			break;
		case '?':
			fputs(usage, stderr);
			return EXIT_USAGE;
		default:
			take_option(&own_options[o - OPTION_OWN]);
		}
	}
	if (argc - optind >= least && argc - optind <= most)
		return -1;
	fputs(usage, stderr);
	return EXIT_USAGE;
}
