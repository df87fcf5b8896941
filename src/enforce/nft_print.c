/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of nft_text.h that grows with the number of prefixes: elements are
 * written as they are found, none is kept.
 */
#include <errno.h>
#include <string.h>

#include "enforce/nft_text.h"

static void counter(const char *what, const char *class, const struct nft_options *o, FILE *out)
{
	fprintf(out, "add counter %s " NFT_TABLE " %s/%s\n", nft_family_name(o->place), what,
		class);
}

static bool refuses(enum mode m)
{
	return m == MODE_REJECT || m == MODE_DROP;
}

void nft_text_counters(const struct class *c, const struct nft_options *o, FILE *out)
{
	char class[CLASS_NAME_MAX];

	class_name(c, class);
	if (c->mode == MODE_REJECT || c->inbound == MODE_REJECT)
		counter("rejected", class, o, out);
	if (refuses(c->mode) || refuses(c->inbound))
		counter("dropped", class, o, out);
	if (c->mode == MODE_MONITOR || c->inbound == MODE_MONITOR)
		counter("monitored", class, o, out);
	if (c->mode == MODE_OFF)
		counter("passed", class, o, out);
}

static void print_range(FILE *out, enum family f, addr_bits first, addr_bits last)
{
	char text[ADDR_TEXT_MAX];

	fputs(addr_text((struct addr){ .bits = first, .family = f }, text), out);
	if (last != first)
		fprintf(out, "-%s", addr_text((struct addr){ .bits = last, .family = f }, text));
}

struct print {
	const struct nft_view *view;
	const struct nft_options *o;
	struct nft_map map;
	FILE *out;
	bool begun;
};

static void print_begin(struct print *p)
{
	fputs(p->begun ? ",\n" : " elements = {\n", p->out);
	p->begun = true;
}

static void print_end(struct print *p)
{
	fputs(p->begun ? " }; }\n" : " }\n", p->out);
	p->begun = false;
}

/* In days and less: nft takes no large number of seconds. */
static void print_timeout(FILE *out, int64_t s)
{
	fprintf(out, " timeout %lldd%lldh%lldm%llds", (long long)(s / 86400),
		(long long)(s / 3600 % 24), (long long)(s / 60 % 60), (long long)(s % 60));
}

static int print_element(void *arg, const struct nft_element *e)
{
	struct print *p = arg;
	char map[NFT_NAME_MAX];

	print_begin(p);
	print_range(p->out, p->map.family, e->first, e->last);
	if (e->until.s != 0)
		print_timeout(p->out, e->until.s - p->view->now.s);
	if (e->to == NFT_TO_NONE)
		fputs(" : goto " NFT_NONE, p->out);
	else
		fprintf(p->out, " : goto %s",
			nft_chain_name(p->map, nft_names_at(p->view->names, e->to), map));
	return ferror(p->out) ? -EIO : 0;
}

const char *nft_smarthosts_name(enum family f)
{
	return f == FAMILY_V4 ? "smarthosts4" : "smarthosts6";
}

static void print_smarthosts(struct print *p, enum family f)
{
	const struct ruleset *rs = p->view->rs;

	for (size_t i = 0; i < rs->smarthosts_count; i++) {
		const struct smarthost_range *s = &rs->smarthosts[i];

		if (s->first.family != f)
			continue;
		print_begin(p);
		print_range(p->out, f, s->first.bits, s->last);
	}
}

static int print_map(struct print *p, const char *name)
{
	char map[NFT_NAME_MAX];

	for (size_t i = 0; i < NFT_MAPS; i++) {
		p->map = nft_map_at(i);
		if (strcmp(nft_map_name(p->map, map), name) == 0)
			return nft_map_walk(p->view, p->map, print_element, p);
	}
	return 0;
}

static int print_set(struct print *p, const struct nft_piece *piece)
{
	int r = 0;

	fputs(piece->declare, p->out);
	if (piece->kind == NFT_KIND_MAP)
		r = print_map(p, piece->name);
	else if (strcmp(piece->name, nft_smarthosts_name(FAMILY_V4)) == 0)
		print_smarthosts(p, FAMILY_V4);
	else if (strcmp(piece->name, nft_smarthosts_name(FAMILY_V6)) == 0)
		print_smarthosts(p, FAMILY_V6);
	print_end(p);
	return r;
}

int nft_text_pieces(const struct nft_pieces *pieces, const struct nft_view *v,
		    const struct nft_options *o, FILE *out)
{
	struct print p = { .view = v, .o = o, .out = out };
	int r = 0;

	for (size_t i = 0; i < pieces->count; i++)
		if (pieces->at[i].kind == NFT_KIND_CHAIN)
			fputs(pieces->at[i].declare, out);
	for (size_t i = 0; i < pieces->count && r == 0; i++)
		if (pieces->at[i].kind != NFT_KIND_CHAIN)
			r = print_set(&p, &pieces->at[i]);
	for (size_t i = 0; i < pieces->count; i++)
		fputs(pieces->at[i].fill, out);
	return r;
}

static void print_head(const struct ruleset *rs, const struct nft_options *o, FILE *out)
{
	const char *family = nft_family_name(o->place);

	fputs("# porteiro: TCP to port 25, and nothing else. Ruleset ", out);
	for (size_t i = 0; i < RULESET_HASH_BYTES; i++)
		fprintf(out, "%02x", rs->hash[i]);
	fprintf(out,
		".\n"
		"# For `nft -f`: one transaction; a table " NFT_TABLE " is replaced, its counters "
		"begin at 0.\n"
		"# Open everything:  nft add element %s " NFT_TABLE " open_all '{ ip, ip6 }'\n"
		"# Take that back:   nft flush set %s " NFT_TABLE " open_all\n\n",
		family, family);
	fprintf(out, "add table %s " NFT_TABLE "\ndelete table %s " NFT_TABLE "\n", family, family);
	fprintf(out, "add table %s " NFT_TABLE "\n", family);
}

int nft_text(const struct ruleset *rs, const struct nft_options *o, struct wall now, FILE *out)
{
	struct nft_pieces pieces = { 0 };
	own(nft_names) struct nft_names *names = NULL;
	struct nft_view view = { 0 };
	int r = nft_names_new(&names);

	if (r == 0)
		r = nft_view_init(&view, rs, names, now);
	if (r == 0)
		r = nft_pieces_of(rs, o, &pieces);
	if (r == 0) {
		print_head(rs, o, out);
		for (size_t i = 0; i < rs->classes_count; i++)
			nft_text_counters(&rs->classes[i], o, out);
		r = nft_text_pieces(&pieces, &view, o, out);
	}
	nft_pieces_done(&pieces);
	nft_view_done(&view);
	return r == 0 && ferror(out) ? -EIO : r;
}
