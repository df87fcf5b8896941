/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * marker: files in the state directory that say what was done without the
 * daemon: "everything was opened", so that the next start does not close again,
 * or "that was taken back", so that it does not open again.
 *
 * Written by `porteiro open --all` and `porteiro resume` when the daemon is
 * dead, and by the engine when the store can not be written. At the start the
 * engine puts them into the journal and removes them. Should both be there,
 * opening counts: it is the safe side.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum mark { MARK_OPEN, MARK_RESUMED };

struct marker {
	char by[64];
	char reason[200];
}; /* printable UTF-8 */

/* Takes the other mark away. 0 or a negative errno. `reason` NULL: none was given. */
int marker_write(const char *state_dir, enum mark m, const char *by, const char *reason);
/* True if it is there; who wrote it is "unknown" if that can not be read. */
bool marker_read(const char *state_dir, enum mark m, struct marker *ret);
/* 0 also if it is not there. */
int marker_remove(const char *state_dir, enum mark m);
