/* SPDX-License-Identifier: BSD-2-Clause */
/* submission_published: judges what a domain has published about its servers, in DNS and on the
 * web. */
#pragma once

#include "model/audit.h"
#include "wire/submission.h"

void published_judge(const struct submission *s, struct audit_results *r);
