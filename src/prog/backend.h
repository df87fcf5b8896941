/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backend: the filter that the configuration asks for, and where it stands.
 *
 * Used by the enforce role, and by `porteiro open --all` when the daemon does
 * not answer.
 */
#pragma once

#include "base/why.h"
#include "enforce/filter.h"
#include "prog/conf.h"

/* Open or create the kernel objects; what is in force is not touched. */
int backend_open(const struct conf *c, struct filter **ret, struct why *why);
/*
 * See that the filter stands at every interface of the configuration that
 * exists, and at no other; adds to `drift` what was not so. An interface that
 * does not exist is no failure: it may come later.
 */
int backend_attach(const struct conf *c, struct filter *f, struct filter_drift *drift,
		   struct why *why);
/* Open everything, or take that back, on what is in force, without a daemon. */
int backend_set_open(const struct conf *c, bool open, struct why *why);
