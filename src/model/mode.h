/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mode: what happens to a packet that a closed segment does not allow.
 *
 * MODE_OFF must stay 0: a class that nobody filled in refuses nothing. The
 * numbers are shared with the packet program (bpf/filter_abi.h asserts it).
 */
#pragma once

#include <stdbool.h>

enum mode {
	MODE_OFF = 0,     /* passes */
	MODE_MONITOR = 1, /* passes, counted as "would have been refused" */
	MODE_REJECT = 2,  /* a TCP reset tells the sender at once */
	MODE_DROP = 3,    /* silence */
	MODE_COUNT_
};

/* "off", "monitor", "reject", "drop". */
const char *mode_name(enum mode m);
bool mode_parse(const char *name, enum mode *ret);
