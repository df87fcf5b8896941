/* SPDX-License-Identifier: BSD-2-Clause */
/* lease_read_priv: what the readers of leases share. */
#pragma once

#include "wire/lease_read.h"

/* Print-formatted; counted. */
void lease_fault(struct lease_sink *sink, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Into a buffer: false if it is too long or holds a control character. */
bool lease_name_set(char *ret, size_t room, struct slice text);
/* An address or prefix; host bits are cut off. 0.0.0.0, :: and nonsense are false. */
bool lease_place_set(struct slice text, struct prefix *ret);
/* Checks it, counts it and hands it on. */
int lease_emit(struct lease_sink *sink, const struct lease *l);
/* The next line without its end; false at the end of the file. Counts sink->line. */
bool lease_line_next(struct lease_sink *sink, struct slice *rest, struct slice *ret);
