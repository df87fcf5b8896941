/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/collector.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH      64
#define ROUNDS_MAX 64 /* batches taken from one socket before the next gets its turn */

/* A datagram's place: its bytes, who sent it, and the kernel's count of drops. */
struct seat {
	uint8_t bytes[COLLECTOR_DATAGRAM_MAX];
	struct sockaddr_storage from;
	uint8_t control[CMSG_SPACE(sizeof(uint32_t))];
	struct iovec vector;
};

struct collector {
	struct flow_decoder *decoder;
	struct pollfd sockets[COLLECTOR_PORTS_MAX];
	uint32_t dropped[COLLECTOR_PORTS_MAX]; /* last count of the kernel, it wraps */
	unsigned sockets_count;
	const struct prefix *exporters;
	size_t exporters_count;
	struct collector_counts counts;
	struct mmsghdr messages[BATCH];
	struct seat seats[BATCH];
};

static socklen_t address_fill(struct addr a, uint16_t port, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a.family == FAMILY_V4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		addr_to_bytes(a, (uint8_t *)&in->sin_addr);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	addr_to_bytes(a, in6->sin6_addr.s6_addr);
	return sizeof(*in6);
}

static struct addr address_read(const struct sockaddr_storage *from)
{
	if (from->ss_family == AF_INET)
		return addr_from_bytes(
		    FAMILY_V4, (const uint8_t *)&((const struct sockaddr_in *)from)->sin_addr);
	const uint8_t *bytes = ((const struct sockaddr_in6 *)from)->sin6_addr.s6_addr;
	/* An IPv4 exporter heard on a socket of both families. */
	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)bytes))
		return addr_from_bytes(FAMILY_V4, bytes + 12);
	return addr_from_bytes(FAMILY_V6, bytes);
}

static void buffer_grow(int fd, unsigned bytes)
{
	int n = (int)bytes;

	/* FORCE needs a capability; without it the kernel gives what it allows. */
	if (bytes && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof(n)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
}

static int socket_open(const struct collector_options *o, uint16_t port, int *ret, struct why *why)
{
	struct sockaddr_storage at;
	socklen_t len = address_fill(o->listen, port, &at);
	char text[ADDR_TEXT_MAX];
	int on = 1;
	own_fd int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return why_set(why, -errno, "no socket: %s", strerror(errno));
	buffer_grow(fd, o->buffer_bytes);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)) < 0)
		return why_set(why, -errno, "no socket: %s", strerror(errno));
	if (bind(fd, (const struct sockaddr *)&at, len) < 0)
		return why_set(why, -errno, "can not listen on %s UDP port %u: %s",
			       addr_text(o->listen, text), port, strerror(errno));
	*ret = take_fd(&fd);
	return 0;
}

static void seats_prepare(struct collector *c)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct seat *s = &c->seats[i];

		s->vector = (struct iovec){ s->bytes, sizeof(s->bytes) };
		c->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &s->from,
			.msg_iov = &s->vector,
			.msg_iovlen = 1,
			.msg_control = s->control,
		};
	}
}

int collector_new(const struct collector_options *options, flow_record_fn fn, void *arg,
		  struct collector **ret, struct why *why)
{
	own(collector) struct collector *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return why_set(why, -ENOMEM, "out of memory");
	if (options->ports_count == 0 || options->ports_count > COLLECTOR_PORTS_MAX)
		return why_set(why, -EINVAL, "between 1 and %d ports, not %u", COLLECTOR_PORTS_MAX,
			       options->ports_count);
	r = flow_decoder_new(&options->flow, fn, arg, &c->decoder);
	if (r < 0)
		return why_set(why, r, "no decoder: %s", strerror(-r));
	for (unsigned i = 0; i < options->ports_count; i++) {
		r = socket_open(options, options->ports[i], &c->sockets[i].fd, why);
		if (r < 0)
			return r;
		c->sockets[i].events = POLLIN;
		c->sockets_count++;
	}
	c->exporters = options->exporters;
	c->exporters_count = options->exporters_count;
	seats_prepare(c);
	*ret = take(c);
	return 0;
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->sockets_count; i++)
		close(c->sockets[i].fd);
	flow_decoder_free(c->decoder);
	free(c);
}

static bool is_stranger(const struct collector *c, struct addr a)
{
	for (size_t i = 0; i < c->exporters_count; i++)
		if (prefix_holds(c->exporters[i], a))
			return false;
	return c->exporters_count > 0;
}

static void drops_note(struct collector *c, unsigned socket, struct msghdr *h)
{
	for (struct cmsghdr *m = CMSG_FIRSTHDR(h); m; m = CMSG_NXTHDR(h, m)) {
		uint32_t now;

		if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&now, CMSG_DATA(m), sizeof(now));
		c->counts.kernel_dropped += now - c->dropped[socket];
		c->dropped[socket] = now;
	}
}

static void datagram_take(struct collector *c, unsigned socket, struct mmsghdr *m,
			  const struct seat *s)
{
	struct addr from = address_read(&s->from);

	c->counts.datagrams++;
	drops_note(c, socket, &m->msg_hdr);
	if (m->msg_hdr.msg_flags & MSG_TRUNC)
		c->counts.truncated++;
	else if (is_stranger(c, from))
		c->counts.strangers++;
	else
		flow_decode(c->decoder, from, s->bytes, m->msg_len);
}

/* 1: there may be more; 0: all taken; negative errno. */
static int batch_take(struct collector *c, unsigned socket)
{
	for (unsigned i = 0; i < BATCH; i++) {
		c->messages[i].msg_hdr.msg_namelen = sizeof(c->seats[i].from);
		c->messages[i].msg_hdr.msg_controllen = sizeof(c->seats[i].control);
	}
	int n = recvmmsg(c->sockets[socket].fd, c->messages, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++)
		datagram_take(c, socket, &c->messages[i], &c->seats[i]);
	return n == BATCH;
}

int collector_run(struct collector *c, int timeout_ms)
{
	int n = poll(c->sockets, c->sockets_count, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (unsigned i = 0; i < c->sockets_count; i++) {
		int r = c->sockets[i].revents != 0;

		for (int round = 0; r > 0 && round < ROUNDS_MAX; round++)
			r = batch_take(c, i);
		if (r < 0)
			return r;
	}
	return 0;
}

struct collector_counts collector_counts(const struct collector *c)
{
	return c->counts;
}

const struct flow_decoder *collector_decoder(const struct collector *c)
{
	return c->decoder;
}
