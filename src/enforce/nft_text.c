/* SPDX-License-Identifier: BSD-2-Clause */
#include "enforce/nft_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A complete TCP header, flags and all, is there: its last field can be read. */
#define WHOLE "tcp urgptr >= 0"
/* A first fragment: more follow, and this one is at the start (RFC 791, RFC 8200 4.5). */
#define FIRST4 "ip frag-off & 0x3fff == 0x2000"
#define FIRST6 "frag frag-off 0 frag more-fragments 1"
#define SYN    "tcp flags & syn == syn"

static const struct {
	const char *name, *family, *hook;
} places[NFT_PLACE_COUNT_] = {
	[NFT_FORWARD] = { "forward", "inet", "type filter hook forward priority -300" },
	[NFT_PREROUTING] = { "prerouting", "inet", "type filter hook prerouting priority -450" },
	[NFT_BRIDGE] = { "bridge", "bridge", "type filter hook prerouting priority -300" },
};

const char *nft_place_name(enum nft_place p)
{
	return places[p].name;
}

const char *nft_family_name(enum nft_place p)
{
	return places[p].family;
}

bool nft_place_parse(const char *name, enum nft_place *ret)
{
	for (int p = 0; p < NFT_PLACE_COUNT_; p++) {
		if (strcmp(places[p].name, name) == 0) {
			*ret = (enum nft_place)p;
			return true;
		}
	}
	return false;
}

/* What may stand between quotes in nft's text: no quote, no slash, no blank. */
static bool is_ifname(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n >= NFT_IFNAME_MAX || strcmp(s, "*") == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~' || strchr("\"/\\:", s[i]) ||
		    (s[i] == '*' && i + 1 < n))
			return false;
	return true;
}

int nft_options_check(const struct nft_options *o, struct why *why)
{
	if (o->subscribers_count > NFT_SUBSCRIBERS_MAX)
		return why_set(why, -EINVAL, "more than %d interfaces; name them by a pattern",
			       NFT_SUBSCRIBERS_MAX);
	for (size_t i = 0; i < o->subscribers_count; i++)
		if (!is_ifname(o->subscribers[i]))
			return why_set(why, -EINVAL,
				       "'%.32s' is not the name of an interface: 1 to 15 printable "
				       "characters, a * only at the end",
				       o->subscribers[i]);
	return 0;
}

/* Pieces are written to a stream and taken from it when they end. */
struct writer {
	const struct nft_options *o;
	struct nft_pieces *pieces;
	FILE *out;
	char *text;
	size_t len;
	char name[NFT_NAME_MAX];
	int error;
};

static void writer_init(struct writer *w, const struct nft_options *o, struct nft_pieces *pieces)
{
	*w = (struct writer){ .o = o, .pieces = pieces };
	w->out = open_memstream(&w->text, &w->len);
	if (!w->out)
		w->error = -ENOMEM;
}

static int writer_done(struct writer *w)
{
	if (w->out)
		fclose(w->out);
	free(w->text);
	return w->error;
}

static char *cut_text(struct writer *w)
{
	char *text;

	if (fflush(w->out) != 0)
		return NULL;
	text = strndup(w->text, w->len);
	rewind(w->out);
	return text;
}

static struct nft_piece *piece_add(struct nft_pieces *p)
{
	if (p->count == p->room) {
		size_t room = p->room ? p->room * 2 : 64;
		struct nft_piece *more = realloc(p->at, room * sizeof(*more));

		if (!more)
			return NULL;
		p->at = more;
		p->room = room;
	}
	p->at[p->count] = (struct nft_piece){ 0 };
	return &p->at[p->count++];
}

__attribute__((format(printf, 4, 5))) static void declare(struct writer *w, enum nft_kind kind,
							  const char *name, const char *format, ...)
{
	static const char *const words[] = { "set", "map", "chain" };
	struct nft_piece *p;
	va_list args;

	if (w->error)
		return;
	p = piece_add(w->pieces);
	if (!p) {
		w->error = -ENOMEM;
		return;
	}
	p->kind = kind;
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(w->name, sizeof(w->name), "%s", name);
	fprintf(w->out, "add %s %s " NFT_TABLE " %s", words[kind], nft_family_name(w->o->place),
		name);
	va_start(args, format);
	vfprintf(w->out, format, args);
	va_end(args);
	if (kind == NFT_KIND_CHAIN)
		fputc('\n', w->out);
	p->declare = cut_text(w);
	p->fill = strdup("");
	if (!p->declare || !p->fill)
		w->error = -ENOMEM;
}

static void chain(struct writer *w, const char *name)
{
	declare(w, NFT_KIND_CHAIN, name, "%s", "");
}

__attribute__((format(printf, 2, 3))) static void rule(struct writer *w, const char *format, ...)
{
	va_list args;

	if (w->error)
		return;
	fprintf(w->out, "add rule %s " NFT_TABLE " %s ", nft_family_name(w->o->place), w->name);
	va_start(args, format);
	vfprintf(w->out, format, args);
	va_end(args);
	fputc('\n', w->out);
}

/* The rules since chain() are the chain's. */
static void chain_end(struct writer *w)
{
	struct nft_piece *p;

	if (w->error)
		return;
	p = &w->pieces->at[w->pieces->count - 1];
	free(p->fill);
	p->fill = cut_text(w);
	if (!p->fill)
		w->error = -ENOMEM;
}

/* Its elements are part of what it is: other interfaces, another set. */
static void subscribers(struct writer *w)
{
	char names[NFT_SUBSCRIBERS_MAX * (NFT_IFNAME_MAX + 4)];
	size_t len = 0;

	for (size_t i = 0; i < w->o->subscribers_count; i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s\"%s\"", i ? ", " : "",
					w->o->subscribers[i]);
	declare(w, NFT_KIND_SET, "subscribers",
		" { type ifname; flags interval; elements = { %s };", names);
}

static void sets(struct writer *w)
{
	declare(w, NFT_KIND_SET, "open_all", " { type ether_type;");
	declare(w, NFT_KIND_SET, "smarthosts4", " { type ipv4_addr; flags interval;");
	declare(w, NFT_KIND_SET, "smarthosts6", " { type ipv6_addr; flags interval;");
	if (w->o->subscribers_count > 0)
		subscribers(w);
	for (size_t i = 0; i < NFT_MAPS; i++) {
		struct nft_map m = nft_map_at(i);
		char name[NFT_NAME_MAX];

		declare(w, NFT_KIND_MAP, nft_map_name(m, name),
			" { type %s : verdict; flags interval%s;",
			m.family == FAMILY_V4 ? "ipv4_addr" : "ipv6_addr",
			m.timed ? ", timeout" : "");
	}
}

/* What stands in a later fragment is nobody's port, but kernels have been seen to read it so. */
static void later_fragments_pass(struct writer *w)
{
	rule(w, "ip frag-off & 0x1fff != 0 accept");
	rule(w, "frag frag-off != 0 accept");
}

/*
 * A bridge does not cut a frame at the end of the IP packet in it: bytes of
 * padding can be read as if they were TCP. So the lengths are compared as far
 * as nft can. An IPv6 first fragment can not be measured (its header chain has
 * any length): all of them are treated as hiding their flags; TCP is not sent so.
 */
static void bridge_port25(struct writer *w)
{
	chain(w, "gate/port25");
	later_fragments_pass(w);
	rule(w, "ip hdrlength 5 ip length >= 40 goto gate/whole");
	rule(w, "ip6 nexthdr tcp ip6 length >= 20 goto gate/whole");
	for (int words = 6; words <= 15; words++)
		rule(w, "ip hdrlength %d ip length >= %d goto gate/whole", words, words * 4 + 20);
	rule(w, FIRST4 " goto gate/syn");
	rule(w, "meta protocol ip accept");
	rule(w, FIRST6 " goto gate/syn");
	rule(w, "ip6 nexthdr != tcp " WHOLE " goto gate/whole");
	chain_end(w);

	chain(w, "gate/first4");
	for (int words = 5; words <= 15; words++)
		rule(w, "ip hdrlength %d ip length < %d goto gate/syn", words, words * 4 + 4);
	chain_end(w);

	chain(w, "gate/whole");
	rule(w, SYN " goto gate/syn");
	rule(w, "goto gate/running");
	chain_end(w);
}

static void inet_port25(struct writer *w)
{
	chain(w, "gate/port25");
	later_fragments_pass(w);
	rule(w, WHOLE " " SYN " goto gate/syn");
	rule(w, WHOLE " goto gate/running");
	rule(w, FIRST4 " goto gate/syn");
	rule(w, FIRST6 " goto gate/syn");
	chain_end(w);
}

/* The only base chain. Nothing passes its first rules but TCP to 25 and what hides its port. */
static void gate_in(struct writer *w)
{
	declare(w, NFT_KIND_CHAIN, "gate/in", " { %s; policy accept; }", places[w->o->place].hook);
	rule(w, "tcp dport 25 goto gate/port25");
	rule(w, "meta l4proto != tcp accept");
	if (w->o->place == NFT_BRIDGE)
		rule(w, FIRST4 " goto gate/first4");
	rule(w, "th dport != 25 accept");
	if (w->o->place != NFT_BRIDGE)
		rule(w, FIRST4 " goto gate/syn");
	rule(w, FIRST6 " goto gate/syn");
	chain_end(w);
}

static const char *if_subscriber(const struct writer *w)
{
	return w->o->subscribers_count > 0 ? "iifname @subscribers " : "";
}

/* What starts a connection, or hides that it does (syn), and what does not (strict). */
static void gate_entry(struct writer *w, const char *name, const char *purpose)
{
	chain(w, name);
	rule(w, "meta protocol @open_all accept");
	rule(w, "ip daddr @smarthosts4 accept");
	rule(w, "ip6 daddr @smarthosts6 accept");
	rule(w, "%sjump gate/from/%s", if_subscriber(w), purpose);
	rule(w, "jump gate/refuse/%s", purpose);
	rule(w, "jump gate/watch/%s", purpose);
	if (strcmp(purpose, "syn") == 0)
		rule(w, "%stcp flags & (syn|ack) == syn counter name passed/-", if_subscriber(w));
	chain_end(w);
}

/* The destination is asked only if the port could be read: hence the second port test. */
static void gate_ask(struct writer *w, enum nft_ask ask, bool strict)
{
	const char *port = ask == NFT_FROM ? "" : "tcp dport 25 ";
	const char *end = ask == NFT_FROM ? "saddr" : "daddr";
	char name[NFT_NAME_MAX];

	snprintf(name, sizeof(name), "gate/%s/%s", nft_ask_name(ask), strict ? "strict" : "syn");
	chain(w, name);
	for (int timed = 1; timed >= 0; timed--) {
		for (int f = 0; f < FAMILY_COUNT_; f++) {
			struct nft_map m = { ask, strict, timed, (enum family)f };

			rule(w, "%s%s %s vmap @%s", port, f == FAMILY_V4 ? "ip" : "ip6", end,
			     nft_map_name(m, name));
		}
	}
	chain_end(w);
}

static void gate(struct writer *w)
{
	gate_in(w);
	if (w->o->place == NFT_BRIDGE)
		bridge_port25(w);
	else
		inet_port25(w);
	gate_entry(w, "gate/syn", "syn");
	gate_entry(w, "gate/running", "strict");
	for (int ask = 0; ask < NFT_ASK_COUNT_; ask++) {
		gate_ask(w, (enum nft_ask)ask, false);
		gate_ask(w, (enum nft_ask)ask, true);
	}
	/* Where a restriction lifts a strictness beneath it: found, and says nothing. */
	chain(w, NFT_NONE);
	chain_end(w);
}

/* Nothing can be answered to half a header, nor to a reset (RFC 9293 3.10.7.1). */
static void refuse(struct writer *w, enum mode mode, const char *class)
{
	if (mode == MODE_REJECT)
		rule(w,
		     WHOLE " tcp flags & rst == 0 counter name rejected/%s reject with tcp reset",
		     class);
	rule(w, "counter name dropped/%s drop", class);
}

/* A destination that refuses beats a source that is only watched (decide/verdict.h). */
static void from_chain(struct writer *w, const struct class *c, const char *class, bool strict)
{
	const char *purpose = strict ? "strict" : "syn";
	char name[NFT_NAME_MAX];

	chain(w,
	      nft_chain_name((struct nft_map){ .ask = NFT_FROM, .strict = strict }, class, name));
	if (c->mode == MODE_REJECT || c->mode == MODE_DROP) {
		refuse(w, c->mode, class);
	} else {
		rule(w, "jump gate/refuse/%s", purpose);
		if (c->mode == MODE_MONITOR) {
			rule(w, "counter name monitored/%s", class);
		} else {
			rule(w, "jump gate/watch/%s", purpose);
			rule(w, "tcp flags & (syn|ack) == syn counter name passed/%s", class);
		}
		rule(w, "accept");
	}
	chain_end(w);
}

static void class_chains(struct writer *w, const struct class *c)
{
	char class[CLASS_NAME_MAX], name[NFT_NAME_MAX];

	if (c->cause == CAUSE_NONE)
		return;
	class_name(c, class);
	from_chain(w, c, class, false);
	if (c->strict && c->mode != MODE_OFF)
		from_chain(w, c, class, true);
	if (c->inbound == MODE_OFF)
		return;
	bool watch = c->inbound == MODE_MONITOR;
	for (int strict = 0; strict <= c->strict; strict++) {
		struct nft_map m = { .ask = watch ? NFT_WATCH : NFT_REFUSE, .strict = strict };

		chain(w, nft_chain_name(m, class, name));
		if (watch) {
			rule(w, "counter name monitored/%s", class);
			rule(w, "accept");
		} else {
			refuse(w, c->inbound, class);
		}
		chain_end(w);
	}
}

int nft_pieces_of_class(const struct class *c, const struct nft_options *o, struct nft_pieces *ret)
{
	struct writer w;

	writer_init(&w, o, ret);
	class_chains(&w, c);
	return writer_done(&w);
}

int nft_pieces_of(const struct ruleset *rs, const struct nft_options *o, struct nft_pieces *ret)
{
	own(nft_names) struct nft_names *seen = NULL;
	struct writer w;
	int r = nft_names_new(&seen);

	if (r < 0)
		return r;
	writer_init(&w, o, ret);
	sets(&w);
	gate(&w);
	for (size_t i = 0; i < rs->classes_count && !w.error; i++) {
		char name[CLASS_NAME_MAX];
		size_t before = nft_names_count(seen);

		r = nft_names_add(seen, class_name(&rs->classes[i], name));
		if (r < 0)
			w.error = r;
		else if ((size_t)r == before) /* restrictions of one segment share a name */
			class_chains(&w, &rs->classes[i]);
	}
	return writer_done(&w);
}

int nft_pieces_copy(struct nft_pieces *to, const struct nft_piece *p)
{
	struct nft_piece *copy = piece_add(to);

	if (!copy)
		return -ENOMEM;
	*copy = *p;
	copy->declare = strdup(p->declare);
	copy->fill = strdup(p->fill);
	return copy->declare && copy->fill ? 0 : -ENOMEM;
}

void nft_pieces_done(struct nft_pieces *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->at[i].declare);
		free(p->at[i].fill);
	}
	free(p->at);
	*p = (struct nft_pieces){ 0 };
}
