/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/declaration_pdf.h"

#include <cairo-pdf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pango/pangocairo.h>
#include <string.h>

#include "base/own.h"
#include "tell/pdfa.h"

#define PAGE_W 595.28 /* A4 in points */
#define PAGE_H 841.89
#define LEFT   62.0
#define RIGHT  (PAGE_W - 62.0)
#define FONT   "DejaVu Sans"

enum lang { PT_BR, PT_MZ, EN, LANG_COUNT_ };

static const char *const lang_names[LANG_COUNT_] = { "pt-BR", "pt-MZ", "en" };

/* One row per text: its name, and how pt-BR, pt-MZ and English say it. */
#define TEXTS(X)                                                                                       \
	X(TITLE, "Declaração do índice de migração", "Declaração do índice de migração",               \
	  "Declaration of the migration index")                                                        \
	X(SUBTITLE, "Gerência da porta 25: submissão autenticada de mensagens",                        \
	  "Gestão da porta 25: submissão autenticada de mensagens",                                    \
	  "Management of port 25: authenticated submission of mail")                                   \
	X(PROVIDER, "Provedor de correio", "Provedor de correio electrónico", "Mail provider")         \
	X(WINDOW, "Período medido", "Período medido", "Period measured")                               \
	X(ISSUED, "Emitida em", "Emitida em", "Issued")                                                \
	X(EXPIRES, "Válida até", "Válida até", "Good until")                                           \
	X(SERIAL, "Número", "Número", "Serial number")                                                 \
	X(INDEX, "Índice de migração", "Índice de migração", "Migration index")                        \
	X(WORST, "Pior caso", "Pior caso", "Worst case")                                               \
	X(WORST_NOTE, "todo usuário de que nada se sabe conta como não migrado",                       \
	  "todo o utilizador de que nada se sabe conta como não migrado",                              \
	  "every user of whom nothing is known counts as not migrated")                                \
	X(CHANNEL, "Canal de envio", "Canal de envio", "Channel")                                      \
	X(USERS, "Usuários", "Utilizadores", "Users")                                                  \
	X(MESSAGES, "Mensagens", "Mensagens", "Messages")                                              \
	X(CH_LEGACY25, "porta 25 (antiga)", "porta 25 (antiga)", "port 25 (legacy)")                   \
	X(CH_587, "porta 587, STARTTLS", "porta 587, STARTTLS", "port 587, STARTTLS")                  \
	X(CH_465, "porta 465, TLS", "porta 465, TLS", "port 465, TLS")                                 \
	X(CH_WEBMAIL, "webmail", "webmail", "webmail")                                                 \
	X(CH_OTHER, "outro", "outro", "other")                                                         \
	X(CH_UNCLASSIFIED, "sem classificação", "sem classificação", "not classified")                 \
	X(ACTIVE, "Usuários ativos no período", "Utilizadores activos no período",                     \
	  "Active users in the period")                                                                \
	X(BASE, "Contas ao todo", "Contas ao todo", "Accounts in all")                                 \
	X(UNKNOWN, "não informado", "não indicado", "not stated")                                      \
	X(MIGRATED, "Usuários migrados", "Utilizadores migrados", "Migrated users")                    \
	X(DEFINITIONS, "Definições", "Definições", "Definitions")                                      \
	X(DEFINITIONS_TEXT,                                                                            \
	  "Ativo é o usuário que entregou ao menos uma mensagem no período, por qualquer canal. "   \
	  "Migrado é o usuário ativo que já não usa a porta 25 para enviar. O índice é a parte " \
	  "dos migrados entre os ativos de canal conhecido. Para a condição de 90 % vale o pior "    \
	  "caso.",                                                                                     \
	  "Activo é o utilizador que entregou pelo menos uma mensagem no período, por qualquer "     \
	  "canal. Migrado é o utilizador activo que já não usa a porta 25 para enviar. O índice "  \
	  "é a parte dos migrados entre os activos de canal conhecido. Para a condição de 90 % "    \
	  "vale o pior caso.",                                                                         \
	  "An active user handed over at least one message in the period, by any channel. A "          \
	  "migrated user is active and no longer sends by port 25. The index is the share of "         \
	  "migrated users among the active of known channel. For the condition of 90 % the worst "     \
	  "case counts.")                                                                              \
	X(DIGITAL, "Documento digital", "Documento digital", "Digital document")                       \
	X(DIGITAL_TEXT,                                                                                \
	  "Esta folha repete o documento digital assinado com Ed25519 que tem o resumo SHA-256 "       \
	  "abaixo; os registros diários encadeados terminam no segundo. Só contagens saem do "       \
	  "provedor: nenhuma conta.",                                                                  \
	  "Esta folha repete o documento digital assinado com Ed25519 que tem o resumo SHA-256 "       \
	  "abaixo; os registos diários encadeados terminam no segundo. Só contagens saem do "        \
	  "provedor: nenhuma conta.",                                                                  \
	  "This sheet repeats the digital document signed with Ed25519 that has the SHA-256 "          \
	  "digest below; the chained daily records end in the second one. Only counts leave "          \
	  "the provider: no account does.")                                                            \
	X(DIGEST, "documento", "documento", "document")                                                \
	X(HEAD, "registros", "registos", "records")                                                    \
	X(KEY, "chave", "chave", "key")                                                                \
	X(METHOD, "método", "método", "method")                                                        \
	X(SIGN, "Declaro que os dados acima são verdadeiros.",                                         \
	  "Declaro que os dados acima são verdadeiros.", "I declare that the above is true.")          \
	X(PLACE, "Local e data", "Local e data", "Place and date")                                     \
	X(SIGNATURE, "Assinatura", "Assinatura", "Signature")                                          \
	X(NAME_ROLE, "Nome e cargo", "Nome e cargo", "Name and function")

enum text_id {
#define X(id, br, mz, en) T_##id,
	TEXTS(X)
#undef X
	    T_COUNT_
};

static const char *const texts[T_COUNT_][LANG_COUNT_] = {
#define X(id, br, mz, en) [T_##id] = { br, mz, en },
	TEXTS(X)
#undef X
};

struct sheet {
	cairo_t *cr;
	enum lang lang;
	double y; /* where the next line begins */
};

static int lang_of(const char *name)
{
	for (int i = 0; i < LANG_COUNT_; i++)
		if (strcmp(name, lang_names[i]) == 0)
			return i;
	return -1;
}

_Bool declaration_pdf_language(const char *lang)
{
	return lang_of(lang) >= 0;
}

static const char *say(const struct sheet *s, enum text_id id)
{
	return texts[id][s->lang];
}

/* Text at x, wrapped to `width`; returns its height. */
static double put(struct sheet *s, double x, double width, const char *font, PangoAlignment align,
		  const char *text)
{
	PangoLayout *layout = pango_cairo_create_layout(s->cr);
	PangoFontDescription *desc = pango_font_description_from_string(font);
	int height;

	pango_layout_set_font_description(layout, desc);
	pango_layout_set_width(layout, (int)(width * PANGO_SCALE));
	pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
	pango_layout_set_alignment(layout, align);
	pango_layout_set_text(layout, text, -1);
	pango_layout_get_size(layout, NULL, &height);
	cairo_move_to(s->cr, x, s->y);
	pango_cairo_show_layout(s->cr, layout);
	pango_font_description_free(desc);
	g_object_unref(layout);
	return (double)height / PANGO_SCALE;
}

static void para(struct sheet *s, const char *font, const char *text, double after)
{
	s->y += put(s, LEFT, RIGHT - LEFT, font, PANGO_ALIGN_LEFT, text) + after;
}

static void rule(struct sheet *s, double x1, double x2, double width)
{
	cairo_set_line_width(s->cr, width);
	cairo_move_to(s->cr, x1, s->y);
	cairo_line_to(s->cr, x2, s->y);
	cairo_stroke(s->cr);
}

/* "Name   value" with the value in a column of its own. */
static void pair(struct sheet *s, enum text_id id, const char *value)
{
	put(s, LEFT, 150, FONT " 9", PANGO_ALIGN_LEFT, say(s, id));
	s->y += put(s, LEFT + 160, RIGHT - LEFT - 160, FONT " Bold 9", PANGO_ALIGN_LEFT, value) + 3;
}

static void count_text(const struct sheet *s, int64_t n, char ret[32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRId64, n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			ret[at++] = s->lang == EN ? ',' : '.';
		ret[at++] = digits[i];
	}
	ret[at] = '\0';
}

/* Cut, never rounded up: 89.996 % is not 90 %. */
static void share_text(const struct sheet *s, double share, char ret[32])
{
	int64_t hundredths = (int64_t)(share * 10000 + 1e-9);

	snprintf(ret, 32, "%d%c%02d %%", (int)(hundredths / 100), s->lang == EN ? '.' : ',',
		 (int)(hundredths % 100));
}

static void day_text(const struct sheet *s, const char *iso, char ret[16])
{
	if (s->lang == EN)
		snprintf(ret, 16, "%.10s", iso);
	else
		snprintf(ret, 16, "%.2s/%.2s/%.4s", iso + 8, iso + 5, iso);
}

static void put_head(struct sheet *s, const struct declaration *d)
{
	char a[16], b[16], line[DECLARATION_NAME_MAX * 2 + 8], when[WALL_TEXT];

	para(s, FONT " Bold 17", say(s, T_TITLE), 2);
	para(s, FONT " 10", say(s, T_SUBTITLE), 10);
	rule(s, LEFT, RIGHT, 1.2);
	s->y += 10;
	snprintf(line, sizeof(line), "%s (%s)", d->name, d->domain);
	pair(s, T_PROVIDER, line);
	day_text(s, d->tally.from, a);
	day_text(s, d->tally.to, b);
	snprintf(line, sizeof(line), "%s – %s", a, b);
	pair(s, T_WINDOW, line);
	wall_text(d->issued, when);
	day_text(s, when, a);
	pair(s, T_ISSUED, a);
	wall_text(d->expires, when);
	day_text(s, when, a);
	pair(s, T_EXPIRES, a);
	snprintf(line, sizeof(line), "%" PRId64, d->serial);
	pair(s, T_SERIAL, line);
	s->y += 8;
}

static void put_index(struct sheet *s, const struct declaration *d)
{
	char index[32], worst[32];
	double half = (RIGHT - LEFT) / 2, label;

	share_text(s, d->tally.index, index);
	share_text(s, d->tally.worst_case, worst);
	put(s, LEFT, half, FONT " 9", PANGO_ALIGN_LEFT, say(s, T_INDEX));
	label = put(s, LEFT + half, half, FONT " 9", PANGO_ALIGN_LEFT, say(s, T_WORST));
	s->y += label + 1;
	put(s, LEFT, half, FONT " Bold 24", PANGO_ALIGN_LEFT, index);
	s->y += put(s, LEFT + half, half, FONT " Bold 24", PANGO_ALIGN_LEFT, worst) + 1;
	s->y += put(s, LEFT + half, half, FONT " 8", PANGO_ALIGN_LEFT, say(s, T_WORST_NOTE)) + 10;
}

static void row(struct sheet *s, const char *name, const char *a, const char *b, const char *font)
{
	double h = put(s, LEFT, 250, font, PANGO_ALIGN_LEFT, name);

	put(s, LEFT + 250, 100, font, PANGO_ALIGN_RIGHT, a);
	put(s, LEFT + 360, 110, font, PANGO_ALIGN_RIGHT, b);
	s->y += h + 3;
}

static void put_table(struct sheet *s, const struct declaration *d)
{
	char a[32], b[32];

	row(s, say(s, T_CHANNEL), say(s, T_USERS), say(s, T_MESSAGES), FONT " Bold 9");
	rule(s, LEFT, RIGHT, 0.6);
	s->y += 4;
	for (int c = 0; c < TALLY_CHANNEL_COUNT_; c++) {
		count_text(s, d->tally.users[c], a);
		count_text(s, d->tally.messages[c], b);
		row(s, say(s, (enum text_id)(T_CH_LEGACY25 + c)), a, b, FONT " 9");
	}
	rule(s, LEFT, RIGHT, 0.6);
	s->y += 4;
	count_text(s, d->tally.active, a);
	row(s, say(s, T_ACTIVE), a, "", FONT " Bold 9");
	count_text(s, d->tally.migrated, a);
	row(s, say(s, T_MIGRATED), a, "", FONT " Bold 9");
	if (d->tally.base >= 0)
		count_text(s, d->tally.base, a);
	else
		snprintf(a, sizeof(a), "%s", say(s, T_UNKNOWN));
	row(s, say(s, T_BASE), a, "", FONT " 9");
	s->y += 8;
}

static void put_words(struct sheet *s, const struct declaration *d)
{
	char key[SIGNKEY_TEXT_MAX + SIGNKEY_ID_TEXT + 4], id[SIGNKEY_ID_TEXT],
	    pub[SIGNKEY_TEXT_MAX];
	char method[64];

	para(s, FONT " Bold 10", say(s, T_DEFINITIONS), 2);
	para(s, FONT " 8.5", say(s, T_DEFINITIONS_TEXT), 8);
	para(s, FONT " Bold 10", say(s, T_DIGITAL), 2);
	para(s, FONT " 8.5", say(s, T_DIGITAL_TEXT), 4);
	signkey_id(&d->key, id);
	signkey_public_text(&d->key, pub);
	snprintf(key, sizeof(key), "%s (%s)", pub, id);
	snprintf(method, sizeof(method), "porteiro index %s", d->method_version);
	const struct {
		enum text_id name;
		const char *value;
	} rows[] = {
		{ T_DIGEST, d->digest }, { T_HEAD, d->head }, { T_KEY, key }, { T_METHOD, method }
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put(s, LEFT, 70, FONT " 7", PANGO_ALIGN_LEFT, say(s, rows[i].name));
		s->y += put(s, LEFT + 70, RIGHT - LEFT - 70, FONT " Mono 7", PANGO_ALIGN_LEFT,
			    rows[i].value) +
			1;
	}
}

static void put_signature(struct sheet *s)
{
	static const enum text_id lines[] = { T_PLACE, T_NAME_ROLE, T_SIGNATURE };

	s->y = PAGE_H - 150; /* always at the foot, as on every form */
	para(s, FONT " 9", say(s, T_SIGN), 24);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		put(s, LEFT, 120, FONT " 8", PANGO_ALIGN_LEFT, say(s, lines[i]));
		s->y += 11;
		rule(s, LEFT + 110, RIGHT, 0.5);
		s->y += 17;
	}
}

static cairo_status_t collect(void *closure, const unsigned char *data, unsigned len)
{
	return fwrite(data, 1, len, closure) == len ? CAIRO_STATUS_SUCCESS
						    : CAIRO_STATUS_WRITE_ERROR;
}

static int draw(const struct declaration *d, enum lang lang, const struct pdfa_words *w, FILE *out)
{
	cairo_surface_t *surface =
	    cairo_pdf_surface_create_for_stream(collect, out, PAGE_W, PAGE_H);
	struct sheet s = { .cr = cairo_create(surface), .lang = lang, .y = 52 };

	cairo_pdf_surface_restrict_to_version(surface, CAIRO_PDF_VERSION_1_5);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, w->title);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_AUTHOR, w->author);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, w->created);
	put_head(&s, d);
	put_index(&s, d);
	put_table(&s, d);
	put_words(&s, d);
	put_signature(&s);
	cairo_show_page(s.cr);
	cairo_destroy(s.cr);
	cairo_surface_finish(surface);
	int r = cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS ? 0 : -EIO;
	cairo_surface_destroy(surface);
	return r;
}

static int save(const char *path, const char *bytes, size_t len)
{
	own_file FILE *f = fopen(path, "we");

	if (!f)
		return -errno;
	if (fwrite(bytes, 1, len, f) != len || fflush(f) != 0)
		return -EIO;
	return 0;
}

int declaration_pdf(const struct declaration *d, const char *lang, const char *path,
		    struct why *why)
{
	own_mem char *drawn = NULL, *whole = NULL;
	size_t drawn_len = 0, whole_len = 0;
	int l = lang_of(lang);
	char created[WALL_TEXT];

	if (l < 0)
		return why_set(why, -EINVAL, "'%s' is not pt-BR, pt-MZ or en", lang);
	wall_text(d->issued, created);
	struct pdfa_words words = {
		.title = texts[T_TITLE][l], .author = d->name, .language = lang, .created = created
	};
	FILE *out = open_memstream(&drawn, &drawn_len);
	if (!out)
		return -ENOMEM;
	int r = draw(d, (enum lang)l, &words, out);
	if (fclose(out) != 0 || r < 0)
		return why_set(why, -EIO, "the PDF could not be drawn");
	r = pdfa_finish(drawn, drawn_len, &words, &whole, &whole_len, why);
	if (r < 0)
		return r;
	r = save(path, whole, whole_len);
	return r < 0 ? why_set(why, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}
