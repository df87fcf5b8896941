/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/talk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gsasl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "observe/talk_script.h"
#include "observe/talk_text.h"
#include "observe/talk_tls.h"

#define OUT_MAX 8192

enum phase { WAITING, CONNECTING, SHAKING, WRITING, READING, LISTENING, IDLING, CLOSING, ENDED };
enum turn { AGAIN, BLOCKED };

struct conn {
	struct talk *talk;
	const struct point *point;
	enum talk_id id;
	const struct step *step;
	enum phase phase;
	int fd;
	SSL *ssl;
	short want;
	char out[OUT_MAX], in[2048];
	size_t out_len, out_at, in_len, in_at, total;
	struct smtp_reply reply;
	struct mono opened, asked, until;
	_Bool cancelled; /* a 334 was answered with "*" */
	Gsasl_session *sasl;
};

struct talks {
	const struct talk_settings *settings;
	struct submission *s;
	SSL_CTX *tls[TLS_KIND_COUNT_];
	Gsasl *gsasl;
	int count;
	struct conn conn[SUBMISSION_POINTS * TALK_COUNT_];
};

static enum talk_id leader(enum talk_id id)
{
	switch (id) {
	case TALK_T465:
	case TALK_OLD465:
	case TALK_WEAK465:
		return TALK_T465;
	case TALK_T25:
		return TALK_T25;
	default:
		return TALK_T587;
	}
}

static int port_of(const struct talk_settings *s, enum talk_id id)
{
	enum talk_id l = leader(id);

	return l == TALK_T465 ? s->port465 : l == TALK_T25 ? s->port25 : s->port587;
}

static void add_point(struct talks *t, struct point *p)
{
	for (int id = 0; id < TALK_COUNT_; id++) {
		if ((p->mx && id != TALK_T25) || (id == TALK_LOGIN && !t->settings->user))
			continue;
		struct conn *c = &t->conn[t->count++];

		*c = (struct conn){ .talk = &p->talk[id],
				    .point = p,
				    .id = (enum talk_id)id,
				    .step = talk_scripts[id],
				    .fd = -1 };
		c->talk->port = port_of(t->settings, (enum talk_id)id);
	}
}

int talks_new(const struct talk_settings *settings, struct submission *s, struct talks **ret,
	      struct why *why)
{
	own(talks) struct talks *t = calloc(1, sizeof(*t));
	int r = 0;

	if (!t)
		return -ENOMEM;
	t->settings = settings;
	t->s = s;
	for (int k = 0; r == 0 && k < TLS_KIND_COUNT_; k++)
		r = tls_context((enum tls_kind)k, settings->ca, &t->tls[k], why);
	if (r < 0)
		return r;
	if (settings->user && gsasl_init(&t->gsasl) != GSASL_OK)
		return why_set(why, -ENOMEM, "GNU SASL does not start");
	for (int i = 0; i < s->points; i++)
		add_point(t, &s->point[i]);
	*ret = take(t);
	return 0;
}

static void hang_up(struct conn *c)
{
	if (c->sasl)
		gsasl_finish(c->sasl);
	SSL_free(c->ssl);
	if (c->fd >= 0)
		close(c->fd);
	c->sasl = NULL;
	c->ssl = NULL;
	c->fd = -1;
}

void talks_free(struct talks *t)
{
	if (!t)
		return;
	for (int i = 0; i < t->count; i++)
		hang_up(&t->conn[i]);
	for (int k = 0; k < TLS_KIND_COUNT_; k++)
		SSL_CTX_free(t->tls[k]);
	if (t->gsasl)
		gsasl_done(t->gsasl);
	free(t);
}

static enum turn end(struct conn *c, struct mono now, const char *error)
{
	if (error && !c->talk->error[0])
		snprintf(c->talk->error, sizeof(c->talk->error), "%s", error);
	if (c->talk->connected)
		c->talk->open_ms = mono_since(c->opened, now).ns / 1000000;
	hang_up(c);
	c->phase = ENDED;
	return AGAIN;
}

static enum turn dropped(struct conn *c, struct mono now, int r)
{
	c->talk->hung_up = 1;
	return end(c, now, r < 0 ? strerror(-r) : "the server closed the connection");
}

/* What a TLS call's failure means: -EAGAIN with `want` set, 0 for the end, or -EPROTO. */
static int tls_result(struct conn *c, int n)
{
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		c->want = POLLIN;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		c->want = POLLOUT;
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		c->talk->tls.closed_well = 1;
		return 0;
	case SSL_ERROR_SYSCALL:
		ERR_clear_error();
		return 0;
	default:
		ERR_clear_error();
		return -EPROTO;
	}
}

static int bytes_read(struct conn *c)
{
	ssize_t n;

	if (c->ssl) {
		ERR_clear_error();
		n = SSL_read(c->ssl, c->in, sizeof(c->in));
		if (n <= 0)
			return tls_result(c, (int)n);
	} else {
		n = recv(c->fd, c->in, sizeof(c->in), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			c->want = POLLIN;
			return -EAGAIN;
		}
		if (n < 0)
			return -errno;
	}
	c->in_at = 0;
	c->in_len = (size_t)n;
	c->total += (size_t)n;
	return c->total > TALK_BYTES_MAX ? -EMSGSIZE : (int)n;
}

static int bytes_write(struct conn *c)
{
	const char *from = c->out + c->out_at;
	size_t len = c->out_len - c->out_at;
	ssize_t n;

	if (c->ssl) {
		ERR_clear_error();
		n = SSL_write(c->ssl, from, (int)len);
		if (n <= 0)
			return tls_result(c, (int)n);
	} else {
		n = send(c->fd, from, len, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			c->want = POLLOUT;
			return -EAGAIN;
		}
		if (n < 0)
			return -errno;
	}
	c->out_at += (size_t)n;
	return (int)n;
}

static void ask(struct talks *t, struct conn *c, struct mono now, enum phase phase)
{
	struct span patience = phase == LISTENING ? t->settings->quiet : t->settings->reply;

	smtp_reply_reset(&c->reply);
	c->asked = now;
	c->until = mono_add(now, patience);
	c->phase = phase;
}

static void say(struct talks *t, struct conn *c, struct mono now, const char *text)
{
	size_t len = strlen(text);

	if (len > sizeof(c->out) - 2)
		len = sizeof(c->out) - 2;
	memcpy(c->out, text, len);
	memcpy(c->out + len, "\r\n", 2);
	c->out_len = len + 2;
	c->out_at = 0;
	ask(t, c, now, WRITING);
}

static void shake(struct talks *t, struct conn *c, struct mono now)
{
	enum tls_kind kind = c->id == TALK_OLD587 || c->id == TALK_OLD465     ? TLS_OLD
			     : c->id == TALK_WEAK587 || c->id == TALK_WEAK465 ? TLS_WEAK
									      : TLS_ANY;
	const char *host = c->point->host;
	unsigned char address[16];

	c->talk->tls.tried = 1;
	c->ssl = SSL_new(t->tls[kind]);
	if (!c->ssl)
		return;
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_connect_state(c->ssl);
	if (inet_pton(AF_INET, host, address) != 1 && inet_pton(AF_INET6, host, address) != 1)
		SSL_set_tlsext_host_name(c->ssl, host);
	/* RFC 3207 4.2: what was said in clear is forgotten, also what is not read yet. */
	c->in_len = c->in_at = 0;
	ask(t, c, now, SHAKING);
}

static _Bool accepted(const struct talk *k, enum slot slot)
{
	int code = talk_code(k, slot);

	return code >= 200 && code < 400;
}

static _Bool applies(const struct talks *t, const struct conn *c, const struct step *s)
{
	const struct talk *k = c->talk;
	char words[256];

	switch (s->only) {
	case IF_ALWAYS:
		return 1;
	case IF_STARTTLS:
		return talk_offers(k, SLOT_EHLO, "STARTTLS", words, sizeof(words));
	case IF_TLS:
		return c->ssl != NULL;
	case IF_PLAIN:
	case IF_LOGIN:
		return c->ssl && (s->only == IF_PLAIN || t->settings->user) &&
		       talk_offers(k, SLOT_EHLO_TLS, "AUTH", words, sizeof(words)) &&
		       smtp_word(words, "PLAIN");
	case IF_LOGGED:
		return talk_code(k, SLOT_AUTH) == 235;
	case IF_ACCEPTED:
		/* A step that found no silence has already ended the message: see DO_FINISH. */
		return talk_code(k, SLOT_AUTH) == 235 &&
		       (s->what == DO_FINISH ? !k->heard[SLOT_BARE_LF] : accepted(k, s[-1].slot));
	}
	return 0;
}

static void next(struct talks *t, struct conn *c, struct mono now);

static void begin(struct talks *t, struct conn *c, struct mono now)
{
	char text[OUT_MAX];

	c->talk->at = c->step->slot;
	c->cancelled = 0;
	switch (c->step->what) {
	case DO_READ:
		ask(t, c, now, READING);
		return;
	case DO_TLS:
		shake(t, c, now);
		return;
	case DO_LOGIN:
		if (login_begin(t->gsasl, t->settings, c->talk, &c->sasl, text, sizeof(text)) ==
		    0) {
			say(t, c, now, text);
			return;
		}
		next(t, c, now); /* nothing to log in with */
		return;
	case DO_IDLE:
		c->until = mono_add(now, t->settings->idle);
		c->phase = IDLING;
		return;
	case DO_END:
		end(c, now, NULL);
		return;
	default:
		text_fill(t->settings, c->step->text, text, sizeof(text));
		say(t, c, now, text);
	}
}

static void next(struct talks *t, struct conn *c, struct mono now)
{
	do
		c->step++;
	while (c->step->what != DO_END && !applies(t, c, c->step));
	begin(t, c, now);
}

static void keep(struct conn *c, enum slot slot, struct mono now)
{
	struct smtp_reply *copy = malloc(sizeof(*copy));

	if (!copy)
		return;
	*copy = c->reply;
	free(c->talk->heard[slot]);
	c->talk->heard[slot] = copy;
	c->talk->ms[slot] = mono_since(c->asked, now).ns / 1000000;
}

/* A whole answer is there. */
static enum turn answered(struct talks *t, struct conn *c, struct mono now)
{
	const struct step *s = c->step;
	char text[OUT_MAX];

	if (c->cancelled) { /* the answer to our "*" */
		if (s->slot == SLOT_AUTH_START)
			keep(c, SLOT_AUTH_CANCEL, now);
		next(t, c, now);
		return AGAIN;
	}
	keep(c, s->slot, now);
	if (c->reply.code == 334 && s->what == DO_LOGIN &&
	    login_step(c->sasl, &c->reply, text, sizeof(text)) == 0) {
		say(t, c, now, text);
		return AGAIN;
	}
	if (c->reply.code == 334) {
		say(t, c, now, "*");
		c->cancelled = 1;
		return AGAIN;
	}
	if (c->reply.code == 421 || c->reply.code == 521 ||
	    (s->slot == SLOT_BANNER && c->reply.code != 220))
		return end(c, now, "the server refused to go on");
	if ((s->what == DO_STARTTLS || s->what == DO_INJECT) && c->reply.code == 220)
		shake(t, c, now);
	else if (s->what == DO_QUIT)
		ask(t, c, now, CLOSING);
	else
		next(t, c, now);
	return AGAIN;
}

static enum turn read_on(struct talks *t, struct conn *c, struct mono now)
{
	for (;;) {
		if (c->in_at < c->in_len) {
			c->in_at +=
			    smtp_reply_feed(&c->reply, c->in + c->in_at, c->in_len - c->in_at);
			if (c->reply.fault != SMTP_REPLY_OK) {
				keep(c, c->step->slot, now);
				return end(c, now, "what the server says is no SMTP reply");
			}
			if (c->reply.complete)
				return answered(t, c, now);
		}
		int n = bytes_read(c);
		if (n == -EAGAIN)
			return BLOCKED;
		if (n == -EMSGSIZE)
			return end(c, now, "the server sends without end");
		if (n <= 0)
			return dropped(c, now, n);
	}
}

static enum turn write_on(struct talks *t, struct conn *c, struct mono now)
{
	while (c->out_at < c->out_len) {
		int n = bytes_write(c);
		if (n == -EAGAIN)
			return BLOCKED;
		if (n <= 0)
			return dropped(c, now, n);
	}
	ask(t, c, now, c->step->what == DO_QUIET ? LISTENING : READING);
	return AGAIN;
}

/* A server that speaks first in clear on 465 is not doing TLS. */
static _Bool speaks_clear(struct conn *c)
{
	char start[3];

	return c->step->what == DO_TLS && recv(c->fd, start, 3, MSG_PEEK) == 3 &&
	       memcmp(start, "220", 3) == 0;
}

static enum turn shake_on(struct talks *t, struct conn *c, struct mono now)
{
	if (!c->ssl)
		return end(c, now, "out of memory");
	if (speaks_clear(c)) {
		c->talk->clear_banner = 1;
		return end(c, now, "the server speaks in clear");
	}
	ERR_clear_error();
	int n = SSL_do_handshake(c->ssl);
	if (n == 1) {
		tls_note(c->ssl, c->point->host, &c->talk->tls);
		next(t, c, now);
		return AGAIN;
	}
	int e = SSL_get_error(c->ssl, n);
	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
		c->want = e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		return BLOCKED;
	}
	tls_note_error(&c->talk->tls);
	return end(c, now, "no TLS");
}

static enum turn connect_on(struct talks *t, struct conn *c, struct mono now)
{
	int error = 0;
	socklen_t len = sizeof(error);
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };

	c->want = POLLOUT;
	if (poll(&p, 1, 0) <= 0)
		return BLOCKED;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error)
		return end(c, now, strerror(error));
	c->talk->connected = 1;
	c->opened = now;
	begin(t, c, now);
	return AGAIN;
}

static _Bool others_done(const struct talks *t)
{
	for (int i = 0; i < t->count; i++)
		if (t->conn[i].phase != ENDED && t->conn[i].id != TALK_IDLE)
			return 0;
	return 1;
}

/* The idle connection: nothing is said, so whatever can be read is the server's farewell. */
static enum turn idle_on(struct talks *t, struct conn *c, struct mono now)
{
	int n = bytes_read(c);

	if (n > 0) {
		smtp_reply_reset(&c->reply);
		smtp_reply_feed(&c->reply, c->in, c->in_len);
		keep(c, SLOT_EHLO, now);
		return dropped(c, now, 0);
	}
	if (n != -EAGAIN)
		return dropped(c, now, n);
	if (!others_done(t) || now.ns < c->until.ns)
		return BLOCKED;
	next(t, c, now);
	return AGAIN;
}

/* After QUIT the server closes; how, is noted. */
static enum turn close_on(struct conn *c, struct mono now)
{
	int n = bytes_read(c);

	if (n == -EAGAIN)
		return BLOCKED;
	return end(c, now, NULL);
}

static enum turn late(struct talks *t, struct conn *c, struct mono now)
{
	if (c->phase == LISTENING) { /* silence is the good answer */
		next(t, c, now);
		return AGAIN;
	}
	if (c->phase == CLOSING)
		return end(c, now, NULL);
	c->talk->timed_out = 1;
	return end(c, now, c->phase == CONNECTING ? "no connection in time" : "no answer in time");
}

static enum turn go_on(struct talks *t, struct conn *c, struct mono now)
{
	if (now.ns >= c->until.ns && c->phase != IDLING)
		return late(t, c, now);
	switch (c->phase) {
	case CONNECTING:
		return connect_on(t, c, now);
	case SHAKING:
		return shake_on(t, c, now);
	case WRITING:
		return write_on(t, c, now);
	case READING:
	case LISTENING:
		return read_on(t, c, now);
	case IDLING:
		return idle_on(t, c, now);
	case CLOSING:
		return close_on(c, now);
	default:
		return BLOCKED;
	}
}

static int address_of(const struct point *p, int port, struct sockaddr_storage *ret,
		      socklen_t *ret_len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	*ret_len = p->v6 ? sizeof(*v6) : sizeof(*v4);
	if (p->v6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		return inet_pton(AF_INET6, p->address, &v6->sin6_addr) == 1 ? 0 : -EINVAL;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	return inet_pton(AF_INET, p->address, &v4->sin_addr) == 1 ? 0 : -EINVAL;
}

static void start(struct talks *t, struct conn *c, struct mono now)
{
	struct sockaddr_storage to;
	socklen_t len;

	c->talk->tried = 1;
	c->phase = CONNECTING;
	c->until = mono_add(now, t->settings->connect);
	if (address_of(c->point, c->talk->port, &to, &len) < 0) {
		end(c, now, "not an address");
		return;
	}
	c->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || (connect(c->fd, (struct sockaddr *)&to, len) < 0 && errno != EINPROGRESS))
		end(c, now, strerror(errno));
}

/* A talk waits for the first one on its port: if that gets no connection, no other will. */
static _Bool may_start(struct conn *c, struct mono now)
{
	const struct talk *first = &c->point->talk[leader(c->id)];

	if (c->talk == first || first->connected)
		return 1;
	if (first->tried && first->error[0])
		end(c, now, first->error);
	return 0;
}

static void start_some(struct talks *t, struct mono now)
{
	for (int i = 0; i < t->count; i++) {
		struct conn *c = &t->conn[i];
		int open = 0;

		if (c->phase != WAITING || !may_start(c, now))
			continue;
		for (int j = 0; j < t->count; j++)
			open += t->conn[j].point == c->point && t->conn[j].phase != WAITING &&
				t->conn[j].phase != ENDED;
		if (open < TALK_AT_ONCE)
			start(t, c, now);
	}
}

_Bool talks_turn(struct talks *t, struct mono now)
{
	_Bool more = 0;

	start_some(t, now);
	for (int i = 0; i < t->count; i++) {
		struct conn *c = &t->conn[i];

		while (c->phase != WAITING && c->phase != ENDED && go_on(t, c, now) == AGAIN)
			;
		more |= c->phase != ENDED;
	}
	return more;
}

void talks_abandon(struct talks *t, struct mono now)
{
	for (int i = 0; i < t->count; i++)
		if (t->conn[i].phase != ENDED)
			end(&t->conn[i], now, "the time for the audit was up");
}

size_t talks_poll(struct talks *t, struct mono now, struct pollfd *fds, int *ret_ms)
{
	int64_t soonest = 250 * 1000000LL;
	size_t n = 0;

	for (int i = 0; i < t->count; i++) {
		struct conn *c = &t->conn[i];

		if (c->phase == WAITING || c->phase == ENDED)
			continue;
		if (n < TALK_FDS_MAX)
			fds[n++] = (struct pollfd){ .fd = c->fd, .events = c->want };
		if (c->until.ns - now.ns < soonest)
			soonest = c->until.ns - now.ns;
	}
	*ret_ms = soonest <= 0 ? 0 : (int)(soonest / 1000000) + 1;
	return n;
}

void talks_progress(const struct talks *t, unsigned *ret_all, unsigned *ret_ended)
{
	*ret_all = (unsigned)t->count;
	*ret_ended = 0;
	for (int i = 0; i < t->count; i++)
		*ret_ended += t->conn[i].phase == ENDED;
}
