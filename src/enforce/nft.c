/* SPDX-License-Identifier: BSD-2-Clause */
#include "enforce/nft.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "enforce/nft_drift.h"
#include "enforce/nft_link.h"

/* Elements that are sent as a difference; a larger one is a load. */
#define DELTA_MAX 4096
/* Two clocks, and rounding: restrictions are right to within this. */
#define SLACK_S 5

struct nft {
	struct filter filter;
	struct nft_options options;
	char (*subscriber)[NFT_IFNAME_MAX];
	const char **subscribers;
	struct nft_ctx *ctx;
	struct nft_link *link;
	struct nft_sent sent;
};

static struct nft *nft_of(struct filter *f)
{
	return (struct nft *)f; /* the first member */
}

/* Everything a load needs to know. */
struct job {
	struct nft *n;
	struct nft_names *names;
	struct nft_view view;
	struct nft_pieces pieces;
	struct nft_names *known; /* names of the pieces */
	struct nft_seen seen;
	struct nft_change change[NFT_MAPS + FAMILY_COUNT_];
};

static void job_done(struct job *j)
{
	for (size_t i = 0; i < NFT_MAPS + FAMILY_COUNT_; i++) {
		nft_elements_done(&j->change[i].surplus);
		nft_elements_done(&j->change[i].missing);
	}
	nft_seen_done(&j->seen);
	nft_pieces_done(&j->pieces);
	nft_view_done(&j->view);
	nft_names_free(j->names);
	nft_names_free(j->known);
}

static int job_init(struct job *j, struct nft *n, const struct ruleset *rs, struct wall now,
		    struct why *why)
{
	int r;

	*j = (struct job){ .n = n };
	r = nft_names_new(&j->names);
	if (r == 0)
		r = nft_view_init(&j->view, rs, j->names, now);
	if (r == 0)
		r = nft_pieces_of(rs, &n->options, &j->pieces);
	if (r == 0)
		r = nft_names_new(&j->known);
	for (size_t i = 0; i < j->pieces.count && r >= 0; i++)
		r = nft_names_add(j->known, j->pieces.at[i].name);
	if (r < 0)
		job_done(j);
	return r < 0 ? why_set(why, r, "out of memory") : 0;
}

/* libnftables' first line of complaint, without the echo of the input below it. */
static int run(struct nft *n, const char *commands, struct why *why)
{
	const char *error;
	int len;

	if (nft_run_cmd_from_buffer(n->ctx, commands) == 0)
		return 0;
	error = nft_ctx_get_error_buffer(n->ctx);
	len = error ? (int)strcspn(error, "\n") : 0;
	return why_set(why, -EPROTO, "nftables: %.*s", len > 0 ? len : 20,
		       len > 0 ? error : "refused, no reason");
}

struct script {
	FILE *out;
	char *text;
	size_t len;
};

static int script_init(struct script *s, struct why *why)
{
	*s = (struct script){ 0 };
	s->out = open_memstream(&s->text, &s->len);
	return s->out ? 0 : why_set(why, -ENOMEM, "out of memory");
}

static int script_run(struct script *s, struct nft *n, struct why *why)
{
	int r = ferror(s->out) || fclose(s->out) != 0 ? -ENOMEM : 0;

	if (r < 0)
		why_set(why, r, "out of memory");
	else
		r = run(n, s->text, why);
	free(s->text);
	return r;
}

static void command(struct script *s, const struct nft *n, const char *what, const char *rest)
{
	fprintf(s->out, "%s %s " NFT_TABLE " %s\n", what, nft_family_name(n->options.place), rest);
}

/* A fingerprint of the commands that make the piece. */
static const char *piece_print(const struct nft_piece *p, char ret[static NFT_PRINT_MAX])
{
	crypto_generichash_state h;
	uint8_t hash[crypto_generichash_BYTES];

	crypto_generichash_init(&h, NULL, 0, sizeof(hash));
	crypto_generichash_update(&h, (const void *)p->declare, strlen(p->declare) + 1);
	crypto_generichash_update(&h, (const void *)p->fill, strlen(p->fill) + 1);
	crypto_generichash_final(&h, hash, sizeof(hash));
	return sodium_bin2hex(ret, NFT_PRINT_MAX, hash, 6);
}

/* The note on a piece: what was commanded, and what the kernel then showed. */
static void piece_note(const struct nft_piece *p, const struct nft_object *o,
		       char ret[static sizeof(struct nft_note)])
{
	char commanded[NFT_PRINT_MAX];

	snprintf(ret, sizeof(struct nft_note), "%s %s %s", p->name, piece_print(p, commanded),
		 o->print);
}

/*
 * Note what the kernel shows of the pieces just written. A rule is compared
 * later with how it looked when it was right, not with how some version of nft
 * would print it. Without its note a piece counts as changed.
 */
static int stamp(struct nft *n, const struct nft_pieces *pieces, bool afresh,
		 struct nft_names *names, struct wall now, struct why *why)
{
	struct nft_seen seen = { 0 };
	struct script s;
	int r = nft_link_read(n->link, n->options.place, false, names, now, &seen, why);

	if (r == 0)
		r = script_init(&s, why);
	if (r == 0) {
		command(&s, n, "add chain", NFT_NOTES);
		if (afresh)
			command(&s, n, "flush chain", NFT_NOTES);
		for (size_t i = 0; i < pieces->count; i++) {
			const struct nft_object *o = nft_seen_object(&seen, pieces->at[i].name);
			char note[sizeof(struct nft_note)];

			if (!o)
				continue;
			piece_note(&pieces->at[i], o, note);
			fprintf(s.out,
				"add rule %s " NFT_TABLE " " NFT_NOTES " return comment \"%s\"\n",
				nft_family_name(n->options.place), note);
		}
		r = script_run(&s, n, why);
	}
	nft_seen_done(&seen);
	return r;
}

/* Sets and chains that are there and that the ruleset does not have. */
static void delete_surplus(struct script *s, const struct job *j)
{
	static const char *const commands[] = { "delete set", "delete map", "delete chain" };

	for (size_t i = 0; i < j->seen.objects; i++) {
		const struct nft_object *o = &j->seen.object[i];

		if (strcmp(o->name, NFT_NOTES) != 0 && nft_names_find(j->known, o->name) < 0)
			command(s, j->n, commands[o->kind], o->name);
	}
}

static void counters(struct script *s, const struct job *j)
{
	for (size_t i = 0; i < j->view.rs->classes_count; i++)
		nft_text_counters(&j->view.rs->classes[i], &j->n->options, s->out);
}

static void flush_sets(struct script *s, const struct job *j)
{
	for (size_t i = 0; i < j->pieces.count; i++) {
		const struct nft_piece *p = &j->pieces.at[i];

		if (p->kind != NFT_KIND_CHAIN && strcmp(p->name, "open_all") != 0 &&
		    nft_seen_object(&j->seen, p->name))
			command(s, j->n, p->kind == NFT_KIND_MAP ? "flush map" : "flush set",
				p->name);
	}
}

/* The table as it should be, over whatever stands there; open_all and counters stay. */
static int write_over(struct job *j, struct why *why)
{
	struct script s;
	int r = script_init(&s, why);

	if (r < 0)
		return r;
	command(&s, j->n, "add table", "");
	counters(&s, j);
	command(&s, j->n, "flush table", "");
	flush_sets(&s, j);
	delete_surplus(&s, j);
	nft_text_pieces(&j->pieces, &j->view, &j->n->options, s.out);
	return script_run(&s, j->n, why);
}

struct counter_script {
	struct script *s;
	const struct nft *n;
};

static int counter_again(void *arg, const char *name, uint64_t packets, uint64_t bytes)
{
	struct counter_script *c = arg;

	fprintf(c->s->out, "add counter %s " NFT_TABLE " %s { packets %llu bytes %llu; }\n",
		nft_family_name(c->n->options.place), name, (unsigned long long)packets,
		(unsigned long long)bytes);
	return 0;
}

/*
 * The table anew: where somebody has put other things under our names. The
 * counters' values are carried over; what is counted in between is lost.
 */
static int write_anew(struct job *j, struct why *why)
{
	struct script s;
	int r = script_init(&s, why);

	if (r < 0)
		return r;
	command(&s, j->n, "add table", "");
	command(&s, j->n, "delete table", "");
	command(&s, j->n, "add table", "");
	r = nft_link_counters(j->n->link, j->n->options.place, counter_again,
			      &(struct counter_script){ &s, j->n }, why);
	counters(&s, j);
	nft_text_pieces(&j->pieces, &j->view, &j->n->options, s.out);
	if (j->seen.open4 || j->seen.open6)
		command(&s, j->n, "add element",
			j->seen.open4 && j->seen.open6 ? "open_all { ip, ip6 }"
			: j->seen.open4                ? "open_all { ip }"
						       : "open_all { ip6 }");
	if (r == 0)
		return script_run(&s, j->n, why);
	fclose(s.out);
	free(s.text);
	return r;
}

static int load_whole(struct job *j, struct why *why)
{
	struct why first = { 0 };
	int r = j->seen.dormant ? -EBUSY : write_over(j, &first);

	if (r < 0 && j->seen.table)
		r = write_anew(j, why);
	else if (r < 0)
		r = why_set(why, first.code, "%s", first.text);
	if (r == 0)
		r = stamp(j->n, &j->pieces, true, j->names, j->view.now, why);
	j->n->sent = (struct nft_sent){ .whole = true };
	return r;
}

/* The piece stands as it was written, and was written as it should be now. */
static bool stands(const struct nft_seen *seen, const struct nft_piece *p)
{
	const struct nft_object *o = nft_seen_object(seen, p->name);
	char note[sizeof(struct nft_note)];

	if (!o)
		return false;
	piece_note(p, o, note);
	return nft_seen_has_note(seen, note);
}

/* The table is ours and whole but for class chains that are new: a difference will do. */
static bool is_base(const struct job *j, struct nft_pieces *fresh)
{
	if (!j->seen.table || j->seen.dormant)
		return false;
	for (size_t i = 0; i < j->seen.objects; i++)
		if (!nft_seen_is_noted(&j->seen, &j->seen.object[i]))
			return false;
	for (size_t i = 0; i < j->pieces.count; i++) {
		const struct nft_piece *p = &j->pieces.at[i];

		if (stands(&j->seen, p))
			continue;
		if (nft_seen_object(&j->seen, p->name) || p->kind != NFT_KIND_CHAIN ||
		    strncmp(p->name, "gate/", 5) == 0 || nft_pieces_copy(fresh, p) < 0)
			return false;
	}
	return true;
}

static int elements_of(void *arg, const struct nft_element *e)
{
	return nft_elements_add(arg, e);
}

static int smarthosts_want(const struct ruleset *rs, enum family f, struct nft_elements *ret)
{
	int r = 0;

	for (size_t i = 0; i < rs->smarthosts_count && r == 0; i++) {
		const struct smarthost_range *s = &rs->smarthosts[i];
		struct nft_element e = { .first = s->first.bits, .last = s->last };

		if (s->first.family == f)
			r = nft_elements_add(ret, &e);
	}
	return r;
}

/* The elements of map i, or of the smarthosts of family i - NFT_MAPS. */
static int want_elements(const struct job *j, size_t i, struct nft_elements *ret)
{
	if (i < NFT_MAPS)
		return nft_map_walk(&j->view, nft_map_at(i), elements_of, ret);
	return smarthosts_want(j->view.rs, (enum family)(i - NFT_MAPS), ret);
}

/* What has to be sent so that the elements are those of the ruleset. */
static int differences(struct job *j, size_t *ret_count)
{
	size_t count = 0;

	for (size_t i = 0; i < NFT_MAPS + FAMILY_COUNT_; i++) {
		struct nft_change *c = &j->change[i];
		struct nft_elements want = { 0 };
		const struct nft_elements *have;
		int r = want_elements(j, i, &want);

		c->is_map = i < NFT_MAPS;
		if (c->is_map) {
			c->map = nft_map_at(i);
			nft_map_name(c->map, c->set);
			have = &j->seen.map[i];
		} else {
			c->map.family = (enum family)(i - NFT_MAPS);
			snprintf(c->set, sizeof(c->set), "%s", nft_smarthosts_name(c->map.family));
			have = &j->seen.smarthosts[c->map.family];
		}
		if (r == 0)
			r = nft_elements_diff(have, &want, SLACK_S, &c->surplus, &c->missing);
		nft_elements_done(&want);
		if (r < 0)
			return r;
		count += c->surplus.count + c->missing.count;
	}
	*ret_count = count;
	return 0;
}

/* Chains that new elements lead to must be there before them. */
static int add_chains(struct nft *n, const struct nft_pieces *fresh, const struct class *classes,
		      size_t classes_count, struct why *why)
{
	struct script s;
	int r = script_init(&s, why);

	if (r < 0)
		return r;
	for (size_t i = 0; i < classes_count; i++)
		nft_text_counters(&classes[i], &n->options, s.out);
	for (size_t i = 0; i < fresh->count; i++) {
		fputs(fresh->at[i].declare, s.out);
		command(&s, n, "flush chain", fresh->at[i].name);
	}
	for (size_t i = 0; i < fresh->count; i++)
		fputs(fresh->at[i].fill, s.out);
	return script_run(&s, n, why);
}

static int load_difference(struct job *j, const struct nft_pieces *fresh, size_t count,
			   struct why *why)
{
	const struct ruleset *rs = j->view.rs;
	struct script s;
	int r = 0;

	if (fresh->count > 0)
		r = add_chains(j->n, fresh, rs->classes, rs->classes_count, why);
	if (r == 0 && count > 0)
		r = nft_link_change(j->n->link, j->n->options.place, j->change,
				    NFT_MAPS + FAMILY_COUNT_, j->names, why);
	if (r == 0)
		r = script_init(&s, why);
	if (r == 0) {
		delete_surplus(&s, j); /* nothing leads there any more */
		r = script_run(&s, j->n, why);
	}
	if (r == 0 && fresh->count > 0)
		r = stamp(j->n, &j->pieces, true, j->names, j->view.now, why);
	j->n->sent = (struct nft_sent){ .elements = count, .chains = fresh->count };
	return r;
}

static int nft_load(struct filter *f, const struct ruleset *rs, struct why *why)
{
	struct nft_pieces fresh = { 0 };
	struct nft *n = nft_of(f);
	struct job j;
	size_t count = 0;
	int r = job_init(&j, n, rs, wall_now(), why);

	if (r < 0)
		return r;
	r = nft_link_read(n->link, n->options.place, true, j.names, j.view.now, &j.seen, why);
	if (r == 0) {
		bool small =
		    is_base(&j, &fresh) && differences(&j, &count) == 0 && count <= DELTA_MAX;

		/* A difference that is refused was taken against something that has changed. */
		if (!small || load_difference(&j, &fresh, count, NULL) < 0)
			r = load_whole(&j, why);
	}
	nft_pieces_done(&fresh);
	job_done(&j);
	return r;
}

/* What one map has to change for the view's prefix. */
static int put_change(struct nft_view *v, struct prefix prefix, const struct class *class,
		      struct nft_change *c)
{
	struct nft_elements have = { 0 }, want = { 0 };
	int r;

	nft_map_name(c->map, c->set);
	c->is_map = true;
	v->over = NULL;
	r = nft_map_walk_near(v, c->map, prefix, elements_of, &have);
	if (r == 0)
		r = nft_view_over(v, prefix, class);
	if (r == 0)
		r = nft_map_walk_near(v, c->map, prefix, elements_of, &want);
	if (r == 0)
		r = nft_elements_diff(&have, &want, 0, &c->surplus, &c->missing);
	nft_elements_done(&have);
	nft_elements_done(&want);
	return r;
}

/* The chains of a class that the ruleset in force may not have. */
static int put_chains(struct nft *n, struct nft_view *v, const struct class *class, struct why *why)
{
	struct nft_pieces wanted = { 0 }, fresh = { 0 };
	struct nft_seen seen = { 0 };
	int r = nft_pieces_of_class(class, &n->options, &wanted);

	if (r == 0)
		r = nft_link_read(n->link, n->options.place, false, v->names, v->now, &seen, why);
	for (size_t i = 0; i < wanted.count && r == 0; i++)
		if (!stands(&seen, &wanted.at[i]))
			r = nft_pieces_copy(&fresh, &wanted.at[i]);
	if (r == 0 && fresh.count > 0)
		r = add_chains(n, &fresh, class, 1, why);
	if (r == 0 && fresh.count > 0)
		r = stamp(n, &fresh, false, v->names, v->now, why);
	n->sent.chains = fresh.count;
	nft_seen_done(&seen);
	nft_pieces_done(&fresh);
	nft_pieces_done(&wanted);
	return r;
}

static int put_view(struct nft *n, struct nft_view *v, struct prefix prefix,
		    const struct class *class, struct why *why)
{
	struct nft_change change[NFT_MAPS] = { 0 };
	size_t known = nft_names_count(v->names), count = 0;
	int r = nft_view_over(v, prefix, class);

	n->sent = (struct nft_sent){ 0 };
	if (r == 0 && v->over_number >= known)
		r = put_chains(n, v, class, why);
	for (size_t i = 0; i < NFT_MAPS && r == 0; i++) {
		change[i].map = nft_map_at(i);
		r = put_change(v, prefix, class, &change[i]);
		count += change[i].surplus.count + change[i].missing.count;
	}
	if (r == 0 && count > DELTA_MAX)
		r = why_set(why, -ENOSPC, "too many ranges change for a change in place");
	if (r == 0 && count > 0)
		r = nft_link_change(n->link, n->options.place, change, NFT_MAPS, v->names, why);
	n->sent.elements = count;
	for (size_t i = 0; i < NFT_MAPS; i++) {
		nft_elements_done(&change[i].surplus);
		nft_elements_done(&change[i].missing);
	}
	/* What stands there is not what was thought: a load looks first, and heals. */
	return r == -ENOENT || r == -EEXIST || r == -EPROTO ? -ENOSPC : r;
}

static int nft_put(struct filter *f, const struct ruleset *rs, struct prefix prefix,
		   const struct class *class, struct why *why)
{
	own(nft_names) struct nft_names *names = NULL;
	struct nft *n = nft_of(f);
	struct nft_view v = { 0 };
	int r = nft_names_new(&names);

	if (r == 0)
		r = nft_view_init(&v, rs, names, wall_now());
	if (r < 0)
		return why_set(why, r, "out of memory");
	r = put_view(n, &v, prefix, class, why);
	nft_view_done(&v);
	return r;
}

/* Chains first: what is missing in them says more than that a note is gone. */
static void drift_of_pieces(const struct job *j, struct nft_drift *d)
{
	for (int chains = 1; chains >= 0; chains--)
		for (size_t i = 0; i < j->pieces.count && j->seen.table; i++)
			if ((j->pieces.at[i].kind == NFT_KIND_CHAIN) == chains &&
			    !stands(&j->seen, &j->pieces.at[i]))
				nft_drift_piece(d, &j->pieces.at[i]);
	nft_drift_surplus(d, j->known);
}

static int nft_compare(struct filter *f, const struct ruleset *rs, struct wall now,
		       struct filter_drift *ret, struct why *why)
{
	struct nft *n = nft_of(f);
	struct nft_drift d;
	struct job j;
	int r = job_init(&j, n, rs, now, why);

	if (r < 0)
		return r;
	r = nft_link_read(n->link, n->options.place, true, j.names, now, &j.seen, why);
	nft_drift_init(&d, &j.seen, j.names);
	if (r == 0)
		drift_of_pieces(&j, &d);
	for (size_t i = 0; i < NFT_MAPS + FAMILY_COUNT_ && r == 0; i++) {
		struct nft_elements want = { 0 };

		r = want_elements(&j, i, &want);
		if (r == 0)
			r = i < NFT_MAPS
				? nft_drift_map(&d, nft_map_at(i), &want, now, SLACK_S)
				: nft_drift_smarthosts(&d, (enum family)(i - NFT_MAPS), &want);
		nft_elements_done(&want);
		if (r < 0)
			why_set(why, r, "out of memory");
	}
	if (r == 0)
		r = nft_drift_sum(&d, ret);
	nft_drift_done(&d);
	job_done(&j);
	return r;
}

static int read_definitions(struct nft *n, struct nft_seen *ret, struct why *why)
{
	own(nft_names) struct nft_names *names = NULL;
	int r = nft_names_new(&names);

	if (r < 0)
		return why_set(why, r, "out of memory");
	return nft_link_read(n->link, n->options.place, false, names, wall_now(), ret, why);
}

/* Works without anything loaded: then the table is made, with nothing in it but the switch. */
static int nft_set_open(struct filter *f, bool open, struct why *why)
{
	struct nft *n = nft_of(f);
	struct nft_seen seen = { 0 };
	struct script s;
	int r = read_definitions(n, &seen, why);

	if (r == 0 && !nft_seen_object(&seen, "open_all")) {
		r = script_init(&s, why);
		if (r == 0) {
			command(&s, n, "add table", "");
			command(&s, n, "add set", "open_all { type ether_type; }");
			r = script_run(&s, n, why);
		}
	}
	if (r == 0)
		r = nft_link_open(n->link, n->options.place, open, &seen, why);
	nft_seen_done(&seen);
	return r;
}

static int nft_is_open(struct filter *f, bool *ret, struct why *why)
{
	struct nft_seen seen = { 0 };
	int r = read_definitions(nft_of(f), &seen, why);

	if (r == 0)
		*ret = seen.open4 && seen.open6;
	nft_seen_done(&seen);
	return r;
}

struct tally {
	struct nft_names *classes;
	struct filter_count *count; /* by number of the class's name */
	size_t room;
};

static int tally_add(void *arg, const char *name, uint64_t packets, uint64_t bytes)
{
	static const char *const kinds[] = { "rejected/", "dropped/", "monitored/", "passed/" };
	struct tally *t = arg;
	(void)bytes;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		size_t len = strlen(kinds[k]);
		int class;

		if (packets == 0 || strncmp(name, kinds[k], len) != 0)
			continue;
		class = nft_names_add(t->classes, name + len);
		if (class < 0)
			return class;
		if ((size_t) class >= t->room) {
			size_t room = t->room ? t->room * 2 : 64;
			struct filter_count *more = realloc(t->count, room * sizeof(*more));

			if (!more)
				return -ENOMEM;
			memset(more + t->room, 0, (room - t->room) * sizeof(*more));
			t->count = more;
			t->room = room;
		}
		struct filter_count *c = &t->count[class];
		uint64_t *const field[] = { &c->rejected, &c->dropped, &c->monitored, &c->passed };

		snprintf(c->class, sizeof(c->class), "%s", name + len);
		*field[k] += packets;
	}
	return 0;
}

static int nft_counters(struct filter *f, filter_count_fn fn, void *arg, struct why *why)
{
	own(nft_names) struct nft_names *classes = NULL;
	struct nft *n = nft_of(f);
	struct tally t = { 0 };
	int r = nft_names_new(&classes);

	if (r < 0)
		return why_set(why, r, "out of memory");
	t.classes = classes;
	r = nft_link_counters(n->link, n->options.place, tally_add, &t, why);
	for (size_t i = 0; i < nft_names_count(classes) && r == 0; i++)
		r = fn(arg, &t.count[i]);
	free(t.count);
	return r;
}

static void nft_free(struct filter *f)
{
	struct nft *n = nft_of(f);

	nft_link_free(n->link);
	if (n->ctx)
		nft_ctx_free(n->ctx);
	free(n->subscriber);
	free(n->subscribers);
	free(n);
}

static const struct filter_ops nft_ops = {
	.name = "nft",
	.load = nft_load,
	.put = nft_put,
	.compare = nft_compare,
	.set_open = nft_set_open,
	.is_open = nft_is_open,
	.counters = nft_counters,
	.free = nft_free,
};

static int options_copy(struct nft *n, const struct nft_options *o)
{
	size_t count = o->subscribers_count;

	n->options = *o;
	n->subscriber = calloc(count + 1, sizeof(*n->subscriber));
	n->subscribers = calloc(count + 1, sizeof(*n->subscribers));
	if (!n->subscriber || !n->subscribers)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		snprintf(n->subscriber[i], NFT_IFNAME_MAX, "%s", o->subscribers[i]);
		n->subscribers[i] = n->subscriber[i];
	}
	n->options.subscribers = n->subscribers;
	return 0;
}

int nft_new(const struct nft_options *o, struct filter **ret, struct why *why)
{
	own(filter) struct filter *f = NULL;
	struct nft *n;
	int r = nft_options_check(o, why);

	if (r < 0)
		return r;
	n = calloc(1, sizeof(*n));
	if (!n)
		return why_set(why, -ENOMEM, "out of memory");
	n->filter.ops = &nft_ops;
	f = &n->filter;
	r = nft_link_new(&n->link, why);
	if (r < 0)
		return r;
	n->ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	if (options_copy(n, o) < 0 || !n->ctx || nft_ctx_buffer_error(n->ctx) != 0 ||
	    nft_ctx_buffer_output(n->ctx) != 0)
		return why_set(why, -ENOMEM, "out of memory");
	*ret = take(f);
	return 0;
}

struct nft_sent nft_last_sent(const struct filter *f)
{
	return ((const struct nft *)f)->sent;
}
