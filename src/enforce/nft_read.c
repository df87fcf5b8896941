/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the table: what is defined (as fingerprints of what the kernel says)
 * and which elements stand in the sets.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "enforce/nft_netlink.h"

#define READ_TRIES 8

/* One end of an interval as the kernel stores it. */
struct point {
	addr_bits key;
	uint32_t to;
	bool end; /* the interval before ends below `key` */
	struct wall until;
};

struct points {
	struct point *at;
	size_t count, room;
};

struct reading {
	struct nft_seen *seen;
	crypto_generichash_state *hash; /* beside seen->object */
	size_t room, notes_room, at;    /* at: the chain whose rules are being read */
	struct nft_names *names;
	struct wall now;
	/* The set whose elements are being read. */
	enum { PLAIN_OPEN, PLAIN_SUBSCRIBERS, INTERVALS } what;
	struct nft_map map;
	bool is_map;
	struct points points;
	int error;
};

static bool is_ours(const struct nlattr *table)
{
	return table && strcmp(mnl_attr_get_str(table), NFT_TABLE) == 0;
}

static int reading_grow(struct reading *r)
{
	size_t room = r->room ? r->room * 2 : 128;
	struct nft_object *o = realloc(r->seen->object, room * sizeof(*o));
	crypto_generichash_state *h;

	if (!o)
		return -ENOMEM;
	r->seen->object = o;
	/* The state asks for more alignment than realloc() gives: move it by hand. */
	h = aligned_alloc(64, room * sizeof(*h));
	if (!h)
		return -ENOMEM;
	if (r->hash)
		memcpy(h, r->hash, r->seen->objects * sizeof(*h));
	free(r->hash);
	r->hash = h;
	r->room = room;
	return 0;
}

static int object_add(struct reading *r, enum nft_kind kind, const char *name)
{
	struct nft_seen *s = r->seen;

	if (s->objects == r->room && reading_grow(r) < 0)
		return -ENOMEM;
	s->object[s->objects] = (struct nft_object){ .kind = kind };
	snprintf(s->object[s->objects].name, NFT_NAME_MAX, "%s", name);
	crypto_generichash_init(&r->hash[s->objects], NULL, 0, crypto_generichash_BYTES);
	s->objects++;
	return 0;
}

static void hash_attr(crypto_generichash_state *h, const struct nlattr *a)
{
	uint16_t head[2] = { 0, 0 };

	if (a) {
		head[0] = mnl_attr_get_type(a);
		head[1] = mnl_attr_get_payload_len(a);
	}
	crypto_generichash_update(h, (const void *)head, sizeof(head));
	if (a)
		crypto_generichash_update(h, mnl_attr_get_payload(a), head[1]);
}

static int object_seen(struct reading *r, enum nft_kind kind, const struct nlattr *name,
		       const struct nlattr **a, const uint16_t *hashed, size_t n)
{
	r->error = object_add(r, kind, mnl_attr_get_str(name));
	if (r->error)
		return MNL_CB_ERROR;
	for (size_t i = 0; i < n; i++)
		hash_attr(&r->hash[r->seen->objects - 1], a[hashed[i]]);
	return MNL_CB_OK;
}

static int chain_seen(const struct nlmsghdr *msg, void *arg)
{
	static const uint16_t hashed[] = { NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY, NFTA_CHAIN_TYPE,
					   NFTA_CHAIN_FLAGS };
	const struct nlattr *a[NFTA_CHAIN_MAX + 1] = { 0 };

	netlink_attrs(msg, a, NFTA_CHAIN_MAX);
	if (!is_ours(a[NFTA_CHAIN_TABLE]) || !a[NFTA_CHAIN_NAME])
		return MNL_CB_OK;
	return object_seen(arg, NFT_KIND_CHAIN, a[NFTA_CHAIN_NAME], a, hashed,
			   sizeof(hashed) / sizeof(*hashed));
}

static int set_seen(const struct nlmsghdr *msg, void *arg)
{
	static const uint16_t hashed[] = { NFTA_SET_FLAGS, NFTA_SET_KEY_TYPE, NFTA_SET_KEY_LEN,
					   NFTA_SET_DATA_TYPE, NFTA_SET_DATA_LEN };
	const struct nlattr *a[NFTA_SET_MAX + 1] = { 0 };

	netlink_attrs(msg, a, NFTA_SET_MAX);
	if (!is_ours(a[NFTA_SET_TABLE]) || !a[NFTA_SET_NAME])
		return MNL_CB_OK;
	/* Flags that are all 0 are not sent. */
	uint32_t flags = a[NFTA_SET_FLAGS] ? ntohl(mnl_attr_get_u32(a[NFTA_SET_FLAGS])) : 0;
	if (flags & NFT_SET_ANONYMOUS) /* part of a rule, and hashed with it */
		return MNL_CB_OK;
	return object_seen(arg, flags & NFT_SET_MAP ? NFT_KIND_MAP : NFT_KIND_SET, a[NFTA_SET_NAME],
			   a, hashed, sizeof(hashed) / sizeof(*hashed));
}

/* The comment in a rule's user data, as nft writes it: type 0, length, text with NUL. */
static int note_add(struct reading *r, const struct nlattr *userdata)
{
	const uint8_t *u = userdata ? mnl_attr_get_payload(userdata) : NULL;
	size_t len = userdata ? mnl_attr_get_payload_len(userdata) : 0;
	struct nft_seen *s = r->seen;

	if (len < 2 || u[0] != 0 || (size_t)u[1] + 2 > len)
		return 0;
	if (s->notes == r->notes_room) {
		size_t room = r->notes_room ? r->notes_room * 2 : 64;
		struct nft_note *more = realloc(s->note, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->note = more;
		r->notes_room = room;
	}
	snprintf(s->note[s->notes++].text, sizeof(s->note->text), "%.*s", (int)u[1],
		 (const char *)u + 2);
	return 0;
}

/* Rules come chain by chain: the one sought is nearly always the last one found. */
static struct nft_object *chain_of(struct reading *r, const char *name)
{
	struct nft_seen *s = r->seen;

	for (size_t i = 0; i < s->objects; i++) {
		size_t at = (r->at + i) % s->objects;

		if (s->object[at].kind == NFT_KIND_CHAIN && strcmp(s->object[at].name, name) == 0) {
			r->at = at;
			return &s->object[at];
		}
	}
	return NULL;
}

static int rule_seen(const struct nlmsghdr *msg, void *arg)
{
	const struct nlattr *a[NFTA_RULE_MAX + 1] = { 0 };
	struct reading *r = arg;

	netlink_attrs(msg, a, NFTA_RULE_MAX);
	if (!is_ours(a[NFTA_RULE_TABLE]) || !a[NFTA_RULE_CHAIN])
		return MNL_CB_OK;
	const char *name = mnl_attr_get_str(a[NFTA_RULE_CHAIN]);
	if (strcmp(name, NFT_NOTES) == 0) {
		r->error = note_add(r, a[NFTA_RULE_USERDATA]);
		return r->error ? MNL_CB_ERROR : MNL_CB_OK;
	}
	struct nft_object *chain = chain_of(r, name);
	if (chain) {
		hash_attr(&r->hash[chain - r->seen->object], a[NFTA_RULE_EXPRESSIONS]);
		chain->rules++;
	}
	return MNL_CB_OK;
}

static size_t key_bytes(const struct reading *r)
{
	return r->map.family == FAMILY_V4 ? 4 : 16;
}

/* The number of the class whose chain the verdict goes to. */
static int read_target(struct reading *r, const struct nlattr *data, uint32_t *ret)
{
	const struct nlattr *d[NFTA_DATA_MAX + 1] = { 0 }, *v[NFTA_VERDICT_MAX + 1] = { 0 };
	char start[32];
	int n;

	*ret = NFT_TO_ALIEN;
	if (data)
		netlink_nested(data, d, NFTA_DATA_MAX);
	if (d[NFTA_DATA_VERDICT])
		netlink_nested(d[NFTA_DATA_VERDICT], v, NFTA_VERDICT_MAX);
	if (!v[NFTA_VERDICT_CODE] || !v[NFTA_VERDICT_CHAIN] ||
	    (int)ntohl(mnl_attr_get_u32(v[NFTA_VERDICT_CODE])) != NFT_GOTO)
		return 0;
	const char *chain = mnl_attr_get_str(v[NFTA_VERDICT_CHAIN]);
	if (strcmp(chain, NFT_NONE) == 0) {
		*ret = NFT_TO_NONE;
		return 0;
	}
	n = snprintf(start, sizeof(start), "%s/%s/", nft_ask_name(r->map.ask),
		     r->map.strict ? "strict" : "syn");
	if (strncmp(chain, start, (size_t)n) != 0)
		return 0;
	n = nft_names_add(r->names, chain + n);
	if (n < 0)
		return n;
	*ret = (uint32_t)n;
	return 0;
}

static int point_add(struct reading *r, const struct point *p)
{
	struct points *l = &r->points;

	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 256;
		struct point *more = realloc(l->at, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->at = more;
		l->room = room;
	}
	l->at[l->count++] = *p;
	return 0;
}

static int interval_seen(struct reading *r, const struct nlattr **a, const uint8_t *key)
{
	struct point p = { .key = addr_from_bytes(r->map.family, key).bits };

	p.end = a[NFTA_SET_ELEM_FLAGS] &&
		ntohl(mnl_attr_get_u32(a[NFTA_SET_ELEM_FLAGS])) & NFT_SET_ELEM_INTERVAL_END;
	if (a[NFTA_SET_ELEM_EXPIRATION]) {
		uint64_t ms = be64toh(mnl_attr_get_u64(a[NFTA_SET_ELEM_EXPIRATION]));

		p.until.s = r->now.s + (int64_t)((ms + 500) / 1000);
	}
	if (r->is_map && !p.end) {
		int e = read_target(r, a[NFTA_SET_ELEM_DATA], &p.to);

		if (e < 0)
			return e;
	}
	return point_add(r, &p);
}

static int element_seen(const struct nlattr *element, void *arg)
{
	const struct nlattr *a[NFTA_SET_ELEM_MAX + 1] = { 0 }, *d[NFTA_DATA_MAX + 1] = { 0 };
	struct reading *r = arg;

	netlink_nested(element, a, NFTA_SET_ELEM_MAX);
	if (a[NFTA_SET_ELEM_KEY])
		netlink_nested(a[NFTA_SET_ELEM_KEY], d, NFTA_DATA_MAX);
	const struct nlattr *key = d[NFTA_DATA_VALUE];
	if (!key)
		return MNL_CB_OK;
	if (r->what == INTERVALS) {
		if (mnl_attr_get_payload_len(key) != key_bytes(r))
			return MNL_CB_OK; /* a set of another type: its definition tells */
		r->error = interval_seen(r, a, mnl_attr_get_payload(key));
		return r->error ? MNL_CB_ERROR : MNL_CB_OK;
	}
	if (r->what == PLAIN_SUBSCRIBERS) {
		hash_attr(&r->hash[r->at], key);
		hash_attr(&r->hash[r->at], a[NFTA_SET_ELEM_FLAGS]);
		return MNL_CB_OK;
	}
	uint16_t type = mnl_attr_get_payload_len(key) == 2 ? ntohs(mnl_attr_get_u16(key)) : 0;
	r->seen->open4 |= type == 0x0800;
	r->seen->open6 |= type == 0x86dd;
	return MNL_CB_OK;
}

static int elements_seen(const struct nlmsghdr *msg, void *arg)
{
	const struct nlattr *a[NFTA_SET_ELEM_LIST_MAX + 1] = { 0 };

	netlink_attrs(msg, a, NFTA_SET_ELEM_LIST_MAX);
	if (!a[NFTA_SET_ELEM_LIST_ELEMENTS])
		return MNL_CB_OK;
	return mnl_attr_parse_nested(a[NFTA_SET_ELEM_LIST_ELEMENTS], element_seen, arg);
}

/* Ends before starts where they fall together. */
static int point_order(const void *x, const void *y)
{
	const struct point *a = x, *b = y;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (int)b->end - (int)a->end;
}

static int points_to_elements(struct reading *r, struct nft_elements *ret)
{
	struct points *l = &r->points;
	addr_bits last = family_last(r->map.family);

	if (l->count > 0)
		qsort(l->at, l->count, sizeof(*l->at), point_order);
	for (size_t i = 0; i < l->count; i++) {
		const struct point *p = &l->at[i];
		struct nft_element e = { p->key, last, p->to, p->until };

		if (p->end)
			continue;
		if (i + 1 < l->count)
			e.last = l->at[i + 1].key - 1;
		if (nft_elements_add(ret, &e) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_elements(struct nft_link *l, enum nft_place place, struct reading *r,
			 const char *set, struct nft_elements *ret)
{
	int e;

	r->points.count = 0;
	e = netlink_dump(l, place, NFT_MSG_GETSETELEM, NFTA_SET_ELEM_LIST_TABLE,
			 NFTA_SET_ELEM_LIST_SET, set, elements_seen, r);
	if (r->error)
		return r->error;
	if (e < 0)
		return e;
	return ret ? points_to_elements(r, ret) : 0;
}

static bool find_object(struct reading *r, const char *name)
{
	for (r->at = 0; r->at < r->seen->objects; r->at++)
		if (strcmp(r->seen->object[r->at].name, name) == 0)
			return true;
	return false;
}

static int read_plain(struct nft_link *l, enum nft_place place, struct reading *r)
{
	int e = 0;

	r->what = PLAIN_OPEN;
	if (find_object(r, "open_all"))
		e = read_elements(l, place, r, "open_all", NULL);
	r->what = PLAIN_SUBSCRIBERS;
	if (e == 0 && find_object(r, "subscribers"))
		e = read_elements(l, place, r, "subscribers", NULL);
	return e;
}

static int read_intervals(struct nft_link *l, enum nft_place place, struct reading *r)
{
	char name[NFT_NAME_MAX];
	int e = 0;

	r->what = INTERVALS;
	r->is_map = true;
	for (size_t i = 0; i < NFT_MAPS && e == 0; i++) {
		r->map = nft_map_at(i);
		if (find_object(r, nft_map_name(r->map, name)))
			e = read_elements(l, place, r, name, &r->seen->map[i]);
	}
	r->is_map = false;
	for (int f = 0; f < FAMILY_COUNT_ && e == 0; f++) {
		r->map.family = (enum family)f;
		if (find_object(r, nft_smarthosts_name(r->map.family)))
			e = read_elements(l, place, r, nft_smarthosts_name(r->map.family),
					  &r->seen->smarthosts[f]);
	}
	return e;
}

static int read_definitions(struct nft_link *l, enum nft_place place, struct reading *r)
{
	int e = netlink_dump(l, place, NFT_MSG_GETCHAIN, 0, 0, NULL, chain_seen, r);

	if (e == 0)
		e = netlink_dump(l, place, NFT_MSG_GETSET, NFTA_SET_TABLE, 0, NULL, set_seen, r);
	if (e == 0)
		e = netlink_dump(l, place, NFT_MSG_GETRULE, NFTA_RULE_TABLE, 0, NULL, rule_seen, r);
	return r->error ? r->error : e;
}

static int table_seen(const struct nlmsghdr *msg, void *arg)
{
	const struct nlattr *a[NFTA_TABLE_MAX + 1] = { 0 };
	struct reading *r = arg;

	netlink_attrs(msg, a, NFTA_TABLE_MAX);
	if (!is_ours(a[NFTA_TABLE_NAME]))
		return MNL_CB_OK;
	r->seen->table = true;
	r->seen->dormant = a[NFTA_TABLE_FLAGS] &&
			   ntohl(mnl_attr_get_u32(a[NFTA_TABLE_FLAGS])) & NFT_TABLE_F_DORMANT;
	return MNL_CB_OK;
}

static int object_order(const void *x, const void *y)
{
	const struct nft_object *a = x, *b = y;

	return strcmp(a->name, b->name);
}

static int note_order(const void *x, const void *y)
{
	return strcmp(x, y);
}

static void fingerprints(struct reading *r)
{
	for (size_t i = 0; i < r->seen->objects; i++) {
		uint8_t hash[crypto_generichash_BYTES];

		crypto_generichash_final(&r->hash[i], hash, sizeof(hash));
		sodium_bin2hex(r->seen->object[i].print, NFT_PRINT_MAX, hash, 6);
	}
	if (r->seen->objects > 0)
		qsort(r->seen->object, r->seen->objects, sizeof(*r->seen->object), object_order);
	if (r->seen->notes > 0)
		qsort(r->seen->note, r->seen->notes, sizeof(*r->seen->note), note_order);
}

static int read_once(struct nft_link *l, enum nft_place place, bool elements, struct reading *r)
{
	uint32_t before = 0, after = 0;
	int e = netlink_generation(l, &before);

	if (e == 0)
		e = netlink_dump(l, place, NFT_MSG_GETTABLE, 0, 0, NULL, table_seen, r);
	if (e == 0 && r->seen->table)
		e = read_definitions(l, place, r);
	if (e == 0 && r->seen->table)
		e = read_plain(l, place, r);
	if (e == 0 && r->seen->table && elements)
		e = read_intervals(l, place, r);
	if (e == 0)
		e = netlink_generation(l, &after);
	if (e == 0)
		fingerprints(r);
	return e == 0 && before != after ? -EINTR : e;
}

int nft_link_read(struct nft_link *l, enum nft_place place, bool elements, struct nft_names *names,
		  struct wall now, struct nft_seen *ret, struct why *why)
{
	int e = -EINTR;

	/* A table that is changed while it is read is read again. */
	for (int i = 0; i < READ_TRIES && (e == -EINTR || e == -ENOENT); i++) {
		struct nft_seen seen = { 0 };
		struct reading r = { .seen = &seen, .names = names, .now = now };

		e = read_once(l, place, elements, &r);
		free(r.hash);
		free(r.points.at);
		if (e == 0)
			*ret = seen;
		else
			nft_seen_done(&seen);
	}
	if (e == -EINTR || e == -ENOENT)
		return why_set(why, -EAGAIN,
			       "nft table " NFT_TABLE " kept changing while it was read");
	if (e < 0)
		return why_set(why, e, "cannot read nft table " NFT_TABLE ": %s", strerror(-e));
	return 0;
}

void nft_seen_done(struct nft_seen *s)
{
	free(s->object);
	free(s->note);
	for (size_t i = 0; i < NFT_MAPS; i++)
		nft_elements_done(&s->map[i]);
	for (int f = 0; f < FAMILY_COUNT_; f++)
		nft_elements_done(&s->smarthosts[f]);
	*s = (struct nft_seen){ 0 };
}

static int object_named(const void *name, const void *object)
{
	return strcmp(name, ((const struct nft_object *)object)->name);
}

const struct nft_object *nft_seen_object(const struct nft_seen *s, const char *name)
{
	return s->objects == 0
		   ? NULL
		   : bsearch(name, s->object, s->objects, sizeof(*s->object), object_named);
}

bool nft_seen_has_note(const struct nft_seen *s, const char *note)
{
	return s->notes > 0 && bsearch(note, s->note, s->notes, sizeof(*s->note), note_order);
}

/* The first note that does not sort before the text. */
static size_t note_from(const struct nft_seen *s, const char *text)
{
	size_t low = 0, high = s->notes;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(s->note[mid].text, text) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool nft_seen_knows(const struct nft_seen *s, const char *name)
{
	char start[NFT_NAME_MAX + 1];
	int len = snprintf(start, sizeof(start), "%s ", name);
	size_t i = note_from(s, start);

	return i < s->notes && strncmp(s->note[i].text, start, (size_t)len) == 0;
}

bool nft_seen_is_noted(const struct nft_seen *s, const struct nft_object *o)
{
	char start[NFT_NAME_MAX + 1];
	int len = snprintf(start, sizeof(start), "%s ", o->name);

	if (strcmp(o->name, NFT_NOTES) == 0)
		return true;
	for (size_t i = note_from(s, start); i < s->notes; i++) {
		const char *text = s->note[i].text;

		if (strncmp(text, start, (size_t)len) != 0)
			return false;
		if (strcmp(strrchr(text, ' ') + 1, o->print) == 0)
			return true;
	}
	return false;
}
