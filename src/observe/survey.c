/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/survey.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "observe/resolve.h"
#include "wire/clientconfig.h"

#define DNS_PATIENCE SPAN_S(6)
#define PAGE_MS      8000L
#define MX_HOSTS     2
#define TYPE_TLSA    52
#define TYPE_CAA     257

enum web_host { WEB_AUTOCONFIG, WEB_DOMAIN, WEB_AUTODISCOVER, WEB_PACC, WEB_DOMAIN_COUNT_ };

struct survey_state {
	const struct survey_settings *settings;
	struct submission *s;
	struct addresses host, web[WEB_DOMAIN_COUNT_], mx[MX_HOSTS], mobile, help;
	char mx_name[MX_HOSTS][SUBMISSION_NAME];
	int mx_count;
	CURLM *multi;
	CURL *easy[PAGE_COUNT_];
	struct curl_slist *resolve[PAGE_COUNT_], *headers;
	char post[800];
};

static _Bool is_address(const char *text, _Bool *ret_v6)
{
	unsigned char bytes[16];

	*ret_v6 = inet_pton(AF_INET6, text, bytes) == 1;
	return *ret_v6 || inet_pton(AF_INET, text, bytes) == 1;
}

static void add_points(struct submission *s, const char *host, const struct addresses *a, _Bool mx)
{
	for (int i = 0; i < a->count && s->points < SUBMISSION_POINTS; i++) {
		struct point *p = &s->point[s->points];
		_Bool known = 0;

		for (int k = 0; k < s->points; k++)
			known |= strcmp(s->point[k].address, a->text[i]) == 0;
		if (known)
			continue;
		snprintf(p->host, sizeof(p->host), "%s", host);
		snprintf(p->address, sizeof(p->address), "%s", a->text[i]);
		p->v6 = a->v6[i];
		p->mx = mx;
		s->points++;
	}
}

/* The host in an address; "" if it is not HTTPS. */
static void host_of(const char *url, char ret[SUBMISSION_NAME])
{
	if (!url || sscanf(url, "https://%255[^/:?#]", ret) != 1)
		ret[0] = '\0';
}

static void ask_url(struct resolver *r, const char *url, struct addresses *ret)
{
	char host[SUBMISSION_NAME];

	host_of(url, host);
	if (host[0])
		resolve_addresses(r, host, ret);
}

static void ask_domain(struct survey_state *st, struct resolver *r)
{
	static const char *const services[SRV_COUNT_] = { [SRV_SUBMISSIONS] = "_submissions",
							  [SRV_SUBMISSION] = "_submission",
							  [SRV_IMAPS] = "_imaps",
							  [SRV_AUTODISCOVER] = "_autodiscover",
							  [SRV_SMTP] = "_smtp" };
	static const char *const prefixes[WEB_DOMAIN_COUNT_] = { [WEB_AUTOCONFIG] = "autoconfig.",
								 [WEB_DOMAIN] = "",
								 [WEB_AUTODISCOVER] =
								     "autodiscover.",
								 [WEB_PACC] = "ua-auto-config." };
	const char *domain = st->settings->domain;
	char name[SUBMISSION_NAME + 32];

	for (int i = 0; i < SRV_COUNT_; i++) {
		snprintf(name, sizeof(name), "%s._tcp.%s", services[i], domain);
		resolve_srv(r, name, &st->s->srv[i]);
	}
	for (int i = 0; i < WEB_DOMAIN_COUNT_; i++) {
		snprintf(name, sizeof(name), "%s%s", prefixes[i], domain);
		resolve_addresses(r, name, &st->web[i]);
	}
	resolve_mx(r, domain, &st->s->mx_status, st->mx_name, MX_HOSTS, &st->mx_count);
	resolve_count(r, domain, TYPE_CAA, &st->s->caa);
	snprintf(name, sizeof(name), "_465._tcp.%s", st->settings->host);
	resolve_count(r, name, TYPE_TLSA, &st->s->tlsa);
}

static int look_up(struct survey_state *st, struct why *why)
{
	const struct survey_settings *q = st->settings;
	own(resolver) struct resolver *r = NULL;
	int e = resolver_new(q->resolver, &r, why);

	if (e < 0)
		return e;
	if (is_address(q->host, &st->host.v6[0])) {
		snprintf(st->host.text[0], sizeof(st->host.text[0]), "%s", q->host);
		st->host.count = 1;
	} else {
		resolve_addresses(r, q->host, &st->host);
	}
	if (q->domain)
		ask_domain(st, r);
	ask_url(r, q->mobileconfig, &st->mobile);
	ask_url(r, q->help_page, &st->help);
	resolver_run(r, DNS_PATIENCE);
	if (st->host.count == 0)
		return why_set(why, -ENOENT,
			       st->host.status < 0 ? "the resolver does not answer for %s"
						   : "%s has no address",
			       q->host);
	add_points(st->s, q->host, &st->host, 0);
	for (int i = 0; i < st->mx_count; i++)
		resolve_addresses(r, st->mx_name[i], &st->mx[i]);
	if (st->mx_count)
		resolver_run(r, DNS_PATIENCE);
	for (int i = 0; i < st->mx_count; i++)
		add_points(st->s, st->mx_name[i], &st->mx[i], 1);
	return 0;
}

static size_t take_body(char *bytes, size_t size, size_t n, void *of)
{
	struct page_heard *p = of;

	if (p->len + n > SURVEY_PAGE_BYTES)
		return 0; /* curl says: write error */
	char *more = realloc(p->body, p->len + n + 1);
	if (!more)
		return 0;
	memcpy(more + p->len, bytes, n * size);
	p->body = more;
	p->len += n;
	more[p->len] = '\0';
	return n;
}

/* Where this host is, as our resolver says it: curl would ask the system's. */
static struct curl_slist *where(const char *host, int port, const struct addresses *a)
{
	char line[SUBMISSION_NAME + RESOLVE_ADDRESSES * 70];
	int at = snprintf(line, sizeof(line), "%s:%d:", host, port);

	for (int i = 0; i < a->count && at < (int)sizeof(line); i++)
		at += snprintf(line + at, sizeof(line) - (size_t)at, "%s%s%s%s", i ? "," : "",
			       a->v6[i] ? "[" : "", a->text[i], a->v6[i] ? "]" : "");
	return curl_slist_append(NULL, line);
}

static void fetch(struct survey_state *st, enum page_name page, const struct addresses *a,
		  const char *url, const char *post)
{
	struct page_heard *p = &st->s->page[page];
	char host[SUBMISSION_NAME];
	CURL *c;

	p->tried = 1;
	snprintf(p->url, sizeof(p->url), "%s", url);
	host_of(url, host);
	if (a->count == 0) {
		snprintf(p->error, sizeof(p->error), "%s has no address, HTTP ", host);
		return;
	}
	c = curl_easy_init();
	if (!c)
		return;
	st->easy[page] = c;
	st->resolve[page] = where(host, st->settings->https_port, a);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, 3L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, PAGE_MS);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_USERAGENT, "porteiro-audit/" PORTEIRO_VERSION);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, p);
	curl_easy_setopt(c, CURLOPT_PRIVATE, p);
	curl_easy_setopt(c, CURLOPT_RESOLVE, st->resolve[page]);
	if (st->settings->talk.ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, st->settings->talk.ca);
	if (post) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, post);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, st->headers);
	}
	curl_multi_add_handle(st->multi, c);
}

static void fetch_at(struct survey_state *st, enum page_name page, enum web_host web,
		     const char *prefix, const char *path, const char *post)
{
	char host[SUBMISSION_NAME + 32], port[16] = "", url[700];

	snprintf(host, sizeof(host), "%s%s", prefix, st->settings->domain);
	if (st->settings->https_port != 443)
		snprintf(port, sizeof(port), ":%d", st->settings->https_port);
	snprintf(url, sizeof(url), "https://%s%s%s", host, port, path);
	fetch(st, page, &st->web[web], url, post);
}

static void fetch_all(struct survey_state *st)
{
	const struct survey_settings *q = st->settings;
	char path[SUBMISSION_NAME + 80];

	snprintf(path, sizeof(path), "/mail/config-v1.1.xml?emailaddress=postmaster%%40%s",
		 q->domain);
	fetch_at(st, PAGE_AUTOCONFIG, WEB_AUTOCONFIG, "autoconfig.", path, NULL);
	fetch_at(st, PAGE_WELLKNOWN, WEB_DOMAIN, "", "/.well-known/autoconfig/mail/config-v1.1.xml",
		 NULL);
	snprintf(
	    st->post, sizeof(st->post),
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?><Autodiscover xmlns=\"http://schemas."
	    "microsoft.com/exchange/autodiscover/outlook/requestschema/2006\"><Request>"
	    "<EMailAddress>postmaster@%s</EMailAddress><AcceptableResponseSchema>http://schemas."
	    "microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	    "</AcceptableResponseSchema></Request></Autodiscover>",
	    q->domain);
	st->headers = curl_slist_append(NULL, "Content-Type: text/xml");
	fetch_at(st, PAGE_AUTODISCOVER, WEB_AUTODISCOVER, "autodiscover.",
		 "/autodiscover/autodiscover.xml", st->post);
	fetch_at(st, PAGE_PACC, WEB_PACC, "ua-auto-config.",
		 "/.well-known/user-agent-configuration.json", NULL);
	if (q->mobileconfig)
		fetch(st, PAGE_MOBILECONFIG, &st->mobile, q->mobileconfig, NULL);
	if (q->help_page)
		fetch(st, PAGE_HELP, &st->help, q->help_page, NULL);
}

static void pages_done(struct survey_state *st)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(st->multi, &left))) {
		struct page_heard *p = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &p);
		curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &p->status);
		if (m->data.result != CURLE_OK) {
			snprintf(p->error, sizeof(p->error), "%s, HTTP ",
				 curl_easy_strerror(m->data.result));
			p->status = 0;
		}
	}
}

/* Wait for whatever comes first: a talk, a page, or time. */
static void wait_for(struct survey_state *st, struct talks *talks)
{
	struct curl_waitfd waits[TALK_FDS_MAX];
	struct pollfd fds[TALK_FDS_MAX];
	int ms;
	size_t n = talks_poll(talks, mono_now(), fds, &ms);

	for (size_t i = 0; i < n; i++)
		waits[i] = (struct curl_waitfd){
			.fd = fds[i].fd,
			.events = (short)((fds[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
					  (fds[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0)),
		};
	curl_multi_poll(st->multi, waits, (unsigned)n, ms, NULL);
}

static void run(struct survey_state *st, struct talks *talks)
{
	struct mono until = mono_add(mono_now(), st->settings->deadline);
	int running = 0;

	for (;;) {
		struct mono now = mono_now();
		_Bool more = talks_turn(talks, now);
		unsigned all, ended;

		curl_multi_perform(st->multi, &running);
		pages_done(st);
		talks_progress(talks, &all, &ended);
		if (st->settings->progress)
			st->settings->progress(st->settings->progress_of, all, ended);
		if (!more && !running)
			return;
		if (now.ns >= until.ns) {
			talks_abandon(talks, now);
			return;
		}
		wait_for(st, talks);
	}
}

/* The help page that the autoconfig file names, if it is the domain's own. */
static void follow_help(struct survey_state *st)
{
	own(resolver) struct resolver *r = NULL;
	struct clientconfig c = { 0 };
	char host[SUBMISSION_NAME];
	int running = 1;

	for (int i = PAGE_AUTOCONFIG; i <= PAGE_WELLKNOWN && !c.documentation[0]; i++)
		if (st->s->page[i].body)
			clientconfig_parse(CLIENTCONFIG_AUTOCONFIG, st->s->page[i].body,
					   st->s->page[i].len, &c, NULL);
	host_of(c.documentation, host);
	size_t len = strlen(host), own = strlen(st->settings->domain);
	if (st->s->page[PAGE_HELP].tried || len < own ||
	    strcasecmp(host + len - own, st->settings->domain) != 0 ||
	    (len > own && host[len - own - 1] != '.'))
		return;
	if (resolver_new(st->settings->resolver, &r, NULL) < 0)
		return;
	resolve_addresses(r, host, &st->help);
	resolver_run(r, DNS_PATIENCE);
	fetch(st, PAGE_HELP, &st->help, c.documentation, NULL);
	while (running) {
		curl_multi_perform(st->multi, &running);
		pages_done(st);
		if (running)
			curl_multi_poll(st->multi, NULL, 0, 200, NULL);
	}
}

static void state_done(struct survey_state *st)
{
	for (int i = 0; i < PAGE_COUNT_; i++) {
		if (st->easy[i]) {
			curl_multi_remove_handle(st->multi, st->easy[i]);
			curl_easy_cleanup(st->easy[i]);
		}
		curl_slist_free_all(st->resolve[i]);
	}
	curl_slist_free_all(st->headers);
	curl_multi_cleanup(st->multi);
}

int survey(const struct survey_settings *settings, struct submission *ret, struct why *why)
{
	struct survey_state st = { .settings = settings, .s = ret };
	own(talks) struct talks *talks = NULL;

	snprintf(ret->host, sizeof(ret->host), "%s", settings->host);
	snprintf(ret->domain, sizeof(ret->domain), "%s", settings->talk.domain);
	ret->domain_given = settings->domain != NULL;
	ret->login = settings->talk.user != NULL;
	int r = look_up(&st, why);
	if (r == 0)
		r = talks_new(&settings->talk, ret, &talks, why);
	if (r < 0)
		return r;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	st.multi = curl_multi_init();
	if (!st.multi)
		return -ENOMEM;
	if (settings->domain)
		fetch_all(&st);
	run(&st, talks);
	if (settings->domain)
		follow_help(&st);
	state_done(&st);
	return 0;
}
