/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro listen-mail: a Postfix policy service that only looks on.
 *
 * Writes one line of JSON for each message with a login: when, who, by which
 * port. `porteiro index` reads that file like any other log. Every request is
 * answered DUNNO, whatever happens here.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/why.h"
#include "prog/verb_index.h"
#include "prog/verbs.h"
#include "wire/policy.h"

#define CLIENTS_MAX  1000 /* Postfix keeps one connection for each smtpd that is busy */
#define INSTANCE_MAX 128

static void usage(FILE *out)
{
	fputs(
	    "usage: porteiro listen-mail --listen ADDRESS --output FILE\n\n"
	    "A policy service for Postfix that only looks on: it always answers DUNNO, and writes\n"
	    "one line for each message of a logged-in user, with the exact port, which porteiro\n"
	    "index then reads. In main.cf, so that mail flows on when this is away:\n\n"
	    "  smtpd_end_of_data_restrictions =\n"
	    "      check_policy_service { inet:127.0.0.1:10587, default_action=DUNNO, timeout=2s "
	    "}\n\n"
	    "      --listen ADDRESS   inet:HOST:PORT or unix:PATH\n"
	    "      --output FILE      appended to; reopened on SIGHUP\n"
	    "      --json             say what was seen as JSON when it ends\n",
	    out);
}

struct client {
	int fd;
	char instance[INSTANCE_MAX]; /* of the message counted last */
	struct policy policy;
};

struct listener {
	const char *address, *output;
	bool json;
	int socket, file;
	struct client *client[CLIENTS_MAX];
	struct pollfd poll[CLIENTS_MAX + 1];
	unsigned clients;
	uint64_t requests, written, without_login, unreadable, refused, lost;
};

static volatile sig_atomic_t asked_to_end, asked_to_reopen;

static void on_signal(int number)
{
	if (number == SIGHUP)
		asked_to_reopen = 1;
	else
		asked_to_end = 1;
}

static int listen_unix(const char *path, struct why *why)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	own_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (strlen(path) >= sizeof(a.sun_path))
		return why_set(why, -ENAMETOOLONG, "%s: too long for a socket", path);
	strcpy(a.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 128) < 0)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	/* Postfix's smtpd connects as another user; what it may do here is be looked at. */
	if (chmod(path, 0666) < 0)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	return take_fd(&fd);
}

static int listen_inet(const char *address, struct why *why)
{
	const char *colon = strrchr(address, ':');
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *found;
	own_mem char *host = colon ? strndup(address, (size_t)(colon - address)) : NULL;
	int on = 1;

	if (!host || getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return why_set(why, -EINVAL, "'%s' is not HOST:PORT with a numeric address",
			       address);
	own_fd int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	int r = fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, 128) < 0
		    ? -errno
		    : 0;
	freeaddrinfo(found);
	return r < 0 ? why_set(why, r, "%s: %s", address, strerror(-r)) : take_fd(&fd);
}

static int open_output(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

/* One line; what can not be written is counted, never an answer's delay. */
static void write_line(struct listener *l, const struct policy_request *r)
{
	char when[40];
	time_t now = time(NULL);
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S%z", localtime_r(&now, &tm));
	json_t *o = json_pack("{s:s, s:s%, s:s%, s:s%, s:s%}", "time", when, "user", r->user.at,
			      r->user.len, "id", r->instance.at, r->instance.len, "client",
			      r->client.at, r->client.len, "tls", r->tls.at, r->tls.len);
	if (o && r->port)
		json_object_set_new(o, "port", json_integer(r->port));
	else if (o)
		json_object_set_new(o, "channel", json_string("unclassified"));
	own_mem char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (!text) {
		l->unreadable++; /* not UTF-8 */
		return;
	}
	size_t len = strlen(text);
	text[len++] = '\n'; /* the NUL's place; the length is known */
	if (write(l->file, text, len) == (ssize_t)len)
		l->written++;
	else
		l->lost++;
}

static void on_request(struct listener *l, struct client *c, const struct policy_request *r)
{
	l->requests++;
	if (!r->user.len) {
		l->without_login++;
		return;
	}
	/* RCPT asks once for each recipient: the instance says that it is one message. */
	size_t n = slice_cut(r->instance, INSTANCE_MAX - 1).len;
	if (n && strlen(c->instance) == n && memcmp(c->instance, r->instance.at, n) == 0)
		return;
	memcpy(c->instance, r->instance.at, n);
	c->instance[n] = '\0';
	struct policy_request known = *r;
	if (!known.client.at)
		known.client = SLICE("");
	if (!known.tls.at)
		known.tls = SLICE("");
	if (!known.instance.at)
		known.instance = SLICE("");
	write_line(l, &known);
}

/* False when the connection is over. */
static bool serve(struct listener *l, struct client *c)
{
	struct policy_request r;
	size_t room;
	char *at = policy_room(&c->policy, &room);
	ssize_t n = read(c->fd, at, room);
	int e;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	policy_fed(&c->policy, (size_t)n);
	while ((e = policy_next(&c->policy, &r)) == 1) {
		/* Answer first: the client waits for nothing of ours. */
		if (send(c->fd, POLICY_ANSWER, sizeof(POLICY_ANSWER) - 1, MSG_NOSIGNAL) < 0)
			return false;
		on_request(l, c, &r);
	}
	l->refused += e < 0;
	return e == 0;
}

static void admit(struct listener *l)
{
	int fd = accept4(l->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c = fd >= 0 && l->clients < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;

	if (fd < 0)
		return;
	if (!c) {
		close(fd); /* Postfix then takes its default_action */
		l->refused++;
		return;
	}
	c->fd = fd;
	l->client[l->clients++] = c;
}

static void dismiss(struct listener *l, unsigned i)
{
	close(l->client[i]->fd);
	free(l->client[i]);
	l->client[i] = l->client[--l->clients];
}

static void reopen(struct listener *l)
{
	int fd = open_output(l->output);

	asked_to_reopen = 0;
	if (fd < 0) {
		fprintf(stderr, "porteiro listen-mail: %s: %s\n", l->output, strerror(-fd));
		return; /* the old file is better than none */
	}
	close(l->file);
	l->file = fd;
}

static void loop(struct listener *l)
{
	while (!asked_to_end) {
		if (asked_to_reopen)
			reopen(l);
		l->poll[0] = (struct pollfd){ .fd = l->socket, .events = POLLIN };
		for (unsigned i = 0; i < l->clients; i++)
			l->poll[i + 1] =
			    (struct pollfd){ .fd = l->client[i]->fd, .events = POLLIN };
		unsigned count = l->clients;
		if (poll(l->poll, count + 1, -1) < 0)
			continue;
		/* From the last, since dismiss() moves the last into the gap. */
		for (unsigned i = count; i-- > 0;)
			if (l->poll[i + 1].revents && !serve(l, l->client[i]))
				dismiss(l, i);
		if (l->poll[0].revents)
			admit(l);
	}
	while (l->clients)
		dismiss(l, 0);
}

static int run(struct listener *l, struct why *why)
{
	const struct sigaction action = { .sa_handler = on_signal };

	if (strncmp(l->address, "unix:", 5) == 0)
		l->socket = listen_unix(l->address + 5, why);
	else if (strncmp(l->address, "inet:", 5) == 0)
		l->socket = listen_inet(l->address + 5, why);
	else
		return why_set(why, -EINVAL,
			       "--listen: '%s' is neither inet: nor unix:", l->address);
	if (l->socket < 0)
		return l->socket;
	l->file = open_output(l->output);
	if (l->file < 0)
		return why_set(why, l->file, "%s: %s", l->output, strerror(-l->file));
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	loop(l);
	close(l->file);
	close(l->socket);
	if (strncmp(l->address, "unix:", 5) == 0)
		unlink(l->address + 5);
	printf(
	    l->json
		? "{\"requests\":%llu,\"written\":%llu,\"without_login\":%llu,\"unreadable\":%llu,"
		  "\"refused\":%llu,\"lost\":%llu}\n"
		: "%llu requests, %llu written, %llu without login, %llu unreadable, %llu refused, "
		  "%llu lost\n",
	    (unsigned long long)l->requests, (unsigned long long)l->written,
	    (unsigned long long)l->without_login, (unsigned long long)l->unreadable,
	    (unsigned long long)l->refused, (unsigned long long)l->lost);
	return 0;
}

int verb_listen_mail(int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "output", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static struct listener l = { .socket = -1, .file = -1 };
	struct why why = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h') {
			usage(stdout);
			return EXIT_DONE;
		}
		if (opt == '?')
			return EXIT_USAGE;
		if (opt == 'l')
			l.address = optarg;
		else if (opt == 'o')
			l.output = optarg;
		else
			l.json = true;
	}
	int r = l.address && l.output && optind == argc
		    ? run(&l, &why)
		    : why_set(&why, -EINVAL, "--listen and --output are needed, and nothing else");
	if (r < 0)
		fprintf(stderr, "porteiro listen-mail: %s\n", why.code ? why.text : strerror(-r));
	return r < 0 ? EXIT_USAGE : EXIT_DONE;
}
