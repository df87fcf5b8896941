/* SPDX-License-Identifier: BSD-2-Clause */
/* The parent's half of reading the configuration: opens the file, lets the config role read it. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memfd.h"
#include "base/own.h"
#include "base/pack.h"
#include "base/text.h"
#include "prog/parent.h"
#include "prog/parent_spawn.h"
#include "prog/role.h"

#define ANSWER_WAIT_MS 10000
#define NOBODY         65534

struct answer {
	bool ok;
	char text[WHY_BYTES];
	struct conf conf;
};

static int take_answer(void *ctx, struct ipc_message *m)
{
	struct answer *a = ctx;
	struct unpack u = unpack_from(m->body, m->len);

	a->ok = unpack_u32(&u) == 1;
	unpack_string(&u, a->text, sizeof(a->text));
	int r = unpack_end(&u);

	return r < 0 || !a->ok ? r : role_read_conf(m, &a->conf);
}

static const struct message_rule rules[] = {
	{ MSG_CONF, "conf", 8, 8 + WHY_BYTES, FD_MUST, take_answer },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

static int ask(int sock, int text_fd, const char *name, struct answer *a)
{
	own_mem struct ipc_message *m = malloc(sizeof(*m));
	own_pack struct pack p = { 0 };
	const struct passwd *user = getpwnam("porteiro");

	if (!m)
		return -ENOMEM;
	pack_u32(&p, user ? user->pw_uid : NOBODY);
	pack_u32(&p, user ? user->pw_gid : NOBODY);
	pack_string(&p, name);
	int r = pack_result(&p);
	if (r == 0)
		r = ipc_send(sock, MSG_CONF, p.bytes, p.len, text_fd);
	if (r == 0)
		r = ipc_wait(sock, ANSWER_WAIT_MS, m);
	return r < 0 ? r : message_dispatch(rules, a, m);
}

/* The file's bytes, unread, in a memfd. The default file may be absent: then it is empty. */
static int open_text(const char *path, struct why *why)
{
	own(text) struct text *t = NULL;
	int r = text_read(path ? path : CONF_DEFAULT_PATH, CONF_FILE_MAX, &t);

	if (r == -ENOENT && !path)
		return memfd_from("conf", "", 0);
	if (r < 0)
		return why_set(why, r, "cannot read %s: %s", path ? path : CONF_DEFAULT_PATH,
			       strerror(-r));
	return memfd_from("conf", t->bytes, t->len);
}

int parent_read_conf(const char *path, struct conf *ret, struct why *why)
{
	own_mem struct answer *a = calloc(1, sizeof(*a));
	own_fd int fd = -1, sock = -1;
	pid_t pid;

	if (!a)
		return -ENOMEM;
	fd = open_text(path, why);
	if (fd < 0)
		return fd;
	int r = spawn_role(ROLE_CONFIG, &sock, &pid);
	if (r < 0)
		return why_set(why, r, "cannot start the config role: %s", strerror(-r));
	r = ask(sock, fd, path ? path : CONF_DEFAULT_PATH, a);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (r < 0)
		return why_set(why, r, "the config role gave no answer: %s", strerror(-r));
	if (!a->ok)
		return why_set(why, -EINVAL, "%s", a->text);
	memcpy(ret, &a->conf, sizeof(*ret));
	return 0;
}
