/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_text: connections out of text tables: Zeek's conn.log, Argus' binetflow,
 * and any CSV whose first line names its columns.
 *
 * Columns are found by name. Needed: source, destination and destination port;
 * read where present: time, source port, protocol, state. Separator: a tab,
 * semicolon or comma, whichever the first line has.
 *
 *   time     ts, StartTime, time, start         epoch seconds, or Y/M/D h:m:s
 *   source   id.orig_h, SrcAddr, src, source    address
 *   sport    id.orig_p, Sport, sport, source_port
 *   dest     id.resp_h, DstAddr, dst, destination
 *   dport    id.resp_p, Dport, dport, destination_port
 *   proto    proto, Proto, protocol             tcp or 6; other rows are skipped
 *   state    conn_state, State, state           Zeek's (S0, SF …) or Argus' (FSPA_FSPA …)
 *
 * Pure; a line may be of any length and hold any byte.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "model/contact.h"

enum flow_text_column {
	FLOW_TEXT_TIME,
	FLOW_TEXT_SRC,
	FLOW_TEXT_SPORT,
	FLOW_TEXT_DST,
	FLOW_TEXT_DPORT,
	FLOW_TEXT_PROTO,
	FLOW_TEXT_STATE,
	FLOW_TEXT_COUNT_
};

struct flow_text {
	int at[FLOW_TEXT_COUNT_]; /* column number, -1: not there */
	char separator;
};

struct flow_row {
	struct addr src, dst;
	uint16_t sport, dport;
	enum contact_outcome outcome;
	int64_t time_ms; /* 0: no time column */
};

enum flow_row_kind { FLOW_ROW, FLOW_ROW_SKIPPED, FLOW_ROW_MALFORMED };

/*
 * The line that names the columns: Zeek's "#fields", or a CSV header. -EINVAL
 * naming the column that is missing.
 */
int flow_text_header(const char *line, size_t len, struct flow_text *ret, struct why *why);
enum flow_row_kind flow_text_row(const struct flow_text *t, const char *line, size_t len,
				 struct flow_row *ret);
