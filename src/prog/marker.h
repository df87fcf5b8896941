/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * marker: a file in the state directory that says "everything was opened
 * without the daemon", so that the next start does not close again.
 *
 * Written by `porteiro open --all` when the daemon is dead, and by the engine
 * when the store can not be written; taken back by `porteiro resume`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* 0 or a negative errno. */
int marker_write(const char *state_dir, const char *by);
/* True if it is there; `ret` is who wrote it, "unknown" if that can not be read. */
bool marker_read(const char *state_dir, char *ret, size_t room);
/* 0 also if it is not there. */
int marker_remove(const char *state_dir);
