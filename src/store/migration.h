/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * migration: the numbered steps that bring an older store to this version.
 *
 * Forward only; a step that has been released never changes. The table is made
 * from sql/NNNN_name.sql by tools/embed_sql.py.
 */
#pragma once

struct migration {
	int number; /* 0 ends the table */
	const char *name;
	const char *sql;
};

extern const struct migration migrations[];
