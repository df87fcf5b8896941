/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/clientconfig.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"

/* libxml2 is silent here: what is wrong is said in `why`. */
static void quiet(void *context, const char *format, ...)
{
	(void)context;
	(void)format;
}

static _Bool is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

static const xmlNode *child(const xmlNode *n, const char *name)
{
	for (const xmlNode *c = n ? n->children : NULL; c; c = c->next)
		if (is(c, name))
			return c;
	return NULL;
}

/* The element's text without blanks around it. */
static void text_of(const xmlNode *n, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = '\0';
	for (const xmlNode *c = n ? n->children : NULL; c; c = c->next)
		if ((c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) && at < size)
			at += (size_t)snprintf(ret + at, size - at, "%s", (const char *)c->content);
	size_t skip = strspn(ret, " \t\r\n"), len;
	memmove(ret, ret + skip, strlen(ret + skip) + 1);
	for (len = strlen(ret); len && strchr(" \t\r\n", ret[len - 1]); len--)
		ret[len - 1] = '\0';
}

static struct clientconfig_server *add(struct clientconfig *c)
{
	return c->count < CLIENTCONFIG_SERVERS ? &c->server[c->count++] : NULL;
}

static int port_of(const xmlNode *n)
{
	char text[16];

	text_of(n, text, sizeof(text));
	long port = strtol(text, NULL, 10);
	return port > 0 && port < 65536 ? (int)port : 0;
}

static void autoconfig_server(const xmlNode *n, struct clientconfig *ret)
{
	struct clientconfig_server *s = add(ret);
	char kind[32];

	if (!s)
		return;
	text_of(child(n, "hostname"), s->host, sizeof(s->host));
	text_of(child(n, "socketType"), kind, sizeof(kind));
	s->port = port_of(child(n, "port"));
	s->security = strcmp(kind, "SSL") == 0        ? SECURITY_TLS
		      : strcmp(kind, "STARTTLS") == 0 ? SECURITY_STARTTLS
						      : SECURITY_PLAIN;
}

static int autoconfig(const xmlNode *root, struct clientconfig *ret, struct why *why)
{
	const xmlNode *provider = child(root, "emailProvider"), *doc;

	if (!is(root, "clientConfig") || !provider)
		return why_set(why, -EINVAL, "it has no clientConfig with an emailProvider");
	for (const xmlNode *c = provider->children; c; c = c->next)
		if (is(c, "outgoingServer"))
			autoconfig_server(c, ret);
	doc = child(provider, "documentation");
	if (doc) {
		xmlChar *url = xmlGetProp((xmlNode *)doc, (const xmlChar *)"url");

		snprintf(ret->documentation, sizeof(ret->documentation), "%s",
			 url ? (char *)url : "");
		xmlFree(url);
	}
	return 0;
}

static _Bool off(const xmlNode *n)
{
	char text[16];

	text_of(n, text, sizeof(text));
	return strcasecmp(text, "off") == 0;
}

static void autodiscover_server(const xmlNode *n, struct clientconfig *ret)
{
	char kind[32], encryption[32];

	text_of(child(n, "Type"), kind, sizeof(kind));
	if (strcmp(kind, "SMTP") != 0)
		return;
	struct clientconfig_server *s = add(ret);
	if (!s)
		return;
	text_of(child(n, "Server"), s->host, sizeof(s->host));
	text_of(child(n, "Encryption"), encryption, sizeof(encryption));
	s->port = port_of(child(n, "Port"));
	s->spa = !off(child(n, "SPA"));
	/* MS-OXDSCLI 2.2.4.1.1.2.8: Encryption has precedence; SSL is on unless said off. */
	if (strcasecmp(encryption, "TLS") == 0)
		s->security = SECURITY_STARTTLS;
	else if (strcasecmp(encryption, "SSL") == 0)
		s->security = SECURITY_TLS;
	else if (strcasecmp(encryption, "None") == 0 || off(child(n, "SSL")))
		s->security = SECURITY_PLAIN;
	else
		s->security = SECURITY_TLS;
}

static int autodiscover(const xmlNode *root, struct clientconfig *ret, struct why *why)
{
	const xmlNode *account = child(child(root, "Response"), "Account");

	if (!is(root, "Autodiscover") || !account)
		return why_set(why, -EINVAL, "it has no Autodiscover response with an account");
	for (const xmlNode *c = account->children; c; c = c->next)
		if (is(c, "Protocol"))
			autodiscover_server(c, ret);
	return 0;
}

/* The value that stands behind <key>name</key> in a dict. */
static const xmlNode *plist_value(const xmlNode *dict, const char *name)
{
	char key[128];

	for (const xmlNode *c = dict ? dict->children : NULL; c; c = c->next) {
		if (!is(c, "key"))
			continue;
		text_of(c, key, sizeof(key));
		if (strcmp(key, name) != 0)
			continue;
		for (c = c->next; c; c = c->next)
			if (c->type == XML_ELEMENT_NODE)
				return c;
		return NULL;
	}
	return NULL;
}

static void apple_account(const xmlNode *dict, struct clientconfig *ret)
{
	const xmlNode *tls = plist_value(dict, "OutgoingMailServerUseSSL");
	char kind[64];

	text_of(plist_value(dict, "PayloadType"), kind, sizeof(kind));
	if (strcmp(kind, "com.apple.mail.managed") != 0)
		return;
	ret->password |= plist_value(dict, "IncomingPassword") != NULL ||
			 plist_value(dict, "OutgoingPassword") != NULL;
	struct clientconfig_server *s = add(ret);
	if (!s)
		return;
	text_of(plist_value(dict, "OutgoingMailServerHostName"), s->host, sizeof(s->host));
	s->port = port_of(plist_value(dict, "OutgoingMailServerPortNumber"));
	s->security = !tls || !is(tls, "true") ? SECURITY_PLAIN
		      : s->port == 587         ? SECURITY_STARTTLS
					       : SECURITY_TLS;
}

static int apple(const xmlNode *root, struct clientconfig *ret, struct why *why)
{
	const xmlNode *content = plist_value(child(root, "dict"), "PayloadContent");

	if (!is(root, "plist") || !content)
		return why_set(why, -EINVAL, "it is no property list with a PayloadContent");
	for (const xmlNode *c = content->children; c; c = c->next)
		if (is(c, "dict"))
			apple_account(c, ret);
	return 0;
}

int clientconfig_parse(enum clientconfig_kind kind, const char *bytes, size_t len,
		       struct clientconfig *ret, struct why *why)
{
	struct clientconfig c = { 0 };
	int r;

	if (len > CLIENTCONFIG_BYTES_MAX)
		return why_set(why, -EFBIG, "it is larger than %d bytes", CLIENTCONFIG_BYTES_MAX);
	xmlSetGenericErrorFunc(NULL, quiet);
	xmlDoc *doc = xmlReadMemory(bytes, (int)len, "published", NULL,
				    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!doc)
		return why_set(why, -EINVAL, "it is not well-formed XML");
	const xmlNode *root = xmlDocGetRootElement(doc);
	if (!root || (doc->intSubset && kind != CLIENTCONFIG_APPLE))
		r = why_set(why, -EINVAL, "it has a document type declaration");
	else if (kind == CLIENTCONFIG_AUTOCONFIG)
		r = autoconfig(root, &c, why);
	else if (kind == CLIENTCONFIG_AUTODISCOVER)
		r = autodiscover(root, &c, why);
	else
		r = apple(root, &c, why);
	xmlFreeDoc(doc);
	if (r == 0)
		*ret = c;
	return r;
}
