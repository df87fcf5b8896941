/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify: tell the service manager how we are, by the sd_notify(3) protocol.
 *
 * A datagram to the socket named in NOTIFY_SOCKET; without it nothing is sent.
 */
#pragma once

#include <stdint.h>

/* "READY=1", "STATUS=…", "WATCHDOG=1", "STOPPING=1"; several lines in one text. */
int notify(const char *text);
/* Microseconds between signs of life that the manager expects; 0: none. */
uint64_t notify_watchdog_us(void);
