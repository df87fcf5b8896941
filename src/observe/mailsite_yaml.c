/* SPDX-License-Identifier: BSD-2-Clause */
/* mailsite_yaml: the provider's configuration file; doc/mail-logs.md lists the keys. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/text.h"
#include "observe/mailsite.h"

struct loading {
	struct mailsite *site;
	yaml_document_t document;
	const char *path;
	char *realm;
	char *aliases; /* file */
	struct why *why;
};

struct key {
	const char *name;
	int (*read)(struct loading *l, yaml_node_t *value);
};

static int fault(struct loading *l, const yaml_node_t *n, const char *what)
{
	return why_set(l->why, -EINVAL, "%s: line %zu: %s", l->path, n->start_mark.line + 1, what);
}

static bool scalar(const yaml_node_t *n, struct slice *ret)
{
	if (n->type != YAML_SCALAR_NODE)
		return false;
	*ret = (struct slice){ (const char *)n->data.scalar.value, n->data.scalar.length };
	return true;
}

/* Call `each` for every item of a list, or for the one value that stands there instead. */
static int list(struct loading *l, yaml_node_t *n,
		int (*each)(struct loading *, yaml_node_t *, struct slice))
{
	struct slice s;
	int r = 0;

	if (scalar(n, &s))
		return each(l, n, s);
	if (n->type != YAML_SEQUENCE_NODE)
		return fault(l, n, "a list is wanted here");
	for (yaml_node_item_t *i = n->data.sequence.items.start;
	     r == 0 && i < n->data.sequence.items.top; i++) {
		yaml_node_t *item = yaml_document_get_node(&l->document, *i);
		if (!scalar(item, &s))
			return fault(l, item, "plain text is wanted here");
		r = each(l, item, s);
	}
	return r;
}

/* The same for "name: value" pairs, each handed over as "name=value". */
static int pairs(struct loading *l, yaml_node_t *n,
		 int (*each)(struct mailsite *, struct slice, struct why *))
{
	int r = 0;

	if (n->type != YAML_MAPPING_NODE)
		return fault(l, n, "'name: channel' pairs are wanted here");
	for (yaml_node_pair_t *p = n->data.mapping.pairs.start;
	     r == 0 && p < n->data.mapping.pairs.top; p++) {
		yaml_node_t *k = yaml_document_get_node(&l->document, p->key);
		yaml_node_t *v = yaml_document_get_node(&l->document, p->value);
		struct slice name, value;
		struct why inner = { 0 };
		char text[512];

		if (!scalar(k, &name) || !scalar(v, &value))
			return fault(l, k, "plain text is wanted here");
		int len = snprintf(text, sizeof(text), "%.*s=%.*s", (int)name.len, name.at,
				   (int)value.len, value.at);
		if (len < 0 || (size_t)len >= sizeof(text))
			return fault(l, k, "too long");
		r = each(l->site, slice_of(text), &inner);
		if (r < 0)
			return inner.code ? fault(l, k, inner.text) : r;
	}
	return r;
}

static int copy(char **ret, struct slice s)
{
	free(*ret);
	*ret = strndup(s.at, s.len);
	return *ret ? 0 : -ENOMEM;
}

static int append(char ***texts, size_t *count, struct slice s)
{
	char **list_ = realloc(*texts, (*count + 1) * sizeof(*list_));

	if (!list_)
		return -ENOMEM;
	*texts = list_;
	list_[*count] = strndup(s.at, s.len);
	if (!list_[*count])
		return -ENOMEM;
	(*count)++;
	return 0;
}

static int text(struct loading *l, yaml_node_t *n, char **ret)
{
	struct slice s;

	if (!scalar(n, &s) || !s.len)
		return fault(l, n, "plain text is wanted here");
	return copy(ret, s);
}

static int whole(struct loading *l, yaml_node_t *n, long low, long high, long *ret)
{
	struct slice s;
	char *end;

	if (!scalar(n, &s) || !s.len)
		return fault(l, n, "a number is wanted here");
	*ret = strtol(s.at, &end, 10);
	if (*end || *ret < low || *ret > high)
		return fault(l, n, "this number is not possible here");
	return 0;
}

static int network(struct loading *l, yaml_node_t *n, struct mailsite_nets *nets, struct slice s)
{
	struct why inner = { 0 };
	int r = mailsite_network(nets, s, &inner);

	return r < 0 && inner.code ? fault(l, n, inner.text) : r;
}

static int own_each(struct loading *l, yaml_node_t *n, struct slice s)
{
	return network(l, n, &l->site->own, s);
}

static int dynamic_each(struct loading *l, yaml_node_t *n, struct slice s)
{
	return network(l, n, &l->site->dynamic, s);
}

static int webmail_each(struct loading *l, yaml_node_t *n, struct slice s)
{
	return network(l, n, &l->site->webmail, s);
}

static int domain_each(struct loading *l, yaml_node_t *n, struct slice s)
{
	(void)n;
	return append(&l->site->domains, &l->site->domains_count, s);
}

static int server_each(struct loading *l, yaml_node_t *n, struct slice s)
{
	(void)n;
	return append(&l->site->servers, &l->site->servers_count, s);
}

static int uid_each(struct loading *l, yaml_node_t *n, struct slice s)
{
	struct mailsite *m = l->site;
	long uid = 0;

	(void)s;
	int r = whole(l, n, 0, UINT32_MAX, &uid);
	if (r < 0)
		return r;
	uint32_t *uids = realloc(m->webmail_uids, (m->webmail_uids_count + 1) * sizeof(*uids));
	if (!uids)
		return -ENOMEM;
	m->webmail_uids = uids;
	uids[m->webmail_uids_count++] = (uint32_t)uid;
	return 0;
}

static int key_tags(struct loading *l, yaml_node_t *n)
{
	return pairs(l, n, mailsite_tag);
}

static int key_ports(struct loading *l, yaml_node_t *n)
{
	return pairs(l, n, mailsite_port);
}

static int key_own(struct loading *l, yaml_node_t *n)
{
	return list(l, n, own_each);
}

static int key_dynamic(struct loading *l, yaml_node_t *n)
{
	return list(l, n, dynamic_each);
}

static int key_webmail(struct loading *l, yaml_node_t *n)
{
	return list(l, n, webmail_each);
}

static int key_webmail_uids(struct loading *l, yaml_node_t *n)
{
	return list(l, n, uid_each);
}

static int key_domains(struct loading *l, yaml_node_t *n)
{
	return list(l, n, domain_each);
}

static int key_servers(struct loading *l, yaml_node_t *n)
{
	return list(l, n, server_each);
}

static int key_realm(struct loading *l, yaml_node_t *n)
{
	return text(l, n, &l->realm);
}

static int key_aliases(struct loading *l, yaml_node_t *n)
{
	return text(l, n, &l->aliases);
}

static int key_timezone(struct loading *l, yaml_node_t *n)
{
	return text(l, n, &l->site->timezone);
}

static int key_keep_plus(struct loading *l, yaml_node_t *n)
{
	struct slice s;

	if (!scalar(n, &s) || (!slice_is(s, SLICE("true")) && !slice_is(s, SLICE("false"))))
		return fault(l, n, "true or false is wanted here");
	l->site->keep_plus = s.at[0] == 't';
	return 0;
}

static int key_window(struct loading *l, yaml_node_t *n)
{
	long v = 0;
	int r = whole(l, n, 1, 3650, &v);

	if (r == 0)
		l->site->window_days = (int)v;
	return r;
}

static int key_quiet(struct loading *l, yaml_node_t *n)
{
	long v = 0;
	int r = whole(l, n, 0, 3650, &v);

	if (r == 0)
		l->site->quiet_days = (int)v;
	return r;
}

/* The path as seen from the configuration's own folder. */
static int beside(const struct loading *l, struct slice name, char ret[static PATH_MAX])
{
	const char *slash = strrchr(l->path, '/');
	int folder = name.at[0] == '/' || !slash ? 0 : (int)(slash - l->path) + 1;
	int n = snprintf(ret, PATH_MAX, "%.*s%.*s", folder, l->path, (int)name.len, name.at);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int key_key_file(struct loading *l, yaml_node_t *n)
{
	char path[PATH_MAX];
	own(text) struct text *t = NULL;
	struct slice s;

	if (!scalar(n, &s) || !s.len || beside(l, s, path) < 0)
		return fault(l, n, "the name of a file is wanted here");
	int r = text_read(path, 4096, &t);
	if (r < 0)
		return why_set(l->why, r, "%s: %s", path, strerror(-r));
	if (t->len < ACCOUNT_KEY_BYTES)
		return why_set(l->why, -EINVAL, "%s: a key has at least %d bytes", path,
			       ACCOUNT_KEY_BYTES);
	memcpy(l->site->key, t->bytes, ACCOUNT_KEY_BYTES);
	l->site->key_given = true;
	return 0;
}

static const struct key keys[] = {
	{ "tags", key_tags },
	{ "ports", key_ports },
	{ "own-networks", key_own },
	{ "dynamic-networks", key_dynamic },
	{ "webmail-hosts", key_webmail },
	{ "webmail-uids", key_webmail_uids },
	{ "domains", key_domains },
	{ "servers", key_servers },
	{ "realm", key_realm },
	{ "aliases", key_aliases },
	{ "keep-plus", key_keep_plus },
	{ "timezone", key_timezone },
	{ "window-days", key_window },
	{ "quiet-days", key_quiet },
	{ "key-file", key_key_file },
};

static int read_keys(struct loading *l)
{
	yaml_node_t *root = yaml_document_get_root_node(&l->document);
	int r = 0;

	if (!root)
		return 0; /* an empty file says nothing */
	if (root->type != YAML_MAPPING_NODE)
		return fault(l, root, "'key: value' lines are wanted here");
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start;
	     r == 0 && p < root->data.mapping.pairs.top; p++) {
		yaml_node_t *k = yaml_document_get_node(&l->document, p->key);
		struct slice name = { "", 0 };
		size_t i = 0, count = sizeof(keys) / sizeof(*keys);

		scalar(k, &name);
		while (i < count && !slice_is(name, slice_of(keys[i].name)))
			i++;
		if (i == count)
			return fault(l, k, "there is no such key");
		r = keys[i].read(l, yaml_document_get_node(&l->document, p->value));
	}
	return r;
}

/* "alias account" or "alias: account" a line, as in /etc/aliases and Postfix maps. */
static int read_aliases(struct loading *l)
{
	char path[PATH_MAX];
	own(text) struct text *t = NULL;
	unsigned line = 0;
	int r = beside(l, slice_of(l->aliases), path);

	if (r == 0)
		r = text_read(path, MAILSITE_ALIAS_BYTES, &t);
	if (r < 0)
		return why_set(l->why, r, "%s: %s", path, strerror(-r));
	struct slice rest = { t->bytes, t->len };
	while (rest.len) {
		struct slice row = slice_until(rest, '\n'), alias;
		rest = slice_from(rest, row.len + 1);
		line++;
		row = slice_trim(row);
		if (!row.len || row.at[0] == '#')
			continue;
		size_t n = 0;
		while (n < row.len && row.at[n] != ' ' && row.at[n] != '\t' && row.at[n] != ':')
			n++;
		alias = slice_cut(row, n);
		row = slice_trim(slice_from(row, n + (n < row.len && row.at[n] == ':')));
		if (row.len && memchr(row.at, ',', row.len))
			continue; /* a list of people is nobody's account */
		r = account_alias_add(l->site->accounts, alias, row);
		if (r == -EINVAL)
			return why_set(l->why, r, "%s: line %u: not 'alias account'", path, line);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load(struct loading *l, const struct text *t)
{
	yaml_parser_t parser;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)t->bytes, t->len);
	int ok = yaml_parser_load(&parser, &l->document), r;
	if (!ok)
		r = why_set(l->why, -EINVAL, "%s: line %zu: %s", l->path,
			    parser.problem_mark.line + 1,
			    parser.problem ? parser.problem : "no YAML");
	else
		r = read_keys(l);
	if (ok)
		yaml_document_delete(&l->document);
	yaml_parser_delete(&parser);
	if (r == 0 && (l->realm || l->site->keep_plus))
		r = mailsite_realm(l->site, l->realm, l->why);
	if (r == 0 && l->aliases)
		r = read_aliases(l);
	return r;
}

int mailsite_load(const char *path, struct mailsite **ret, struct why *why)
{
	own(mailsite) struct mailsite *s = NULL;
	own(text) struct text *t = NULL;
	int r = text_read(path, MAILSITE_BYTES_MAX, &t);

	if (r < 0)
		return why_set(why, r, "%s: %s", path, strerror(-r));
	r = mailsite_new(&s);
	if (r < 0)
		return r;
	struct loading l = { .site = s, .path = path, .why = why };
	r = load(&l, t);
	free(l.realm);
	free(l.aliases);
	if (r < 0)
		return r;
	*ret = take(s);
	return 0;
}
