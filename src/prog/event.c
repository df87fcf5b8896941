/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/event.h"

const struct log_event events[EV_COUNT_] = {
#define X(name, id, text, level, help) [EV_##name] = { id, text, LOG_##level##_, help },
	EVENTS(X)
#undef X
};
