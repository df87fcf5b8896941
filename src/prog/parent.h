/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parent: starts the roles, opens for them what takes privilege, and starts
 * again what dies. Parses nothing that comes from outside.
 */
#pragma once

#include "base/why.h"
#include "prog/conf.h"

/* Have the config role read `path`; `path` NULL means the default one, which may be absent. */
int parent_read_conf(const char *path, struct conf *ret, struct why *why);
/* Runs until SIGTERM or SIGINT; the exit code. `path` as above, for reloads. */
int parent_run(const char *path, const struct conf *conf);
