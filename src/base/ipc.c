/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/ipc.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mono.h"

#define SEND_WAIT_MS 2000
#define BUFFER_BYTES (1 << 20)

int ipc_pair(int ret[2])
{
	int pair[2], size = BUFFER_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		/* Room for a few messages of full size, where the kernel grants it. */
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
			(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		ret[i] = pair[i];
	}
	return 0;
}

static int send_once(int sock, struct msghdr *msg)
{
	for (;;) {
		if (sendmsg(sock, msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno != EINTR)
			return errno == ECONNRESET ? -EPIPE : -errno;
	}
}

int ipc_send(int sock, uint32_t id, const void *body, size_t len, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov[2] = { { &id, sizeof(id) }, { (void *)(uintptr_t)body, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = len ? 2 : 1 };

	if (len > IPC_BODY_MAX)
		return -EMSGSIZE;
	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	int r = send_once(sock, &msg);
	if (r != -EAGAIN)
		return r;
	struct pollfd p = { .fd = sock, .events = POLLOUT };

	(void)poll(&p, 1, SEND_WAIT_MS);
	return send_once(sock, &msg);
}

static int fd_of(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

int ipc_receive(int sock, struct ipc_message *ret)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov[2] = { { &ret->id, sizeof(ret->id) }, { ret->body, sizeof(ret->body) } };
	struct msghdr msg = { .msg_iov = iov,
			      .msg_iovlen = 2,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
	if (n == 0)
		return -EPIPE;
	ret->fd = fd_of(&msg);
	if ((size_t)n < sizeof(ret->id) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		if (ret->fd >= 0)
			close(ret->fd);
		ret->fd = -1;
		return -EBADMSG;
	}
	ret->len = (size_t)n - sizeof(ret->id);
	return 1;
}

int ipc_wait(int sock, int timeout_ms, struct ipc_message *ret)
{
	struct mono end = mono_add(mono_now(), SPAN_MS(timeout_ms));

	for (;;) {
		int r = ipc_receive(sock, ret);
		if (r != 0)
			return r;
		int64_t left = mono_since(mono_now(), end).ns / 1000000;
		if (left <= 0)
			return -ETIMEDOUT;
		struct pollfd p = { .fd = sock, .events = POLLIN };
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
}
