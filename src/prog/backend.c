/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/backend.h"

#include <errno.h>

int backend_open(const struct conf *c, struct filter **ret, struct why *why)
{
	(void)ret;
	return why_set(why, -ENOTSUP, "back end %s is not built in", conf_backend_name(c->backend));
}

int backend_set_open(const struct conf *c, bool open, struct why *why)
{
	own(filter) struct filter *f = NULL;
	int r = backend_open(c, &f, why);

	return r < 0 ? r : f->ops->set_open(f, open, why);
}
