/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc: one message between two of our own processes, over a socket pair.
 *
 * The socket is SOCK_SEQPACKET: a message is one packet, never half of one.
 * It has a 32-bit id, a body of at most IPC_BODY_MAX bytes and at most one
 * descriptor; what is larger travels as a sealed memfd. Receiving checks sizes
 * and nothing else: what a body means is decoded with base/pack by the handler
 * that the message table (prog/message.h) names.
 *
 * All sockets are non-blocking; ipc_send() waits a bounded time for room and
 * then says -EAGAIN, and the peer counts as stuck.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define IPC_BODY_MAX 65536

struct ipc_message {
	uint32_t id;
	int fd; /* -1 if none came along; the receiver closes it */
	size_t len;
	uint8_t body[IPC_BODY_MAX];
};

/* A connected pair, close-on-exec and non-blocking. */
int ipc_pair(int ret[2]);
/* `fd` is borrowed and may be -1. 0, -EAGAIN, -EMSGSIZE, -EPIPE … */
int ipc_send(int sock, uint32_t id, const void *body, size_t len, int fd);
/*
 * 1 and *ret filled; 0 if there is none now; -EPIPE when the peer has gone;
 * -EBADMSG for a packet that is no message.
 */
int ipc_receive(int sock, struct ipc_message *ret);
/* The same, but waits until `timeout_ms` have passed: then -ETIMEDOUT. Returns 1 or an error. */
int ipc_wait(int sock, int timeout_ms, struct ipc_message *ret);
