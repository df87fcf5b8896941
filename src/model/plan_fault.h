/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan_fault: where the parts of the plan reader write down what they find.
 *
 * Adding never fails at the place of the find: when memory is out, `lost` is
 * set and the reader gives up at its end. Texts are made fit to print: cut
 * between characters, quoted values without control characters.
 *
 * Inside the plan reader only; others see struct plan_faults.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/plan.h"

struct fault_list {
	struct plan_faults found;
	size_t room;
	size_t beyond; /* not kept: PLAN_FAULTS_MAX was reached */
	bool lost;     /* not kept: memory was out */
};

/* Say what is wrong; fault_right() directly after it says what would be right. */
void fault_wrong(struct fault_list *l, enum fault_level level, unsigned line, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));
void fault_right(struct fault_list *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sort by line, tell of those not kept, and hand over. */
void fault_list_close(struct fault_list *l, struct plan_faults *ret);

/* The operator's own words as they may stand in a message: short, one line, no controls. */
#define QUOTE_MAX 64
const char *quote(const char *text, char ret[static QUOTE_MAX]);

/* The word of `words` nearest to `text`, or NULL if none is near enough to be meant. */
const char *nearest_word(const char *text, const char *const *words, size_t count);
