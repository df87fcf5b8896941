/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lease_read: leases out of the files of those who give addresses.
 *
 * Each reader takes a whole file in memory (mapped, for the large ones) and
 * hands on one lease after the other. A row that makes no sense is a fault with
 * its line and a reason, and the next row is read; a row that is well formed but
 * says of nobody that he had an address (a free lease, a session without an
 * address) is counted as `idle`. Names are kept as bytes; control characters in
 * them are a fault. Pure.
 *
 *   lease_read_csv     tables with a header line (RFC 4180), by a mapping
 *   lease_read_isc     dhcpd.leases(5), IPv4 and IPv6
 *   lease_read_detail  FreeRADIUS detail files (accounting records, RFC 2866)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/why.h"
#include "model/lease.h"

struct lease_sink {
	/* Non-zero stops the reader, which returns it. */
	int (*lease)(void *arg, const struct lease *l);
	void (*fault)(void *arg, size_t line, const char *text);
	void *arg;
	uint64_t leases, faults, idle; /* counted by the reader */
	size_t line;                   /* where it is, from 1 */
};

/* Which column of a table says what. NULL: none does. */
struct lease_map {
	const char *line, *address, *from, *until;
	const char *seen, *session, *ports;         /* ports: "1024-2047" */
	const char *prefix, *delegated;             /* more addresses of the same row */
	const char *lifetime, *state, *kind, *bits; /* Kea: see lease_read.c */
	const char *source;                         /* its name; "table" unless given */
};

/* "line=login,address=ip,…" into *ret, which points into `text`; commas are cut off in it. */
int lease_map_parse(char *text, struct lease_map *ret, struct why *why);
/* "radacct", "kea", "splynx", "mkauth"; NULL if there is none of that name. */
const struct lease_map *lease_map_preset(const char *name);

struct lease_read_options {
	int32_t zone_s; /* of times that name no zone: seconds east of UTC */
	int64_t now_s;  /* the date of a table whose rows have none */
};

/* 0; what the sink returned; -EINVAL with `why` if the header lacks a column. */
int lease_read_csv(struct slice file, const struct lease_map *map,
		   const struct lease_read_options *options, struct lease_sink *sink,
		   struct why *why);
int lease_read_isc(struct slice file, struct lease_sink *sink);
int lease_read_detail(struct slice file, struct lease_sink *sink);

/* "2026-11-21 22:54:39", with T, a fraction and a zone or without, or seconds since 1970. */
bool lease_time_parse(struct slice text, int32_t zone_s, int64_t *ret);
