/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/resolve.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct resolver {
	ares_channel channel;
	_Bool ready;
	int waiting;
};

/* Where one answer goes. */
struct question {
	struct resolver *r;
	struct srv_heard *srv;
	struct addresses *addresses;
	int *status, *count;
	char (*hosts)[SUBMISSION_NAME];
	int hosts_max;
};

int resolver_new(const char *server, struct resolver **ret, struct why *why)
{
	struct ares_options options = { .timeout = 1500, .tries = 2 };
	own(resolver) struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    ares_init_options(&r->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) !=
		ARES_SUCCESS)
		return why_set(why, -EIO, "the resolver does not start");
	r->ready = 1;
	if (server && ares_set_servers_ports_csv(r->channel, server) != ARES_SUCCESS)
		return why_set(why, -EINVAL, "'%s' is not a resolver's address", server);
	*ret = take(r);
	return 0;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	if (r->ready)
		ares_destroy(r->channel);
	free(r);
}

static int status_of(int ares)
{
	return ares == ARES_SUCCESS ? 0 : ares == ARES_ENODATA || ares == ARES_ENOTFOUND ? 1 : -1;
}

static struct question *question(struct resolver *r)
{
	struct question *q = calloc(1, sizeof(*q));

	if (q) {
		q->r = r;
		r->waiting++;
	}
	return q;
}

static void answered_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct question *q = arg;
	struct addresses *a = q->addresses;
	(void)timeouts;

	a->status = status_of(status);
	for (struct ares_addrinfo_node *n = info ? info->nodes : NULL;
	     n && a->count < RESOLVE_ADDRESSES; n = n->ai_next) {
		if (getnameinfo(n->ai_addr, n->ai_addrlen, a->text[a->count], sizeof(a->text[0]),
				NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		a->v6[a->count] = n->ai_family == AF_INET6;
		a->count++;
	}
	if (a->count == 0 && a->status == 0)
		a->status = 1;
	if (info)
		ares_freeaddrinfo(info);
	q->r->waiting--;
	free(q);
}

void resolve_addresses(struct resolver *r, const char *host, struct addresses *ret)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct question *q = question(r);

	memset(ret, 0, sizeof(*ret));
	ret->status = -1;
	if (!q)
		return;
	q->addresses = ret;
	ares_getaddrinfo(r->channel, host, NULL, &hints, answered_addresses, q);
}

static void answered_srv(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
	struct question *q = arg;
	struct ares_srv_reply *list = NULL;
	(void)timeouts;

	q->srv->status = status_of(status);
	if (status == ARES_SUCCESS && ares_parse_srv_reply(bytes, len, &list) == ARES_SUCCESS &&
	    list) {
		const struct ares_srv_reply *best = list;

		for (const struct ares_srv_reply *s = list; s; s = s->next)
			if (s->priority < best->priority)
				best = s;
		q->srv->priority = best->priority;
		q->srv->port = best->port;
		snprintf(q->srv->target, sizeof(q->srv->target), "%s",
			 strcmp(best->host, ".") == 0 ? "" : best->host);
	} else if (status == ARES_SUCCESS) {
		q->srv->status = -1;
	}
	if (list)
		ares_free_data(list);
	q->r->waiting--;
	free(q);
}

void resolve_srv(struct resolver *r, const char *name, struct srv_heard *ret)
{
	struct question *q = question(r);

	if (!q)
		return;
	q->srv = ret;
	ares_query(r->channel, name, ns_c_in, ns_t_srv, answered_srv, q);
}

static void answered_mx(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
	struct question *q = arg;
	struct ares_mx_reply *list = NULL;
	(void)timeouts;

	*q->status = status_of(status);
	if (status == ARES_SUCCESS && ares_parse_mx_reply(bytes, len, &list) == ARES_SUCCESS)
		for (struct ares_mx_reply *m = list; m && *q->count < q->hosts_max; m = m->next)
			if (m->host[0] && strcmp(m->host, ".") != 0)
				snprintf(q->hosts[(*q->count)++], SUBMISSION_NAME, "%s", m->host);
	if (list)
		ares_free_data(list);
	q->r->waiting--;
	free(q);
}

void resolve_mx(struct resolver *r, const char *domain, int *ret_status,
		char hosts[][SUBMISSION_NAME], int hosts_max, int *ret_count)
{
	struct question *q = question(r);

	*ret_count = 0;
	*ret_status = -1;
	if (!q)
		return;
	q->status = ret_status;
	q->count = ret_count;
	q->hosts = hosts;
	q->hosts_max = hosts_max;
	ares_query(r->channel, domain, ns_c_in, ns_t_mx, answered_mx, q);
}

static void answered_count(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
	struct question *q = arg;
	(void)timeouts;

	if (status_of(status) == 1)
		*q->count = 0;
	else if (status == ARES_SUCCESS && len >= 12)
		*q->count = bytes[6] << 8 | bytes[7]; /* ANCOUNT, RFC 1035 4.1.1 */
	q->r->waiting--;
	free(q);
}

void resolve_count(struct resolver *r, const char *name, int type, int *ret)
{
	struct question *q = question(r);

	*ret = -1;
	if (!q)
		return;
	q->count = ret;
	ares_query(r->channel, name, ns_c_in, type, answered_count, q);
}

void resolver_run(struct resolver *r, struct span patience)
{
	struct mono until = mono_add(mono_now(), patience);

	while (r->waiting > 0 && mono_now().ns < until.ns) {
		ares_socket_t socks[ARES_GETSOCK_MAXNUM];
		struct pollfd fds[ARES_GETSOCK_MAXNUM];
		struct timeval tv, *t, most = { 0, 100000 };
		unsigned bits = (unsigned)ares_getsock(r->channel, socks, ARES_GETSOCK_MAXNUM);
		nfds_t n = 0;

		for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
			/* By hand: the library's macros shift a signed 1 by 31. */
			short events =
			    (short)((bits >> i & 1 ? POLLIN : 0) |
				    (bits >> (i + ARES_GETSOCK_MAXNUM) & 1 ? POLLOUT : 0));
			if (events)
				fds[n++] = (struct pollfd){ .fd = socks[i], .events = events };
		}
		t = ares_timeout(r->channel, &most, &tv);
		int ready = poll(fds, n, (int)(t->tv_sec * 1000 + t->tv_usec / 1000 + 1));
		if (ready <= 0)
			ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
		for (nfds_t i = 0; i < n && ready > 0; i++)
			if (fds[i].revents)
				ares_process_fd(
				    r->channel,
				    fds[i].revents & (POLLIN | POLLERR | POLLHUP) ? fds[i].fd
										  : ARES_SOCKET_BAD,
				    fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
	}
	ares_cancel(r->channel); /* what is late is -1 */
}
