/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The config role: reads the configuration file and hands back what it says.
 *
 * Lives for one reading, in a sandbox without anything, because the parent,
 * which holds every capability, parses nothing. The hello carries the file's
 * text where other roles find the configuration.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memfd.h"
#include "base/own.h"
#include "base/pack.h"
#include "prog/role.h"

struct reading {
	struct conf conf;
	struct why why;
	int result;
};

static int take_text(void *ctx, struct ipc_message *m)
{
	struct reading *reading = ctx;
	own_view struct memfd_view view = { 0 };
	struct unpack u = unpack_from(m->body, m->len);
	char name[CONF_PATH_MAX];

	(void)unpack_u32(&u); /* the user to become: sandboxed by then */
	(void)unpack_u32(&u);
	unpack_string(&u, name, sizeof(name));
	int r = unpack_end(&u);
	if (r == 0)
		r = memfd_map(m->fd, CONF_FILE_MAX, &view);
	if (r < 0)
		return r;
	reading->result =
	    conf_parse((const char *)view.bytes, view.len, name, &reading->conf, &reading->why);
	return 0;
}

static const struct message_rule rules[] = {
	{ MSG_CONF, "conf", 12, 12 + CONF_PATH_MAX, FD_MUST, take_text },
	{ 0, NULL, 0, 0, FD_NONE, NULL },
};

static int confine(const struct ipc_message *m, struct why *why)
{
	static const int no_caps[] = { -1 };
	struct unpack u = unpack_from(m->body, m->len);
	struct sandbox s = { .caps = no_caps };
	const char *missing;

	s.uid = unpack_u32(&u);
	s.gid = unpack_u32(&u);
	return sandbox_enter(&s, &missing, why);
}

int role_config(void)
{
	own_mem struct ipc_message *m = malloc(sizeof(*m));
	own_mem struct reading *reading = calloc(1, sizeof(*reading));
	own_pack struct pack p = { 0 };

	if (!m || !reading || ipc_wait(ROLE_CONTROL_FD, 5000, m) < 0)
		return EXIT_FAILURE;
	int r = confine(m, &reading->why);
	if (r == 0)
		r = message_dispatch(rules, reading, m);
	if (r < 0)
		return EXIT_FAILURE;
	pack_u32(&p, reading->result == 0);
	pack_string(&p, reading->why.text);
	if (pack_result(&p) < 0)
		return EXIT_FAILURE;
	own_fd int fd = memfd_from("conf", &reading->conf, sizeof(reading->conf));
	if (fd < 0)
		return EXIT_FAILURE;
	r = ipc_send(ROLE_CONTROL_FD, MSG_CONF, p.bytes, p.len, fd);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
