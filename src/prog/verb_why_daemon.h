/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_why_daemon: porteiro why, answered by what is in force. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/addr.h"

/* Prints the answer; returns the exit code. */
int why_ask_daemon(const char *socket, struct addr address, uint16_t port, bool json);
