/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/message.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "prog/event.h"

/* Messages taken from one socket before the others get their turn. */
#define BURST 64

int message_dispatch(const struct message_rule *rules, void *ctx, struct ipc_message *m)
{
	int r = -EBADMSG;

	for (const struct message_rule *rule = rules; rule->id; rule++) {
		if (rule->id != m->id)
			continue;
		if (m->len >= rule->least && m->len <= rule->most &&
		    (rule->fd != FD_MUST || m->fd >= 0) && (rule->fd != FD_NONE || m->fd < 0))
			r = rule->handle(ctx, m);
		break;
	}
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
	return r;
}

/* libuv holds a handle until its close callback has run, so a link opened again needs another. */
struct poll_box {
	uv_poll_t poll;
	struct link *link;
};

static void box_closed(uv_handle_t *h)
{
	free(h->data);
}

static void lose(struct link *l)
{
	link_close(l);
	if (l->lost)
		l->lost(l->ctx);
}

static void on_poll(uv_poll_t *poll, int status, int what)
{
	struct poll_box *box = poll->data;
	struct link *l = box->link;

	(void)what;
	for (int i = 0; l && l->open && l->box == box && i < BURST; i++) {
		int r = status < 0 ? -EPIPE : ipc_receive(l->fd, l->buffer);
		if (r == 0)
			return;
		if (r > 0)
			r = message_dispatch(l->rules, l->ctx, l->buffer);
		if (r >= 0)
			continue;
		if (r != -EPIPE)
			say(EV_MESSAGE_REFUSED, LOG_S("peer", l->peer),
			    LOG_N("message", l->buffer->id), LOG_N("code", r));
		if (l->open && l->box == box)
			lose(l);
		return;
	}
}

int link_open(struct link *l, uv_loop_t *loop, int fd, const char *peer,
	      const struct message_rule *rules, void *ctx, void (*lost)(void *ctx))
{
	link_close(l);
	struct poll_box *box = calloc(1, sizeof(*box));
	if (!l->buffer)
		l->buffer = malloc(sizeof(*l->buffer));
	int r = box && l->buffer ? uv_poll_init(loop, &box->poll, fd) : -ENOMEM;
	if (r < 0) {
		free(box);
		close(fd);
		return r;
	}
	box->link = l;
	box->poll.data = box;
	l->box = box;
	l->fd = fd;
	l->open = true;
	l->peer = peer;
	l->rules = rules;
	l->ctx = ctx;
	l->lost = lost;
	return uv_poll_start(&box->poll, UV_READABLE | UV_DISCONNECT, on_poll);
}

void link_close(struct link *l)
{
	if (!l->open)
		return;
	struct poll_box *box = l->box;

	l->open = false;
	l->box = NULL;
	box->link = NULL;
	uv_poll_stop(&box->poll);
	uv_close((uv_handle_t *)&box->poll, box_closed);
	close(l->fd);
	l->fd = -1;
}

int link_send(struct link *l, uint32_t id, const void *body, size_t len, int fd)
{
	if (!l->open)
		return -ENOTCONN;
	int r = ipc_send(l->fd, id, body, len, fd);

	if (r < 0 && r != -EMSGSIZE)
		lose(l);
	return r;
}
