/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call: the filter's operations, as messages between engine and enforce.
 *
 * The engine calls, the enforce role does and answers with one MSG_RESULT.
 * Both halves of each body stand here side by side.
 */
#pragma once

#include "base/pack.h"
#include "enforce/filter.h"
#include "model/ruleset.h"

#define CALL_RULESET_MAX  (512u << 20)
#define CALL_COUNTERS_MAX (32u << 20)

struct call_put {
	struct prefix prefix;
	struct class class;
};
void call_put_pack(struct pack *p, const struct call_put *c);
int call_put_unpack(struct unpack *u, struct call_put *ret);

struct call_result {
	uint32_t of; /* enum message_id */
	int32_t code;
	struct why why;
	struct filter_drift drift; /* MSG_COMPARE */
	bool open;                 /* MSG_IS_OPEN */
};
void call_result_pack(struct pack *p, const struct call_result *r);
int call_result_unpack(struct unpack *u, struct call_result *ret);

void call_count_pack(struct pack *p, const struct filter_count *c);
int call_count_unpack(struct unpack *u, struct filter_count *ret);
