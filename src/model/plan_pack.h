/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan_pack: a plan ⇄ bytes, so that the process that owns the store never has
 * to read YAML.
 *
 * Version 1, readable for ever: the store keeps plans in it. Unpacking trusts
 * nothing: counts, lengths, enums and prefixes are checked; what the plan as a
 * whole must obey (no contradiction and so on) is compile()'s to refuse.
 */
#pragma once

#include <stddef.h>

#include "base/pack.h"
#include "model/plan.h"

#define PLAN_PACK_MAX (256u << 20)

int plan_pack(const struct plan *p, struct pack *ret);
/* -EBADMSG if these are not the bytes of a plan, -EPROTONOSUPPORT for a later version, -ENOMEM. */
int plan_unpack(const void *bytes, size_t len, struct plan **ret);
