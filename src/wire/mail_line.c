/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/mail.h"

#define TAG_MAX 128

/* RFC 3164 4.1.1, RFC 5424 6.2.1: "<0>" to "<191>". */
static size_t priority(struct slice line)
{
	size_t n = 1;

	if (line.len < 3 || line.at[0] != '<')
		return 0;
	while (n < 5 && n < line.len && line.at[n] >= '0' && line.at[n] <= '9')
		n++;
	return n > 1 && n < 5 && n < line.len && line.at[n] == '>' ? n + 1 : 0;
}

/* The next word of `s` and the space behind it; empty at the end. */
static inline struct slice word(struct slice *s)
{
	const char *p = s->len ? memchr(s->at, ' ', s->len) : NULL;
	struct slice w = { s->at, p ? (size_t)(p - s->at) : s->len };

	*s = slice_from(*s, w.len + 1);
	return w;
}

static uint32_t number(struct slice s)
{
	uint32_t v = 0;

	for (size_t i = 0; i < s.len && s.at[i] >= '0' && s.at[i] <= '9' && v < 400000000; i++)
		v = v * 10 + (uint32_t)(s.at[i] - '0');
	return v;
}

/* "postfix/smtpd[18509]:" → tag and pid; false without the colon. */
static inline bool tag_split(struct slice w, struct mail_line *ret)
{
	if (w.len < 2 || w.len > TAG_MAX || w.at[w.len - 1] != ':')
		return false;
	w.len--;
	ret->tag = w;
	ret->pid = 0;
	if (w.at[w.len - 1] != ']')
		return true;

	size_t open = w.len - 1;
	while (open > 0 && w.at[open] != '[')
		open--;
	if (open == 0)
		return false;
	ret->tag.len = open;
	ret->pid = number(slice_from(w, open + 1));
	return true;
}

/* RFC 5424 6: "1 STAMP HOST APP PROCID MSGID SD MSG", behind "1 STAMP ". */
static bool rfc5424(struct slice rest, struct mail_line *ret)
{
	ret->host = word(&rest);
	ret->tag = word(&rest);
	ret->pid = number(word(&rest));
	word(&rest);
	if (rest.len && rest.at[0] == '[') {
		/* 6.3.3: only \" \\ \] are escaped inside a parameter's value. */
		bool quoted = false;
		size_t i = 0;
		for (; i < rest.len; i++) {
			if (rest.at[i] == '\\' && quoted)
				i++;
			else if (rest.at[i] == '"')
				quoted = !quoted;
			else if (rest.at[i] == ']' && !quoted &&
				 (i + 1 >= rest.len || rest.at[i + 1] != '['))
				break;
		}
		rest = slice_from(rest, i + 2);
	} else {
		word(&rest);
	}
	ret->text = rest;
	return ret->tag.len > 0 && ret->tag.len <= TAG_MAX;
}

bool mail_line_read(struct stamp_clock *clock, struct slice line, struct mail_line *ret)
{
	bool new_syslog = false;

	if (line.len && line.at[0] == '<') {
		size_t n = priority(line);
		if (!n)
			return false;
		line = slice_from(line, n);
		new_syslog = slice_starts(line, SLICE("1 "));
		if (new_syslog)
			line = slice_from(line, 2);
	}
	size_t n = stamp_read(clock, line, &ret->at);
	if (!n || n >= line.len || line.at[n] != ' ')
		return false;

	struct slice rest = slice_from(line, n + 1);
	if (new_syslog)
		return rfc5424(rest, ret);
	struct slice whole = rest;
	size_t host = 0; /* short: a loop is quicker than a call */
	while (host < rest.len && rest.at[host] != ' ')
		host++;
	ret->host = slice_cut(rest, host);
	rest = slice_from(rest, host + 1);
	if (ret->host.len > 1 && ret->host.at[ret->host.len - 1] == ':') {
		/* Dovecot's own file: "STAMP imap-login: …", neither host nor tag. */
		ret->host = slice_cut(whole, 0);
		ret->tag = SLICE("dovecot");
		ret->pid = 0;
		ret->text = whole;
		return true;
	}
	struct slice tag = word(&rest);
	if (tag.len > 3 && tag.at[0] == '[' && slice_is(ret->host, SLICE("sogod"))) {
		/* SOGo's own file: "STAMP sogod [25]: …". */
		ret->tag = ret->host;
		ret->pid = 0;
		ret->text = rest;
		return true;
	}
	/* Some programs put a space between name and pid, or none behind the colon. */
	if (!tag_split(tag, ret))
		return false;
	ret->text = rest;
	return true;
}

bool mail_user_valid(struct slice user)
{
	if (user.len == 0 || user.len > MAIL_USER_MAX)
		return false;
	for (size_t i = 0; i < user.len; i++)
		if ((unsigned char)user.at[i] < 0x20 || user.at[i] == 0x7f)
			return false;
	return true;
}

static enum mail_program postfix_program(struct slice name)
{
	static const struct {
		struct slice name;
		enum mail_program program;
	} rows[] = {
		{ { "smtpd", 5 }, MAIL_PROGRAM_POSTFIX_SMTPD },
		{ { "qmgr", 4 }, MAIL_PROGRAM_POSTFIX_QMGR },
		{ { "nqmgr", 5 }, MAIL_PROGRAM_POSTFIX_QMGR },
		{ { "oqmgr", 5 }, MAIL_PROGRAM_POSTFIX_QMGR },
		{ { "cleanup", 7 }, MAIL_PROGRAM_POSTFIX_CLEANUP },
		{ { "pickup", 6 }, MAIL_PROGRAM_POSTFIX_PICKUP },
		{ { "smtp", 4 }, MAIL_PROGRAM_POSTFIX_DELIVERY },
		{ { "lmtp", 4 }, MAIL_PROGRAM_POSTFIX_DELIVERY },
		{ { "local", 5 }, MAIL_PROGRAM_POSTFIX_DELIVERY },
		{ { "bounce", 6 }, MAIL_PROGRAM_POSTFIX_DELIVERY },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (slice_is(name, rows[i].name))
			return rows[i].program;
	return MAIL_PROGRAM_POSTFIX_OTHER;
}

enum mail_program mail_program_of(struct slice tag)
{
	static const struct {
		struct slice tag;
		enum mail_program program;
	} rows[] = {
		{ { "dovecot", 7 }, MAIL_PROGRAM_DOVECOT },
		{ { "exim", 4 }, MAIL_PROGRAM_EXIM },
		{ { "exim4", 5 }, MAIL_PROGRAM_EXIM },
		{ { "sendmail", 8 }, MAIL_PROGRAM_SENDMAIL },
		{ { "sm-mta", 6 }, MAIL_PROGRAM_SENDMAIL },
		{ { "sm-msp-queue", 12 }, MAIL_PROGRAM_NONE },
		{ { "smtpd", 5 }, MAIL_PROGRAM_OPENSMTPD },
		{ { "haraka", 6 }, MAIL_PROGRAM_HARAKA },
		{ { "roundcube", 9 }, MAIL_PROGRAM_ROUNDCUBE },
		{ { "sogod", 5 }, MAIL_PROGRAM_SOGO },
		{ { "rsyslogd", 8 }, MAIL_PROGRAM_LOGGER },
		{ { "systemd-journald", 16 }, MAIL_PROGRAM_LOGGER },
		{ { "journal", 7 }, MAIL_PROGRAM_LOGGER },
	};
	const char *slash = tag.len ? memrchr(tag.at, '/', tag.len) : NULL;

	if (slash)
		return postfix_program(slice_from(tag, (size_t)(slash - tag.at) + 1));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (slice_is(tag, rows[i].tag))
			return rows[i].program;
	return MAIL_PROGRAM_NONE;
}

/*
 * rsyslog: "imuxsock lost 57 messages from pid 812 due to rate-limiting",
 * "... begin to drop messages due to rate-limiting"; journald: "Suppressed 1843
 * messages from postfix.service", "Forwarding to syslog missed 12 messages".
 */
enum mail_reading mail_logger(struct slice text, struct mail_event *ret)
{
	static const struct slice signs[] = {
		{ "lost ", 5 }, { "Suppressed ", 11 }, { "missed ", 7 }, { "Missed ", 7 }
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		struct slice n = slice_after(text, signs[i]);
		if (n.at && n.len && n.at[0] >= '0' && n.at[0] <= '9' &&
		    slice_after(n, SLICE(" messages")).at) {
			*ret = (struct mail_event){ .kind = MAIL_LOST, .count = number(n) };
			return MAIL_UNDERSTOOD;
		}
	}
	if (slice_after(text, SLICE("begin to drop messages")).at) {
		*ret = (struct mail_event){ .kind = MAIL_LOST };
		return MAIL_UNDERSTOOD;
	}
	return MAIL_IGNORED;
}

enum mail_reading mail_read(enum mail_program program, struct slice text, struct mail_event *ret)
{
	switch (program) {
	case MAIL_PROGRAM_POSTFIX_SMTPD:
		return mail_postfix_smtpd(text, ret);
	case MAIL_PROGRAM_POSTFIX_QMGR:
		return mail_postfix_qmgr(text, ret);
	case MAIL_PROGRAM_POSTFIX_CLEANUP:
		return mail_postfix_cleanup(text, ret);
	case MAIL_PROGRAM_POSTFIX_PICKUP:
		return mail_postfix_pickup(text, ret);
	case MAIL_PROGRAM_POSTFIX_DELIVERY:
		return mail_postfix_delivery(text, ret);
	case MAIL_PROGRAM_DOVECOT:
		return mail_dovecot(text, ret);
	case MAIL_PROGRAM_EXIM:
		return mail_exim(text, ret);
	case MAIL_PROGRAM_SENDMAIL:
		return mail_sendmail(text, ret);
	case MAIL_PROGRAM_OPENSMTPD:
		return mail_opensmtpd(text, ret);
	case MAIL_PROGRAM_HARAKA:
		return mail_haraka(text, ret);
	case MAIL_PROGRAM_ROUNDCUBE:
		return mail_roundcube(text, ret);
	case MAIL_PROGRAM_SOGO:
		return mail_sogo(text, ret);
	case MAIL_PROGRAM_LOGGER:
		return mail_logger(text, ret);
	default:
		return MAIL_IGNORED;
	}
}
