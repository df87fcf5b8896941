/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/talk_script.h"

#define NOBODY "porteiro-audit-nobody@{domain}"

/* The order is the gentle one: what may end the session comes last. */
static const struct step submission[] = {
	{ DO_READ, SLOT_BANNER, 0, NULL },
	{ DO_SAY, SLOT_EHLO, 0, "EHLO {helo}" },
	{ DO_SAY, SLOT_AUTH_CLEAR, 0, "AUTH PLAIN {plain:nobody}" },
	{ DO_STARTTLS, SLOT_STARTTLS, IF_STARTTLS, "STARTTLS" },
	{ DO_SAY, SLOT_EHLO_TLS, IF_TLS, "EHLO {helo}" },
	{ DO_SAY, SLOT_VRFY, 0, "VRFY root" },
	{ DO_SAY, SLOT_MAIL, 0, "MAIL FROM:<{from}>" },
	{ DO_SAY, SLOT_RCPT_FOREIGN, 0, "RCPT TO:<{relay}>" },
	{ DO_SAY, SLOT_RSET, 0, "RSET" },
	{ DO_SAY, SLOT_MAIL_LOCAL, 0, "MAIL FROM:<postmaster@{domain}>" },
	{ DO_SAY, SLOT_RCPT_LOCAL, 0, "RCPT TO:<postmaster@{domain}>" },
	{ DO_SAY, SLOT_RSET_2, 0, "RSET" },
	{ DO_SAY, SLOT_AUTH_WRONG, IF_PLAIN, "AUTH PLAIN {plain:nobody}" },
	{ DO_SAY, SLOT_AUTH_WRONG_KNOWN, IF_LOGIN, "AUTH PLAIN {plain:wrong}" },
	{ DO_QUIT, SLOT_QUIT, 0, "QUIT" },
	{ .what = DO_END },
};

static const struct step submissions[] = {
	{ DO_TLS, SLOT_BANNER, 0, NULL },
	{ DO_READ, SLOT_BANNER, 0, NULL },
	{ DO_SAY, SLOT_EHLO_TLS, 0, "EHLO {helo}" },
	{ DO_SAY, SLOT_MAIL, 0, "MAIL FROM:<{from}>" },
	{ DO_SAY, SLOT_RCPT_FOREIGN, 0, "RCPT TO:<{relay}>" },
	{ DO_SAY, SLOT_RSET, 0, "RSET" },
	{ DO_SAY, SLOT_MAIL_LOCAL, 0, "MAIL FROM:<postmaster@{domain}>" },
	{ DO_SAY, SLOT_RCPT_LOCAL, 0, "RCPT TO:<postmaster@{domain}>" },
	{ DO_SAY, SLOT_RSET_2, 0, "RSET" },
	{ DO_QUIT, SLOT_QUIT, 0, "QUIT" },
	{ .what = DO_END },
};

static const struct step transport[] = {
	{ DO_READ, SLOT_BANNER, 0, NULL },
	{ DO_SAY, SLOT_EHLO, 0, "EHLO {helo}" },
	{ DO_STARTTLS, SLOT_STARTTLS, IF_STARTTLS, "STARTTLS" },
	{ DO_SAY, SLOT_EHLO_TLS, IF_TLS, "EHLO {helo}" },
	{ DO_SAY, SLOT_MAIL_NULL, 0, "MAIL FROM:<>" },
	{ DO_SAY, SLOT_RCPT_NOBODY, 0, "RCPT TO:<" NOBODY ">" },
	{ DO_SAY, SLOT_RCPT_FOREIGN, 0, "RCPT TO:<{relay}>" },
	{ DO_SAY, SLOT_RCPT_PERCENT, 0, "RCPT TO:<{relay%}@{domain}>" },
	{ DO_SAY, SLOT_RCPT_QUOTED, 0, "RCPT TO:<\"{relay}\"@{domain}>" },
	{ DO_SAY, SLOT_RCPT_ROUTE, 0, "RCPT TO:<@{domain}:{relay}>" },
	{ DO_SAY, SLOT_RSET, 0, "RSET" },
	{ DO_SAY, SLOT_MAIL_LOCAL, 0, "MAIL FROM:<postmaster@{domain}>" },
	{ DO_SAY, SLOT_RCPT_SPOOF, 0, "RCPT TO:<{relay}>" },
	{ DO_SAY, SLOT_RCPT_LOCAL, 0, "RCPT TO:<postmaster@{domain}>" },
	{ DO_SAY, SLOT_RSET_2, 0, "RSET" },
	{ DO_QUIT, SLOT_QUIT, 0, "QUIT" },
	{ .what = DO_END },
};

/* A server that obeys NOOP from before TLS answers it, with 250, where QUIT's 221 is due. */
static const struct step inject[] = {
	{ DO_READ, SLOT_BANNER, 0, NULL },
	{ DO_SAY, SLOT_EHLO, 0, "EHLO {helo}" },
	{ DO_INJECT, SLOT_STARTTLS, IF_STARTTLS, "STARTTLS\r\nNOOP" },
	{ DO_QUIT, SLOT_QUIT, IF_TLS, "QUIT" },
	{ .what = DO_END },
};

static const struct step handshake_587[] = {
	{ DO_READ, SLOT_BANNER, 0, NULL },
	{ DO_SAY, SLOT_EHLO, 0, "EHLO {helo}" },
	{ DO_STARTTLS, SLOT_STARTTLS, IF_STARTTLS, "STARTTLS" },
	{ DO_QUIT, SLOT_QUIT, IF_TLS, "QUIT" },
	{ .what = DO_END },
};

static const struct step handshake_465[] = {
	{ DO_TLS, SLOT_BANNER, 0, NULL },
	{ DO_READ, SLOT_BANNER, 0, NULL },
	{ DO_QUIT, SLOT_QUIT, 0, "QUIT" },
	{ .what = DO_END },
};

static const struct step idle[] = {
	{ DO_READ, SLOT_BANNER, 0, NULL },
	{ DO_IDLE, SLOT_EHLO, 0, NULL },
	{ DO_QUIT, SLOT_QUIT, 0, "QUIT" },
	{ .what = DO_END },
};

static const struct step rules[] = {
	{ DO_READ, SLOT_BANNER, 0, NULL },
	{ DO_SAY, SLOT_EHLO, 0, "EHLO {helo}" },
	{ DO_STARTTLS, SLOT_STARTTLS, IF_STARTTLS, "STARTTLS" },
	{ DO_SAY, SLOT_EHLO_TLS, IF_TLS, "EHLO {helo}" },
	{ DO_SAY, SLOT_AUTH_START, IF_PLAIN, "AUTH PLAIN" },
	{ DO_SAY, SLOT_AUTH_BASE64, IF_PLAIN, "AUTH PLAIN !not*base64!" },
	{ DO_SAY, SLOT_AUTH_UTF8, IF_PLAIN, "AUTH PLAIN {plain:utf8}" },
	{ DO_QUIT, SLOT_QUIT, 0, "QUIT" },
	{ .what = DO_END },
};

static const struct step login[] = {
	{ DO_READ, SLOT_BANNER, 0, NULL },
	{ DO_SAY, SLOT_EHLO, 0, "EHLO {helo}" },
	{ DO_STARTTLS, SLOT_STARTTLS, IF_STARTTLS, "STARTTLS" },
	{ DO_SAY, SLOT_EHLO_TLS, IF_TLS, "EHLO {helo}" },
	{ DO_LOGIN, SLOT_AUTH, IF_TLS, NULL },
	{ DO_SAY, SLOT_AUTH_AGAIN, IF_ACCEPTED, "AUTH PLAIN {plain:nobody}" },
	{ DO_SAY, SLOT_MAIL_HUGE, IF_LOGGED, "MAIL FROM:<{user}> SIZE=99999999999" },
	{ DO_SAY, SLOT_RSET, IF_LOGGED, "RSET" },
	{ DO_SAY, SLOT_MAIL_OTHER, IF_LOGGED, "MAIL FROM:<postmaster@{domain}>" },
	{ DO_SAY, SLOT_RCPT_OTHER, IF_LOGGED, "RCPT TO:<{user}>" },
	{ DO_SAY, SLOT_RSET_3, IF_LOGGED, "RSET" },
	{ DO_SAY, SLOT_MAIL_OWN, IF_LOGGED, "MAIL FROM:<{user}>" },
	{ DO_SAY, SLOT_RCPT_OWN, IF_ACCEPTED, "RCPT TO:<{user}>" },
	{ DO_SAY, SLOT_DATA, IF_ACCEPTED, "DATA" },
	{ DO_QUIET, SLOT_BARE_LF, IF_ACCEPTED,
	  "From: <{user}>\r\nTo: <{user}>\r\nSubject: porteiro audit\r\n\r\n"
	  "This message was sent to yourself by porteiro audit. It may be deleted.\n." },
	{ DO_FINISH, SLOT_DOT, IF_ACCEPTED, "end of the audit message\r\n." },
	{ DO_QUIT, SLOT_QUIT, 0, "QUIT" },
	{ .what = DO_END },
};

const struct step *const talk_scripts[TALK_COUNT_] = {
	[TALK_T587] = submission,
	[TALK_T465] = submissions,
	[TALK_T25] = transport,
	[TALK_INJECT] = inject,
	[TALK_OLD587] = handshake_587,
	[TALK_OLD465] = handshake_465,
	[TALK_WEAK587] = handshake_587,
	[TALK_WEAK465] = handshake_465,
	[TALK_IDLE] = idle,
	[TALK_RULES] = rules,
	[TALK_LOGIN] = login,
};
