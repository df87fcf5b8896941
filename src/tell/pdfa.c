/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/pdfa.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "wire/xml.h"

/* A colour profile of the sRGB primaries with a plain curve (ICC.1:2001-04), made here. */
#define ICC_TAGS 9
#define ICC_MAX  1024

struct icc {
	unsigned char bytes[ICC_MAX];
	size_t len;
};

static void put32(struct icc *p, size_t at, unsigned v)
{
	for (int i = 0; i < 4; i++)
		p->bytes[at + (size_t)i] = (unsigned char)(v >> (24 - 8 * i));
}

static void put_name(struct icc *p, size_t at, const char *name)
{
	memcpy(p->bytes + at, name, 4);
}

static void put_fixed(struct icc *p, size_t at, double v)
{
	put32(p, at, (unsigned)(int)lround(v * 65536));
}

static size_t icc_data(struct icc *p, const char *type, size_t len)
{
	size_t at = p->len;

	put_name(p, at, type);
	p->len += (len + 3) / 4 * 4;
	return at;
}

static void icc_tag(struct icc *p, int i, const char *name, size_t at, size_t len)
{
	size_t row = 132 + (size_t)i * 12;

	put_name(p, row, name);
	put32(p, row + 4, (unsigned)at);
	put32(p, row + 8, (unsigned)len);
}

static void icc_words(struct icc *p)
{
	static const char name[] = "sRGB", rights[] = "no copyright, use freely";
	size_t n = sizeof(name), at = icc_data(p, "desc", 12 + n + 78);

	put32(p, at + 8, (unsigned)n);
	memcpy(p->bytes + at + 12, name, n);
	icc_tag(p, 0, "desc", at, 12 + n + 78);
	at = icc_data(p, "text", 8 + sizeof(rights));
	memcpy(p->bytes + at + 8, rights, sizeof(rights));
	icc_tag(p, 1, "cprt", at, 8 + sizeof(rights));
}

static void icc_srgb(struct icc *p)
{
	static const struct {
		const char *name;
		double x, y, z;
	} colours[] = { /* adapted to D50 */
			{ "wtpt", 0.9642, 1.0, 0.8249 },
			{ "rXYZ", 0.43607, 0.22249, 0.01392 },
			{ "gXYZ", 0.38515, 0.71687, 0.09708 },
			{ "bXYZ", 0.14307, 0.06061, 0.7141 }
	};
	memset(p, 0, sizeof(*p));
	p->len = 132 + ICC_TAGS * 12;
	put32(p, 8, 0x02100000);
	put_name(p, 12, "mntr");
	put_name(p, 16, "RGB ");
	put_name(p, 20, "XYZ ");
	put32(p, 24, 2026U << 16 | 1); /* year, month */
	put32(p, 28, 1U << 16);        /* day, hour */
	put_name(p, 36, "acsp");
	put_fixed(p, 68, 0.9642);
	put_fixed(p, 72, 1.0);
	put_fixed(p, 76, 0.8249);
	put32(p, 128, ICC_TAGS);
	icc_words(p);
	for (int i = 0; i < 4; i++) {
		size_t at = icc_data(p, "XYZ ", 20);

		put_fixed(p, at + 8, colours[i].x);
		put_fixed(p, at + 12, colours[i].y);
		put_fixed(p, at + 16, colours[i].z);
		icc_tag(p, 2 + i, colours[i].name, at, 20);
	}
	size_t at = icc_data(p, "curv", 14);
	put32(p, at + 8, 1);
	put32(p, at + 12, 563U << 16); /* one entry: gamma 2.2 as u8Fixed8 */
	icc_tag(p, 6, "rTRC", at, 14);
	icc_tag(p, 7, "gTRC", at, 14);
	icc_tag(p, 8, "bTRC", at, 14);
	put32(p, 0, (unsigned)p->len);
}

static int xmp_text(const struct pdfa_words *w, char **ret, size_t *ret_len)
{
	FILE *out = open_memstream(ret, ret_len);

	if (!out)
		return -ENOMEM;
	fputs("<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
	      "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
	      "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
	      "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\""
	      " xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\""
	      " xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\">\n"
	      "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>\n"
	      "<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">",
	      out);
	xml_escape(w->title, out);
	fputs("</rdf:li></rdf:Alt></dc:title>\n<dc:creator><rdf:Seq><rdf:li>", out);
	xml_escape(w->author, out);
	fputs("</rdf:li></rdf:Seq></dc:creator>\n<dc:language><rdf:Bag><rdf:li>", out);
	xml_escape(w->language, out);
	fprintf(out,
		"</rdf:li></rdf:Bag></dc:language>\n<xmp:CreateDate>%s</xmp:CreateDate>\n"
		"</rdf:Description>\n</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"r\"?>",
		w->created);
	return fclose(out) == 0 ? 0 : -ENOMEM;
}

/* What of Cairo's file has to be known to continue it. */
struct tail {
	long size, root, info, xref;
	const char *catalog; /* behind its "<<" */
	size_t catalog_len;  /* up to its last ">>" */
};

static const char *last_of(const char *s, size_t len, const char *what)
{
	const char *found = NULL, *at = s, *end = s + len;

	while ((at = memmem(at, (size_t)(end - at), what, strlen(what)))) {
		found = at;
		at += strlen(what);
	}
	return found;
}

static _Bool tail_read(const char *pdf, size_t len, struct tail *t)
{
	const char *trailer = last_of(pdf, len, "trailer");
	const char *size, *root, *info, *xref;
	char head[32];

	if (!trailer)
		return 0;
	size_t rest = len - (size_t)(trailer - pdf);
	size = memmem(trailer, rest, "/Size ", 6);
	root = memmem(trailer, rest, "/Root ", 6);
	info = memmem(trailer, rest, "/Info ", 6);
	xref = memmem(trailer, rest, "startxref", 9);
	if (!size || !root || !info || !xref)
		return 0;
	t->size = strtol(size + 6, NULL, 10);
	t->root = strtol(root + 6, NULL, 10);
	t->info = strtol(info + 6, NULL, 10);
	t->xref = strtol(xref + 9, NULL, 10);
	snprintf(head, sizeof(head), "\n%ld 0 obj\n<<", t->root);
	t->catalog = last_of(pdf, len, head);
	if (!t->catalog)
		return 0;
	t->catalog += strlen(head);
	const char *end = memmem(t->catalog, len - (size_t)(t->catalog - pdf), "endobj", 6);
	const char *close = end ? last_of(t->catalog, (size_t)(end - t->catalog), ">>") : NULL;
	t->catalog_len = close ? (size_t)(close - t->catalog) : 0;
	return close != NULL;
}

static void put_stream(FILE *out, const char *dict, const void *bytes, size_t len)
{
	fprintf(out, "<< %s /Length %zu >>\nstream\n", dict, len);
	fwrite(bytes, 1, len, out);
	fputs("\nendstream\nendobj\n", out);
}

static void put_update(FILE *out, const struct tail *t, const struct pdfa_words *w, const char *xmp,
		       size_t xmp_len, const char id[33])
{
	struct icc icc;
	long at[3];

	icc_srgb(&icc);
	at[0] = ftell(out);
	fprintf(out,
		"%ld 0 obj\n<<%.*s/Metadata %ld 0 R /Lang (%s)\n"
		"/OutputIntents [ << /Type /OutputIntent /S /GTS_PDFA1 "
		"/OutputConditionIdentifier (sRGB) /Info (sRGB) /DestOutputProfile %ld 0 R >> ]\n"
		">>\nendobj\n",
		t->root, (int)t->catalog_len, t->catalog, t->size, w->language, t->size + 1);
	at[1] = ftell(out);
	fprintf(out, "%ld 0 obj\n", t->size);
	put_stream(out, "/Type /Metadata /Subtype /XML", xmp, xmp_len);
	at[2] = ftell(out);
	fprintf(out, "%ld 0 obj\n", t->size + 1);
	put_stream(out, "/N 3", icc.bytes, icc.len);
	long xref = ftell(out);
	fprintf(out,
		"xref\n%ld 1\n%010ld 00000 n \n%ld 2\n%010ld 00000 n \n%010ld 00000 n \n"
		"trailer\n<< /Size %ld /Root %ld 0 R /Info %ld 0 R /Prev %ld /ID [<%s> <%s>] >>\n"
		"startxref\n%ld\n%%%%EOF\n",
		t->root, at[0], t->size, at[1], at[2], t->size + 2, t->root, t->info, t->xref, id,
		id, xref);
}

int pdfa_finish(const char *pdf, size_t len, const struct pdfa_words *words, char **ret,
		size_t *ret_len, struct why *why)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	own_mem char *xmp = NULL, *whole = NULL;
	size_t xmp_len = 0, whole_len = 0;
	struct tail t;
	char id[33];

	if (!tail_read(pdf, len, &t))
		return why_set(why, -EINVAL, "the PDF is not laid out as expected");
	int r = xmp_text(words, &xmp, &xmp_len);
	if (r < 0)
		return r;
	FILE *out = open_memstream(&whole, &whole_len);
	if (!out)
		return -ENOMEM;
	crypto_hash_sha256(hash, (const unsigned char *)pdf, len);
	sodium_bin2hex(id, sizeof(id), hash, 16);
	fwrite(pdf, 1, len, out);
	put_update(out, &t, words, xmp, xmp_len, id);
	if (fclose(out) != 0)
		return -ENOMEM;
	*ret = take(whole);
	*ret_len = whole_len;
	return 0;
}
