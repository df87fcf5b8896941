/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * submission_judge: what was heard from a submission service → results of the checks.
 *
 * Pure: no network, no clock; `now` judges certificates. A check for which
 * nothing was heard stays skipped, with the reason.
 */
#pragma once

#include "base/mono.h"
#include "model/audit.h"
#include "wire/submission.h"

void submission_judge(const struct submission *s, struct wall now, struct audit_results *ret);
