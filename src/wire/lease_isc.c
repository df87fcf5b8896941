/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dhcpd.leases(5): the file is a log in which the last word on an address
 * counts; all of it is history to us. Times are UTC, "never", or "epoch N".
 *
 *   lease 192.0.2.7 { starts 2 2026/11/21 12:57:04; ends …; binding state active; … }
 *   ia-na "…" { cltt …; iaaddr 2001:db8::7 { binding state active; ends …; } }
 *   ia-pd "…" { cltt …; iaprefix 2001:db8:7::/56 { … } }
 *
 * The line is the hardware address, for IPv6 the DUID behind the four bytes of
 * the IAID, in hexadecimal.
 */
#include <stdio.h>
#include <string.h>

#include "wire/lease_read_priv.h"

#define WORDS_MAX 8

struct file {
	struct lease_sink *sink;
	struct slice rest;
	struct slice word[WORDS_MAX]; /* of the statement; further words are not kept */
	size_t words, statement;      /* the line it began on */
};

/* The block being read; `duid` and `cltt` hold for all addresses inside an ia. */
struct block {
	struct lease lease;
	bool has_place, has_starts, has_ends, has_cltt;
	int64_t starts, ends, cltt;
	struct slice state;
	char duid[LEASE_LINE_MAX];
	size_t line;
};

static void blank_skip(struct file *f)
{
	while (f->rest.len) {
		char c = f->rest.at[0];

		if (c == '#') {
			f->rest = slice_from(f->rest, slice_until(f->rest, '\n').len);
			continue;
		}
		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return;
		f->sink->line += c == '\n';
		f->rest = slice_from(f->rest, 1);
	}
}

/* A string with its quotes, or a run of other characters. */
static struct slice word_next(struct file *f)
{
	size_t n = 0;

	if (f->rest.at[0] != '"') {
		while (n < f->rest.len && !memchr(" \t\r\n;{}\"", f->rest.at[n], 8))
			n++;
		n += n == 0; /* a lone character: nothing is read twice */
	} else {
		for (n = 1; n < f->rest.len && f->rest.at[n] != '"'; n++) {
			n += f->rest.at[n] == '\\';
			if (n < f->rest.len)
				f->sink->line += f->rest.at[n] == '\n';
		}
		n += n < f->rest.len;
	}
	struct slice s = slice_cut(f->rest, n);
	f->rest = slice_from(f->rest, s.len);
	return s;
}

/* Words up to ';', '{' or '}', which is returned; 0 at the end of the file. */
static char statement_next(struct file *f)
{
	f->words = 0;
	for (;;) {
		blank_skip(f);
		if (!f->words)
			f->statement = f->sink->line;
		if (!f->rest.len)
			return 0;
		char c = f->rest.at[0];
		if (c == ';' || c == '{' || c == '}') {
			f->rest = slice_from(f->rest, 1);
			return c;
		}
		struct slice w = word_next(f);
		if (f->words < WORDS_MAX)
			f->word[f->words++] = w;
	}
}

static bool word_is(const struct file *f, size_t i, const char *text)
{
	return i < f->words && slice_is(f->word[i], slice_of(text));
}

/* "2 2013/12/10 12:57:04", "never", "epoch 1386680224" behind the statement's name. */
static bool date_read(const struct file *f, int64_t *ret)
{
	char text[32];

	if (word_is(f, 1, "never")) {
		*ret = LEASE_FOREVER;
		return true;
	}
	if (f->words >= 3 && word_is(f, 1, "epoch"))
		return lease_time_parse(f->word[2], 0, ret);
	if (f->words < 4 || f->word[2].len != 10 || f->word[3].len != 8)
		return false;
	snprintf(text, sizeof(text), "%.10s %.8s", f->word[2].at, f->word[3].at);
	if (text[4] != '/' || text[7] != '/')
		return false;
	text[4] = text[7] = '-';
	return lease_time_parse(slice_of(text), 0, ret);
}

/* Bytes of a string with \ooo and \c, without its first `skip`, as hexadecimal. */
static bool hex_read(struct slice s, size_t skip, char *ret, size_t room)
{
	size_t n = 0, count = 0;

	if (s.len < 2 || s.at[0] != '"' || s.at[s.len - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < s.len; i++, count++) {
		unsigned byte = (unsigned char)s.at[i];

		if (byte == '\\' && i + 2 < s.len) {
			byte = (unsigned char)s.at[++i];
			if (byte >= '0' && byte <= '3' && i + 3 < s.len) {
				byte = ((unsigned)(s.at[i] - '0') & 7) << 6 |
				       ((unsigned)(s.at[i + 1] - '0') & 7) << 3 |
				       ((unsigned)(s.at[i + 2] - '0') & 7);
				i += 2;
			}
		}
		if (count < skip)
			continue;
		if (n + 3 > room)
			return false;
		snprintf(ret + n, 3, "%02x", byte & 0xff);
		n += 2;
	}
	return n > 0;
}

static void attribute(struct file *f, struct block *b)
{
	bool good = true;

	if (word_is(f, 0, "starts"))
		good = b->has_starts = date_read(f, &b->starts);
	else if (word_is(f, 0, "ends"))
		good = b->has_ends = date_read(f, &b->ends);
	else if (word_is(f, 0, "cltt"))
		good = b->has_cltt = date_read(f, &b->cltt);
	else if (word_is(f, 0, "binding") && f->words >= 3)
		b->state = f->word[2];
	else if (word_is(f, 0, "hardware") && f->words >= 3)
		good = lease_name_set(b->lease.line, sizeof(b->lease.line), f->word[2]);
	if (!good) {
		f->sink->line = f->statement;
		lease_fault(f->sink, "%.*s: can not be read", (int)f->word[0].len, f->word[0].at);
	}
}

/* Free, expired and released leases are over; abandoned, backup and reset ones nobody's. */
static int block_emit(struct file *f, struct block *b)
{
	struct lease *l = &b->lease;
	size_t line = f->sink->line;
	bool active = slice_is(b->state, SLICE("active")) || !b->state.len;
	bool over = slice_is(b->state, SLICE("free")) || slice_is(b->state, SLICE("expired")) ||
		    slice_is(b->state, SLICE("released"));

	f->sink->line = b->line;
	if (b->duid[0])
		snprintf(l->line, sizeof(l->line), "%s", b->duid);
	if ((!active && !over) || !l->line[0]) {
		f->sink->idle++;
		f->sink->line = line;
		return 0;
	}
	int r = 0;
	if (!b->has_ends || (!b->has_starts && !b->has_cltt)) {
		lease_fault(f->sink, "a lease without its start and end");
	} else {
		l->from = b->has_starts ? b->starts : b->cltt;
		l->until = b->ends;
		l->end = over ? LEASE_REPORTED : LEASE_PROMISED;
		l->seen = over ? b->ends : l->from;
		if (!over && b->has_cltt && b->cltt > l->from && b->cltt <= l->until)
			l->seen = b->cltt;
		r = lease_emit(f->sink, l);
	}
	f->sink->line = line;
	return r;
}

static void block_place(struct file *f, struct block *b)
{
	b->lease.ports = LEASE_PORTS_ALL;
	b->lease.source = LEASE_DHCP;
	b->line = f->statement;
	b->has_place = f->words >= 2 && lease_place_set(f->word[1], &b->lease.place);
	if (!b->has_place)
		lease_fault(f->sink, "%.*s: not an address", (int)f->word[0].len, f->word[0].at);
}

/* The inside of a block up to its closing brace. */
static int block_read(struct file *f, struct block *b)
{
	unsigned depth = 1;
	char end;

	while (depth && (end = statement_next(f)) != 0) {
		if (end == '{')
			depth++;
		else if (end == '}')
			depth--;
		else if (depth == 1 && f->words)
			attribute(f, b);
	}
	if (depth) {
		f->sink->line = b->line;
		lease_fault(f->sink, "the file ends inside of a lease");
		return 0;
	}
	return b->has_place ? block_emit(f, b) : 0;
}

/* An ia-na, ia-ta or ia-pd: addresses and prefixes of one client. */
static int ia_read(struct file *f)
{
	struct block outer = { .line = f->statement };
	char end;

	if (f->words < 2 || !hex_read(f->word[1], 4, outer.duid, sizeof(outer.duid)))
		lease_fault(f->sink, "the client's identifier can not be read");
	while ((end = statement_next(f)) == '{' || end == ';') {
		if (end == ';') {
			if (f->words)
				attribute(f, &outer);
			continue;
		}
		struct block b = outer;
		block_place(f, &b);
		int r = block_read(f, &b);
		if (r != 0)
			return r;
	}
	return 0;
}

int lease_read_isc(struct slice file, struct lease_sink *sink)
{
	struct file f = { .sink = sink, .rest = file };
	char end;

	sink->line = 1;
	while ((end = statement_next(&f)) != 0) {
		struct block b = { .line = f.statement };
		int r = 0;

		if (end != '{')
			continue;
		if (word_is(&f, 0, "lease")) {
			block_place(&f, &b);
			r = block_read(&f, &b);
		} else if (word_is(&f, 0, "ia-na") || word_is(&f, 0, "ia-ta") ||
			   word_is(&f, 0, "ia-pd")) {
			r = ia_read(&f);
		} else {
			r = block_read(&f, &b); /* failover state and the like */
		}
		if (r != 0)
			return r;
	}
	return 0;
}
