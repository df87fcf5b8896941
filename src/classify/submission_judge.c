/* SPDX-License-Identifier: BSD-2-Clause */
#include "classify/submission_judge.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "classify/submission_published.h"

#define CERT_WARN_DAYS 21
#define BANNER_MS      5000
#define WRONG_MS       1000 /* a refusal should not come faster */
#define IDLE_MS        300000

#define EXCERPT 120

struct judge {
	const struct submission *s;
	struct audit_results *r;
	struct wall now;
};

static const char *said(const struct talk *t, enum slot slot, char buffer[EXCERPT])
{
	if (talk_code(t, slot))
		smtp_reply_excerpt(t->heard[slot], buffer, EXCERPT);
	else
		snprintf(buffer, EXCERPT, "%.*s", EXCERPT - 1,
			 t->error[0] ? t->error : "no answer");
	return buffer;
}

static _Bool yes(int code)
{
	return code >= 200 && code < 300;
}

/* The EHLO after TLS where there was one, else the one before. */
static enum slot best_ehlo(const struct talk *t)
{
	return t->heard[SLOT_EHLO_TLS] ? SLOT_EHLO_TLS : SLOT_EHLO;
}

static void reach(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_T587];
	char b[EXCERPT];

	if (!t->tried)
		return;
	if (talk_code(t, SLOT_BANNER) == 220 && t->ms[SLOT_BANNER] <= BANNER_MS)
		audit_say(j->r, CHECK_REACH587, AUDIT_PASSED, "%s: %s (%lld ms)", p->address,
			  said(t, SLOT_BANNER, b), (long long)t->ms[SLOT_BANNER]);
	else if (talk_code(t, SLOT_BANNER) == 220)
		audit_say(j->r, CHECK_REACH587, AUDIT_FAILED, "%s: the greeting took %lld ms",
			  p->address, (long long)t->ms[SLOT_BANNER]);
	else
		audit_say(j->r, CHECK_REACH587, AUDIT_FAILED, "%s port %d: %s", p->address, t->port,
			  said(t, SLOT_BANNER, b));
}

static void starttls(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_T587];
	char b[EXCERPT], words[64];

	if (talk_code(t, SLOT_BANNER) != 220)
		return;
	if (talk_code(t, SLOT_EHLO) != 250)
		audit_say(j->r, CHECK_STARTTLS587, AUDIT_FAILED, "%s: EHLO: %s", p->address,
			  said(t, SLOT_EHLO, b));
	else if (!talk_offers(t, SLOT_EHLO, "STARTTLS", words, sizeof(words)))
		audit_say(j->r, CHECK_STARTTLS587, AUDIT_FAILED, "%s: EHLO does not offer STARTTLS",
			  p->address);
	else if (t->tls.done)
		audit_say(j->r, CHECK_STARTTLS587, AUDIT_PASSED, "%s: %s %s", p->address,
			  t->tls.version, t->tls.cipher);
	else
		audit_say(j->r, CHECK_STARTTLS587, AUDIT_FAILED, "%s: STARTTLS: %s, then %s",
			  p->address, said(t, SLOT_STARTTLS, b),
			  t->tls.error[0] ? t->tls.error : "nothing");
}

static void auth_clear(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_T587];
	int code = talk_code(t, SLOT_AUTH_CLEAR);
	char b[EXCERPT], words[256];

	if (talk_code(t, SLOT_EHLO) == 0)
		return;
	if (talk_offers(t, SLOT_EHLO, "AUTH", words, sizeof(words)) &&
	    (smtp_word(words, "PLAIN") || smtp_word(words, "LOGIN")))
		audit_say(j->r, CHECK_AUTHCLEAR, AUDIT_FAILED,
			  "%s: before TLS it offers AUTH %.60s", p->address, words);
	/* 535 and 454: it looked at the password; 334: it asked for one. RFC 4954 6 has 538 and
	 * 530. */
	if (code == 334 || code == 235 || code == 535 || code == 454)
		audit_say(j->r, CHECK_AUTHCLEAR, AUDIT_FAILED, "%s: AUTH before TLS: %s",
			  p->address, said(t, SLOT_AUTH_CLEAR, b));
	else if (code)
		audit_say(j->r, CHECK_AUTHCLEAR, AUDIT_PASSED, "%s: AUTH before TLS: %s",
			  p->address, said(t, SLOT_AUTH_CLEAR, b));
}

/* Mail without a login: one talk, both recipients. */
static void no_login(const struct judge *j, const struct point *p, enum talk_id id)
{
	const struct talk *t = &p->talk[id];
	char b[EXCERPT];
	const char *where = talk_names[id];

	if (talk_code(t, SLOT_RCPT_FOREIGN)) {
		_Bool relayed = yes(talk_code(t, SLOT_RCPT_FOREIGN));

		audit_say(j->r, CHECK_RELAY, relayed ? AUDIT_FAILED : AUDIT_PASSED,
			  "%s %s: RCPT outside: %s", p->address, where,
			  said(t, SLOT_RCPT_FOREIGN, b));
		if (id == TALK_T587)
			audit_say(j->r, CHECK_NOAUTH587, relayed ? AUDIT_FAILED : AUDIT_PASSED,
				  "%s: without a login, RCPT outside: %s", p->address,
				  said(t, SLOT_RCPT_FOREIGN, b));
	}
	if (talk_code(t, SLOT_RCPT_LOCAL))
		audit_say(j->r, CHECK_LOCALAUTH,
			  yes(talk_code(t, SLOT_RCPT_LOCAL)) ? AUDIT_FAILED : AUDIT_PASSED,
			  "%s %s: RCPT local: %s", p->address, where, said(t, SLOT_RCPT_LOCAL, b));
}

static void relay_25(const struct judge *j, const struct point *p)
{
	static const struct {
		enum slot slot;
		const char *name;
		_Bool
		    local; /* a server that accepts every user of the domain means nothing by it */
	} tricks[] = { { SLOT_RCPT_FOREIGN, "RCPT outside", 0 },
		       { SLOT_RCPT_PERCENT, "RCPT user%host@domain", 1 },
		       { SLOT_RCPT_QUOTED, "RCPT \"user@host\"@domain", 1 },
		       { SLOT_RCPT_ROUTE, "RCPT @domain:user@host", 0 },
		       { SLOT_RCPT_SPOOF, "local sender, RCPT outside", 0 } };
	const struct talk *t = &p->talk[TALK_T25];
	_Bool everyone = yes(talk_code(t, SLOT_RCPT_NOBODY));
	char b[EXCERPT];

	for (size_t i = 0; i < sizeof(tricks) / sizeof(*tricks); i++) {
		int code = talk_code(t, tricks[i].slot);

		if (yes(code) && !(tricks[i].local && everyone))
			audit_say(j->r, CHECK_RELAY, AUDIT_FAILED, "%s port 25: %s: %s", p->address,
				  tricks[i].name, said(t, tricks[i].slot, b));
		else if (code)
			audit_say(j->r, CHECK_RELAY, AUDIT_PASSED, "%s port 25: %s: %s", p->address,
				  tricks[i].name, said(t, tricks[i].slot, b));
	}
	if (talk_code(t, SLOT_RCPT_LOCAL))
		audit_say(j->r, CHECK_LOCALFROM25,
			  yes(talk_code(t, SLOT_RCPT_LOCAL)) ? AUDIT_WARNED : AUDIT_PASSED,
			  "%s: postmaster@ as a stranger's sender: %s", p->address,
			  said(t, SLOT_RCPT_LOCAL, b));
}

static void auth_25(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_T25];
	char before[128], after[128];

	if (talk_code(t, SLOT_EHLO) == 0)
		return;
	_Bool a = talk_offers(t, SLOT_EHLO, "AUTH", before, sizeof(before));
	_Bool b = talk_offers(t, SLOT_EHLO_TLS, "AUTH", after, sizeof(after));
	if (a || b)
		audit_say(j->r, CHECK_AUTH25, AUDIT_FAILED, "%s port 25 offers AUTH %s%s",
			  p->address, a ? before : after, a ? "" : " (within TLS)");
	else
		audit_say(j->r, CHECK_AUTH25, AUDIT_PASSED, "%s port 25 offers no AUTH",
			  p->address);
}

static void implicit(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_T465];
	char b[EXCERPT];

	if (!t->tried)
		return;
	if (t->clear_banner)
		audit_say(j->r, CHECK_IMPLICIT465, AUDIT_FAILED,
			  "%s port 465 greets in clear: STARTTLS there is not what programs expect",
			  p->address);
	else if (t->tls.done && talk_code(t, SLOT_BANNER) == 220)
		audit_say(j->r, CHECK_IMPLICIT465, AUDIT_PASSED, "%s: %s, then %s", p->address,
			  t->tls.version, said(t, SLOT_BANNER, b));
	else
		audit_say(j->r, CHECK_IMPLICIT465, AUDIT_FAILED, "%s port 465: %s", p->address,
			  t->tls.error[0] ? t->tls.error : said(t, SLOT_BANNER, b));
}

static _Bool same_words(const char *a, const char *b)
{
	char word[64];

	for (; *a; a += strcspn(a, " ")) {
		a += strspn(a, " ");
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(a, " "), a);
		if (word[0] && !smtp_word(b, word))
			return 0;
	}
	return 1;
}

static void auth_465(const struct judge *j, const struct point *p)
{
	const struct talk *a = &p->talk[TALK_T587], *b = &p->talk[TALK_T465];
	char on587[256], on465[256];

	if (talk_code(b, SLOT_EHLO_TLS) == 0)
		return;
	_Bool has = talk_offers(b, SLOT_EHLO_TLS, "AUTH", on465, sizeof(on465));
	if (!has)
		audit_say(j->r, CHECK_AUTH465, AUDIT_FAILED, "%s port 465 offers no AUTH",
			  p->address);
	else if (talk_offers(a, SLOT_EHLO_TLS, "AUTH", on587, sizeof(on587)) &&
		 !(same_words(on587, on465) && same_words(on465, on587)))
		audit_say(j->r, CHECK_AUTH465, AUDIT_FAILED, "%s: 587 has %.80s, 465 has %.80s",
			  p->address, on587, on465);
	else
		audit_say(j->r, CHECK_AUTH465, AUDIT_PASSED, "%s: AUTH %.80s", p->address, on465);
}

static void cert(const struct judge *j, const struct point *p, enum talk_id id)
{
	const struct tls_heard *t = &p->talk[id].tls;
	const char *where = talk_names[id];
	int64_t days = (t->until_s - j->now.s) / 86400;
	_Bool rsa = strncmp(t->key_kind, "RSA", 3) == 0;

	if (!t->done)
		return;
	if (days < 0)
		audit_say(j->r, CHECK_CERT, AUDIT_FAILED, "%s %s: it expired %lld days ago",
			  p->address, where, (long long)-days);
	else if (!t->chain_good)
		audit_say(j->r, CHECK_CERT, AUDIT_FAILED, "%s %s: the chain is not good: %s",
			  p->address, where, t->chain_error);
	if (!t->name_good)
		audit_say(j->r, CHECK_CERT, AUDIT_FAILED, "%s %s: it is for '%.80s', not for %s",
			  p->address, where, t->names, p->host);
	if (t->key_bits && t->key_bits < (rsa ? 2048 : 224))
		audit_say(j->r, CHECK_CERT, AUDIT_FAILED, "%s %s: its key has %d bits (%s)",
			  p->address, where, t->key_bits, t->key_kind);
	if (t->weak_digest)
		audit_say(j->r, CHECK_CERT, AUDIT_FAILED, "%s %s: it is signed over MD5 or SHA-1",
			  p->address, where);
	if (days >= 0 && days < CERT_WARN_DAYS)
		audit_say(j->r, CHECK_CERT, AUDIT_WARNED, "%s %s: it ends in %lld days", p->address,
			  where, (long long)days);
	audit_say(j->r, CHECK_CERT, AUDIT_PASSED, "%s %s: %d-bit %s, %lld days left", p->address,
		  where, t->key_bits, t->key_kind, (long long)days);
}

static void old_tls(const struct judge *j, const struct point *p, enum talk_id id, enum talk_id now)
{
	const struct tls_heard *t = &p->talk[id].tls, *best = &p->talk[now].tls;

	if (t->done)
		audit_say(j->r, CHECK_TLSOLD, AUDIT_FAILED, "%s %s: %s was accepted", p->address,
			  talk_names[now], t->version);
	if (best->done && strcmp(best->version, "TLSv1.3") != 0)
		audit_say(j->r, CHECK_TLSOLD, AUDIT_WARNED, "%s %s: the best is %s", p->address,
			  talk_names[now], best->version);
	if (t->tried && best->done)
		audit_say(j->r, CHECK_TLSOLD, AUDIT_PASSED, "%s %s: old versions refused, %s",
			  p->address, talk_names[now], best->version);
}

static void weak(const struct judge *j, const struct point *p, enum talk_id id)
{
	const struct tls_heard *t = &p->talk[id].tls;

	if (t->done)
		audit_say(j->r, CHECK_CIPHERS, AUDIT_WARNED, "%s %s: %s was accepted", p->address,
			  talk_names[id], t->cipher);
	else if (t->tried)
		audit_say(j->r, CHECK_CIPHERS, AUDIT_PASSED, "%s %s: refused", p->address,
			  talk_names[id]);
}

static void injected(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_INJECT];
	int code = talk_code(t, SLOT_QUIT);
	char b[EXCERPT];

	if (talk_code(t, SLOT_STARTTLS) == 0 && !t->hung_up)
		return;
	if (code == 250)
		audit_say(j->r, CHECK_INJECT, AUDIT_FAILED,
			  "%s: NOOP sent before TLS was answered within: %s", p->address,
			  said(t, SLOT_QUIT, b));
	else
		audit_say(j->r, CHECK_INJECT, AUDIT_PASSED, "%s: %s", p->address,
			  code ? "it was thrown away" : "the connection was closed");
}

static void state_reset(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_T587];
	char words[64], b[EXCERPT];

	if (!t->tls.done)
		return;
	if (talk_offers(t, SLOT_EHLO_TLS, "STARTTLS", words, sizeof(words)))
		audit_say(j->r, CHECK_RESET, AUDIT_FAILED,
			  "%s: within TLS it offers STARTTLS again", p->address);
	else if (talk_code(t, SLOT_EHLO_TLS) == 250)
		audit_say(j->r, CHECK_RESET, AUDIT_PASSED, "%s: EHLO anew, no second STARTTLS",
			  p->address);
	else
		audit_say(j->r, CHECK_RESET, AUDIT_FAILED, "%s: EHLO within TLS: %s", p->address,
			  said(t, SLOT_EHLO_TLS, b));
}

static void closing(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_T587];
	char b[EXCERPT];

	if (talk_code(t, SLOT_EHLO) == 0)
		return;
	if (talk_code(t, SLOT_QUIT) == 221)
		audit_say(j->r, CHECK_CLOSE, AUDIT_PASSED, "%s: 221%s", p->address,
			  t->tls.closed_well ? ", then close_notify" : "");
	else
		audit_say(j->r, CHECK_CLOSE, AUDIT_NOTED, "%s: QUIT: %s", p->address,
			  said(t, SLOT_QUIT, b));
}

static void mechanisms(const struct judge *j, const struct point *p)
{
	static const char *const bad[] = { "CRAM-MD5", "DIGEST-MD5", "NTLM", "GSSAPI-NTLM" };
	const struct talk *t = &p->talk[TALK_T587];
	char words[256];

	if (!talk_offers(t, SLOT_EHLO_TLS, "AUTH", words, sizeof(words))) {
		if (talk_code(t, SLOT_EHLO_TLS) == 250)
			audit_say(j->r, CHECK_MECHS, AUDIT_FAILED,
				  "%s: within TLS there is no AUTH", p->address);
		return;
	}
	if (smtp_word(words, "ANONYMOUS"))
		audit_say(j->r, CHECK_MECHS, AUDIT_FAILED, "%s: ANONYMOUS lets anybody in",
			  p->address);
	if (!smtp_word(words, "PLAIN"))
		audit_say(j->r, CHECK_MECHS, AUDIT_FAILED,
			  "%s: no PLAIN, which every program knows", p->address);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (smtp_word(words, bad[i]))
			audit_say(j->r, CHECK_MECHS, AUDIT_WARNED, "%s: %s is obsolete", p->address,
				  bad[i]);
	audit_say(j->r, CHECK_MECHS, AUDIT_PASSED, "%s: AUTH %.100s", p->address, words);
}

static void wrong_password(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_T587];
	int nobody = talk_code(t, SLOT_AUTH_WRONG), known = talk_code(t, SLOT_AUTH_WRONG_KNOWN);
	char a[EXCERPT], b[EXCERPT];

	if (!nobody)
		return;
	said(t, SLOT_AUTH_WRONG, a);
	if (yes(nobody) || yes(known))
		audit_say(j->r, CHECK_WRONGPASS, AUDIT_FAILED,
			  "%s: a wrong password was accepted: %s", p->address,
			  yes(nobody) ? a : said(t, SLOT_AUTH_WRONG_KNOWN, b));
	else if (nobody != 535)
		audit_say(j->r, CHECK_WRONGPASS, AUDIT_FAILED, "%s: not 535 but %s", p->address, a);
	else if (known && strcmp(a, said(t, SLOT_AUTH_WRONG_KNOWN, b)) != 0)
		audit_say(j->r, CHECK_WRONGPASS, AUDIT_FAILED,
			  "%s: an unknown account gives '%s', a known one '%s'", p->address, a, b);
	else if (t->ms[SLOT_AUTH_WRONG] < WRONG_MS)
		audit_say(j->r, CHECK_WRONGPASS, AUDIT_WARNED,
			  "%s: refused after only %lld ms: guessing is cheap", p->address,
			  (long long)t->ms[SLOT_AUTH_WRONG]);
	else
		audit_say(j->r, CHECK_WRONGPASS, AUDIT_PASSED, "%s: %s after %lld ms", p->address,
			  a, (long long)t->ms[SLOT_AUTH_WRONG]);
}

static void auth_rules(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_RULES], *in = &p->talk[TALK_LOGIN];
	int start = talk_code(t, SLOT_AUTH_START), cancel = talk_code(t, SLOT_AUTH_CANCEL);
	int base64 = talk_code(t, SLOT_AUTH_BASE64), again = talk_code(in, SLOT_AUTH_AGAIN);
	char b[EXCERPT];

	if (start == 334 && cancel && cancel != 501)
		audit_say(j->r, CHECK_AUTHRULES, AUDIT_FAILED, "%s: '*' after 334: %s", p->address,
			  said(t, SLOT_AUTH_CANCEL, b));
	/* RFC 4954 4 asks for 501; 535 is what several servers say, and it harms nobody. */
	if (base64 && base64 != 501 && base64 != 535)
		audit_say(j->r, CHECK_AUTHRULES, AUDIT_FAILED, "%s: bad base64: %s", p->address,
			  said(t, SLOT_AUTH_BASE64, b));
	if (again && again != 503)
		audit_say(j->r, CHECK_AUTHRULES, AUDIT_FAILED, "%s: a second AUTH: %s", p->address,
			  said(in, SLOT_AUTH_AGAIN, b));
	if (start == 334 && cancel == 501 && base64)
		audit_say(j->r, CHECK_AUTHRULES, AUDIT_PASSED, "%s: '*' %d, bad base64 %d%s",
			  p->address, cancel, base64, again ? ", second AUTH 503" : "");
	int utf8 = talk_code(t, SLOT_AUTH_UTF8);
	if (utf8)
		audit_say(j->r, CHECK_UTF8AUTH, utf8 == 535 ? AUDIT_PASSED : AUDIT_WARNED, "%s: %s",
			  p->address, said(t, SLOT_AUTH_UTF8, b));
	else if (base64 && t->hung_up)
		audit_say(j->r, CHECK_UTF8AUTH, AUDIT_WARNED, "%s: the connection was closed",
			  p->address);
}

static void extensions(const struct judge *j, const struct point *p)
{
	static const char *const wanted[] = { "PIPELINING", "8BITMIME", "DSN" };
	const struct talk *t = &p->talk[TALK_T587];
	enum slot ehlo = best_ehlo(t);
	char words[64], code[12] = "", b[EXCERPT];
	_Bool size;

	if (talk_code(t, ehlo) != 250)
		return;
	if (t->heard[SLOT_RCPT_FOREIGN])
		smtp_reply_enhanced(t->heard[SLOT_RCPT_FOREIGN], code);
	if (!talk_offers(t, ehlo, "ENHANCEDSTATUSCODES", words, sizeof(words)))
		audit_say(j->r, CHECK_ENHANCED, AUDIT_WARNED, "%s: EHLO does not offer them",
			  p->address);
	else if (t->heard[SLOT_RCPT_FOREIGN] && !code[0])
		audit_say(j->r, CHECK_ENHANCED, AUDIT_WARNED, "%s: offered, but not said: %s",
			  p->address, said(t, SLOT_RCPT_FOREIGN, b));
	else
		audit_say(j->r, CHECK_ENHANCED, AUDIT_PASSED, "%s: %s", p->address, code);
	size = talk_offers(t, ehlo, "SIZE", words, sizeof(words));
	if (!size || strspn(words, "0") == strlen(words))
		audit_say(j->r, CHECK_SIZE, AUDIT_FAILED, "%s: %s", p->address,
			  size ? "SIZE without a limit" : "no SIZE");
	else
		audit_say(j->r, CHECK_SIZE, AUDIT_PASSED, "%s: SIZE %s", p->address, words);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (!talk_offers(t, ehlo, wanted[i], words, sizeof(words)))
			audit_say(j->r, CHECK_EXTENSIONS, AUDIT_WARNED, "%s: no %s", p->address,
				  wanted[i]);
	audit_say(j->r, CHECK_EXTENSIONS, AUDIT_PASSED, "%s: all three", p->address);
}

/* RFC 5321 4.1.1.1: the first word of the EHLO reply is the server's name. */
static void ehlo_name(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_T587];
	enum slot ehlo = best_ehlo(t);
	char name[128];

	if (talk_code(t, ehlo) != 250)
		return;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(t->heard[ehlo]->text, " \n"),
		 t->heard[ehlo]->text);
	if (!strchr(name, '.') || strcasecmp(name, "localhost.localdomain") == 0)
		audit_say(j->r, CHECK_EHLONAME, AUDIT_WARNED, "%s: '%s' is no full host name",
			  p->address, name);
	else if (t->tls.done && strcasecmp(name, p->host) != 0 && !smtp_word(t->tls.names, name))
		audit_say(j->r, CHECK_EHLONAME, AUDIT_WARNED,
			  "%s: it calls itself %s, which the certificate does not have", p->address,
			  name);
	else
		audit_say(j->r, CHECK_EHLONAME, AUDIT_PASSED, "%s: %s", p->address, name);
}

static void disclosure(const struct judge *j, const struct point *p)
{
	static const char *const names[] = { "Postfix",   "Exim",      "Sendmail",
					     "Microsoft", "OpenSMTPD", "Dovecot",
					     "qmail",     "Zimbra",    "Haraka" };
	const struct talk *t = &p->talk[TALK_T587];
	char b[EXCERPT];

	if (talk_code(t, SLOT_BANNER) != 220)
		return;
	said(t, SLOT_BANNER, b);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasestr(b, names[i]))
			audit_say(j->r, CHECK_DISCLOSURE, AUDIT_NOTED, "%s: the banner says %s",
				  p->address, names[i]);
	if (talk_code(t, SLOT_VRFY) == 250)
		audit_say(j->r, CHECK_DISCLOSURE, AUDIT_WARNED, "%s: VRFY answers: %s", p->address,
			  said(t, SLOT_VRFY, b));
	audit_say(j->r, CHECK_DISCLOSURE, AUDIT_PASSED, "%s: nothing", p->address);
}

static void idle(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_IDLE];
	char b[EXCERPT];

	if (talk_code(t, SLOT_BANNER) != 220)
		return;
	if (t->hung_up && t->open_ms < IDLE_MS)
		audit_say(j->r, CHECK_IDLE, AUDIT_WARNED, "%s: closed after %lld s of silence (%s)",
			  p->address, (long long)t->open_ms / 1000, said(t, SLOT_EHLO, b));
	else if (t->open_ms >= IDLE_MS)
		audit_say(j->r, CHECK_IDLE, AUDIT_PASSED, "%s: held for %lld s", p->address,
			  (long long)t->open_ms / 1000);
	else
		audit_say(j->r, CHECK_IDLE, AUDIT_NOTED,
			  "%s: held for %lld s, then we went (--idle 300 waits the five minutes)",
			  p->address, (long long)t->open_ms / 1000);
}

static void logged_in(const struct judge *j, const struct point *p)
{
	const struct talk *t = &p->talk[TALK_LOGIN];
	int auth = talk_code(t, SLOT_AUTH), huge = talk_code(t, SLOT_MAIL_HUGE);
	int other = talk_code(t, SLOT_RCPT_OTHER), bare = talk_code(t, SLOT_BARE_LF);
	char b[EXCERPT];

	if (!t->tried)
		return;
	if (auth != 235) {
		audit_say(j->r, CHECK_ARRIVES, AUDIT_FAILED, "%s: logging in with %s: %s",
			  p->address, t->mechanism[0] ? t->mechanism : "no mechanism",
			  said(t, SLOT_AUTH, b));
		return;
	}
	if (huge && huge != 552)
		audit_say(j->r, CHECK_SIZE, AUDIT_FAILED, "%s: a MAIL with SIZE=99999999999: %s",
			  p->address, said(t, SLOT_MAIL_HUGE, b));
	if (other)
		audit_say(j->r, CHECK_SENDER, yes(other) ? AUDIT_WARNED : AUDIT_PASSED,
			  "%s: postmaster@%s as sender: %s", p->address, j->s->domain,
			  said(t, SLOT_RCPT_OTHER, b));
	if (talk_code(t, SLOT_DATA) == 354)
		audit_say(j->r, CHECK_SMUGGLING, yes(bare) ? AUDIT_FAILED : AUDIT_PASSED,
			  "%s: LF . CRLF within a message: %s", p->address,
			  bare ? said(t, SLOT_BARE_LF, b) : "went on reading");
	_Bool sent = yes(bare) || yes(talk_code(t, SLOT_DOT));
	audit_say(j->r, CHECK_ARRIVES, sent ? AUDIT_PASSED : AUDIT_FAILED, "%s, %s: %s", p->address,
		  t->mechanism,
		  said(t,
		       bare                     ? SLOT_BARE_LF
		       : talk_code(t, SLOT_DOT) ? SLOT_DOT
						: SLOT_RCPT_OWN,
		       b));
}

/* Two addresses must not differ in what a program meets. */
static void parity(const struct judge *j)
{
	const struct submission *s = j->s;
	const struct point *first = NULL;
	_Bool v6 = 0;
	char a[256], b[256];

	for (int i = 0; i < s->points; i++) {
		const struct point *p = &s->point[i];

		if (p->mx)
			continue;
		v6 |= p->v6;
		if (!first) {
			first = p;
			continue;
		}
		for (int t = TALK_T587; t <= TALK_T465; t++) {
			const struct talk *x = &first->talk[t], *y = &p->talk[t];
			_Bool xa = talk_offers(x, SLOT_EHLO_TLS, "AUTH", a, sizeof(a));
			_Bool ya = talk_offers(y, SLOT_EHLO_TLS, "AUTH", b, sizeof(b));

			if (xa != ya || strcmp(a, b) != 0 || x->tls.done != y->tls.done)
				audit_say(j->r, CHECK_PARITY, AUDIT_WARNED,
					  "%s: %s and %s differ: '%.60s' and '%.60s'",
					  talk_names[t], first->address, p->address,
					  x->error[0] ? x->error : a, y->error[0] ? y->error : b);
		}
	}
	if (first && !v6)
		audit_say(j->r, CHECK_PARITY, AUDIT_WARNED, "%s has no IPv6 address", s->host);
	if (first)
		audit_say(j->r, CHECK_PARITY, AUDIT_PASSED, "all addresses answer alike");
}

static void vantage(const struct judge *j)
{
	const struct audit_result *r = &j->r->of[CHECK_REACH587];

	if (r->status == AUDIT_PASSED)
		audit_say(j->r, CHECK_VANTAGE, AUDIT_NOTED,
			  "587 answers from here; audit again from another network");
}

static void why_skipped(const struct judge *j)
{
	static const struct {
		enum audit_check check;
		const char *why;
	} reasons[] = {
		{ CHECK_SENDER, "needs a login (--user)" },
		{ CHECK_SMUGGLING, "needs a login (--user)" },
		{ CHECK_ARRIVES, "needs a login (--user)" },
		{ CHECK_HEADERS, "needs a look into the mailbox" },
		{ CHECK_RECEIVED, "needs a look into the mailbox" },
		{ CHECK_AUTH25, "port 25 could not be talked to" },
		{ CHECK_LOCALFROM25, "port 25 could not be talked to" },
		{ CHECK_SRV, "needs --domain" },
		{ CHECK_AUTOCONFIG, "needs --domain" },
		{ CHECK_AUTODISCOVER, "needs --domain" },
		{ CHECK_MOBILECONFIG, "needs --mobileconfig URL" },
		{ CHECK_PACC, "needs --domain" },
		{ CHECK_HELP, "needs --help-page URL, or one named in the autoconfig file" },
		{ CHECK_DANE, "needs --domain" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		_Bool tried = j->s->login && strstr(reasons[i].why, "--user");

		if (j->r->of[reasons[i].check].status == AUDIT_SKIPPED &&
		    !j->r->of[reasons[i].check].seen[0])
			audit_say(j->r, reasons[i].check, AUDIT_SKIPPED, "%s",
				  tried ? "the login did not get that far" : reasons[i].why);
	}
	for (int c = 0; c < CHECK_COUNT_; c++)
		if (j->r->of[c].status == AUDIT_SKIPPED && !j->r->of[c].seen[0])
			audit_say(j->r, (enum audit_check)c, AUDIT_SKIPPED,
				  "the service did not get that far");
}

static void point(const struct judge *j, const struct point *p)
{
	reach(j, p);
	starttls(j, p);
	auth_clear(j, p);
	no_login(j, p, TALK_T587);
	no_login(j, p, TALK_T465);
	implicit(j, p);
	auth_465(j, p);
	cert(j, p, TALK_T587);
	cert(j, p, TALK_T465);
	old_tls(j, p, TALK_OLD587, TALK_T587);
	old_tls(j, p, TALK_OLD465, TALK_T465);
	weak(j, p, TALK_WEAK587);
	weak(j, p, TALK_WEAK465);
	injected(j, p);
	state_reset(j, p);
	closing(j, p);
	mechanisms(j, p);
	wrong_password(j, p);
	auth_rules(j, p);
	extensions(j, p);
	ehlo_name(j, p);
	disclosure(j, p);
	idle(j, p);
	logged_in(j, p);
}

void submission_judge(const struct submission *s, struct wall now, struct audit_results *ret)
{
	struct judge j = { .s = s, .r = ret, .now = now };

	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < s->points; i++) {
		if (!s->point[i].mx)
			point(&j, &s->point[i]);
		auth_25(&j, &s->point[i]);
		relay_25(&j, &s->point[i]);
	}
	parity(&j);
	vantage(&j);
	if (s->domain_given)
		published_judge(s, ret);
	why_skipped(&j);
}
