/* SPDX-License-Identifier: BSD-2-Clause */
#include "classify/submission_published.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire/clientconfig.h"

static void srv(const struct submission *s, struct audit_results *r)
{
	const struct srv_heard *tls = &s->srv[SRV_SUBMISSIONS], *clear = &s->srv[SRV_SUBMISSION];

	if (tls->status < 0 || clear->status < 0) {
		audit_say(r, CHECK_SRV, AUDIT_SKIPPED, "the resolver did not answer");
		return;
	}
	if (tls->status > 0 && clear->status > 0)
		audit_say(r, CHECK_SRV, AUDIT_FAILED,
			  "no _submissions._tcp and no _submission._tcp record at %s", s->domain);
	else if (tls->status > 0)
		audit_say(r, CHECK_SRV, AUDIT_WARNED, "no _submissions._tcp record (RFC 8314 5.1)");
	if (s->srv[SRV_SMTP].status == 0)
		audit_say(r, CHECK_SRV, AUDIT_FAILED, "_smtp._tcp sends programs to %s port %d",
			  s->srv[SRV_SMTP].target, s->srv[SRV_SMTP].port);
	const struct srv_heard *both[] = { tls, clear };
	for (int i = 0; i < 2; i++)
		if (both[i]->status == 0 && both[i]->target[0] && both[i]->port == 25)
			audit_say(r, CHECK_SRV, AUDIT_FAILED, "a submission record names port 25");
	if (tls->status == 0 && clear->status == 0 && tls->target[0] && clear->target[0] &&
	    tls->priority > clear->priority)
		audit_say(r, CHECK_SRV, AUDIT_WARNED,
			  "STARTTLS (priority %d) is preferred to TLS (%d)", clear->priority,
			  tls->priority);
	audit_say(r, CHECK_SRV, AUDIT_PASSED, "_submissions %s:%d, _submission %s:%d", tls->target,
		  tls->port, clear->target, clear->port);
}

/* Does one of the audited hosts stand at that name, port and kind, and does it work? */
static _Bool works(const struct submission *s, const struct clientconfig_server *c, _Bool *ret_ours)
{
	*ret_ours = 0;
	for (int i = 0; i < s->points; i++) {
		const struct talk *t = &s->point[i].talk[TALK_T587];
		_Bool tls = c->security == SECURITY_TLS;

		if (s->point[i].mx || strcasecmp(s->point[i].host, c->host) != 0)
			continue;
		*ret_ours = 1;
		if (tls)
			t = &s->point[i].talk[TALK_T465];
		if (t->port == c->port && t->tls.done)
			return 1;
	}
	return 0;
}

static void servers(const struct submission *s, struct audit_results *r, enum audit_check check,
		    enum audit_status bad, const struct clientconfig *c, const char *what)
{
	_Bool ours;

	if (c->count == 0)
		audit_say(r, check, bad, "%s names no server for sending", what);
	for (int i = 0; i < c->count; i++) {
		const struct clientconfig_server *v = &c->server[i];

		if (v->port == 25)
			audit_say(r, check, bad, "%s sends users to %s port 25", what, v->host);
		else if (v->security == SECURITY_PLAIN)
			audit_say(r, check, bad, "%s sends users to %s:%d without TLS", what,
				  v->host, v->port);
		else if (i == 0 && !works(s, v, &ours) && ours)
			audit_say(r, check, bad, "%s: its first choice, %s:%d, does not work", what,
				  v->host, v->port);
		if (check == CHECK_AUTODISCOVER && v->spa)
			audit_say(r, check, bad, "%s: SPA is on (it is when nothing is said)",
				  what);
	}
	if (c->password)
		audit_say(r, check, bad, "%s has a password in it", what);
	audit_say(r, check, AUDIT_PASSED, "%s: %s:%d", what, c->server[0].host, c->server[0].port);
}

static void config(const struct submission *s, struct audit_results *r, enum audit_check check,
		   enum audit_status bad, enum clientconfig_kind kind, const struct page_heard *p)
{
	struct clientconfig c = { 0 };
	struct why why = { 0 };

	if (!p->tried)
		return;
	if (p->status != 200)
		audit_say(r, check, bad, "%.120s: %.100s%ld", p->url,
			  p->error[0] ? p->error : "HTTP ", p->status);
	else if (clientconfig_parse(kind, p->body, p->len, &c, &why) < 0)
		audit_say(r, check, bad, "%.120s: %s", p->url, why.text);
	else
		servers(s, r, check, bad, &c, p->url);
}

/* Either place will do; when one is there, the other's absence is no fault. */
static void autoconfig(const struct submission *s, struct audit_results *r)
{
	const struct page_heard *a = &s->page[PAGE_AUTOCONFIG], *b = &s->page[PAGE_WELLKNOWN];

	if (a->status == 200 || b->status != 200)
		config(s, r, CHECK_AUTOCONFIG, AUDIT_FAILED, CLIENTCONFIG_AUTOCONFIG, a);
	if (b->status == 200)
		config(s, r, CHECK_AUTOCONFIG, AUDIT_FAILED, CLIENTCONFIG_AUTOCONFIG, b);
}

/* An Apple profile may be signed: then the plist stands inside the DER, as it is. */
static void apple(const struct submission *s, struct audit_results *r)
{
	struct page_heard p = s->page[PAGE_MOBILECONFIG];

	if (p.body && p.status == 200) {
		char *start = memmem(p.body, p.len, "<?xml", 5);
		char *end = memmem(p.body, p.len, "</plist>", 8);

		if (start && end && start < end) {
			p.body = start;
			p.len = (size_t)(end + 8 - start);
		}
	}
	config(s, r, CHECK_MOBILECONFIG, AUDIT_WARNED, CLIENTCONFIG_APPLE, &p);
}

/* The number by itself, not as part of another one. */
static _Bool names_port(const char *text, const char *port)
{
	size_t len = strlen(port);

	for (const char *at = text; (at = strstr(at, port)); at += len) {
		_Bool before = at == text || at[-1] < '0' || at[-1] > '9';
		_Bool after = at[len] < '0' || at[len] > '9';

		if (before && after)
			return 1;
	}
	return 0;
}

static _Bool tells_25(const char *text)
{
	static const char *const words[] = { "SMTP: 25",      "SMTP 25",        "SMTP (25)",
					     "porta SMTP 25", "port 25 (SMTP)", "SMTP Port: 25",
					     "SMTP port: 25", "saída: 25",      "saida: 25",
					     "envio: 25",     "outgoing: 25" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		const char *at = strcasestr(text, words[i]);
		char next = at ? at[strlen(words[i])] : '0';

		if (at && (next < '0' || next > '9'))
			return 1;
	}
	return 0;
}

static void help(const struct submission *s, struct audit_results *r)
{
	const struct page_heard *p = &s->page[PAGE_HELP];

	if (!p->tried)
		return;
	if (p->status != 200 || !p->body)
		audit_say(r, CHECK_HELP, AUDIT_WARNED, "%.120s: %.100s%ld", p->url,
			  p->error[0] ? p->error : "HTTP ", p->status);
	else if (tells_25(p->body))
		audit_say(r, CHECK_HELP, AUDIT_WARNED, "%.120s tells users to send by port 25",
			  p->url);
	else if (!names_port(p->body, "587") && !names_port(p->body, "465"))
		audit_say(r, CHECK_HELP, AUDIT_WARNED, "%.120s names neither 587 nor 465", p->url);
	else
		audit_say(r, CHECK_HELP, AUDIT_PASSED, "%.120s", p->url);
}

void published_judge(const struct submission *s, struct audit_results *r)
{
	const struct page_heard *pacc = &s->page[PAGE_PACC];

	srv(s, r);
	autoconfig(s, r);
	config(s, r, CHECK_AUTODISCOVER, AUDIT_WARNED, CLIENTCONFIG_AUTODISCOVER,
	       &s->page[PAGE_AUTODISCOVER]);
	apple(s, r);
	help(s, r);
	if (pacc->tried)
		audit_say(r, CHECK_PACC, AUDIT_NOTED, "%.120s: %s", pacc->url,
			  pacc->status == 200 ? "there is one" : "none");
	if (s->caa >= 0)
		audit_say(r, CHECK_DANE, AUDIT_NOTED, "%d CAA at %s, %d TLSA at port 465", s->caa,
			  s->domain, s->tlsa < 0 ? 0 : s->tlsa);
}
