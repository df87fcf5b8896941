/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store on SQLite: write-ahead log, full sync at each commit, strict
 * tables, foreign keys on. What is asked often is prepared once per call: at a
 * few changes a second that costs nothing worth a cache.
 */
#include "store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/migration.h"

#define APPLICATION_ID 0x506f7274 /* "Port" */
#define BUSY_MS        2000

struct store {
	sqlite3 *db;
	char why[WHY_BYTES];
};

static void stmt_done(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
}
#define own_stmt __attribute__((cleanup(stmt_done)))

static int error_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EROFS;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	default:
		return -EIO;
	}
}

/* The database's words and our code for its last failure. */
static int failed(struct store *s)
{
	snprintf(s->why, sizeof(s->why), "%s", sqlite3_errmsg(s->db));
	return error_of(sqlite3_extended_errcode(s->db));
}

const char *store_why(const struct store *s)
{
	return s->why;
}

static int run(struct store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(s);
}

static int prepare(struct store *s, const char *sql, sqlite3_stmt **ret)
{
	return sqlite3_prepare_v2(s->db, sql, -1, ret, NULL) == SQLITE_OK ? 0 : failed(s);
}

/* 1 for a row, 0 at the end. */
static int step(struct store *s, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : failed(s);
}

/* Run a statement that returns no rows. */
static int finish(struct store *s, sqlite3_stmt *stmt)
{
	int r = step(s, stmt);

	return r > 0 ? -EIO : r;
}

static void bind_id(sqlite3_stmt *stmt, int at, uint64_t id)
{
	if (id)
		sqlite3_bind_int64(stmt, at, (int64_t)id);
	else
		sqlite3_bind_null(stmt, at);
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static void bind_hash(sqlite3_stmt *stmt, int at, const uint8_t *hash)
{
	sqlite3_bind_blob(stmt, at, hash, 32, SQLITE_STATIC);
}

static int64_t column_number(sqlite3_stmt *stmt, int at)
{
	return sqlite3_column_int64(stmt, at);
}

static const char *column_text(sqlite3_stmt *stmt, int at)
{
	const char *text = (const char *)sqlite3_column_text(stmt, at);

	return text ? text : "";
}

static int column_hash(sqlite3_stmt *stmt, int at, uint8_t ret[static 32])
{
	if (sqlite3_column_bytes(stmt, at) != 32)
		return -EUCLEAN;
	memcpy(ret, sqlite3_column_blob(stmt, at), 32);
	return 0;
}

/* --- opening ------------------------------------------------------------------------------- */

static int pragma_number(struct store *s, const char *sql, int64_t *ret)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = prepare(s, sql, &stmt);

	if (r == 0)
		r = step(s, stmt);
	if (r < 0)
		return r;
	*ret = r ? column_number(stmt, 0) : 0;
	return 0;
}

static int check_whole(struct store *s, struct why *why)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = prepare(s, "PRAGMA quick_check(1)", &stmt);

	if (r == 0)
		r = step(s, stmt);
	if (r < 0)
		return why_set(why, r, "the store can not be read: %s", s->why);
	if (r == 0 || strcmp(column_text(stmt, 0), "ok") != 0)
		return why_set(why, -EUCLEAN, "the store is damaged: %s", column_text(stmt, 0));
	return 0;
}

static int migrate_one(struct store *s, const struct migration *m)
{
	char version[64];

	snprintf(version, sizeof(version), "PRAGMA user_version = %d", m->number);
	int r = run(s, "BEGIN IMMEDIATE");
	if (r == 0)
		r = run(s, m->sql);
	if (r == 0)
		r = run(s, version);
	if (r == 0)
		r = run(s, "COMMIT");
	if (r < 0)
		store_rollback(s);
	return r;
}

static int migrate(struct store *s, struct why *why)
{
	int64_t version, application;
	int r = pragma_number(s, "PRAGMA user_version", &version);

	if (r == 0)
		r = pragma_number(s, "PRAGMA application_id", &application);
	if (r < 0)
		return why_set(why, r, "the store can not be read: %s", s->why);
	if (version && application != APPLICATION_ID)
		return why_set(why, -EUCLEAN, "this is a database, but not one of Porteiro's");

	int newest = 0;
	for (const struct migration *m = migrations; m->number; m++)
		newest = m->number;
	if (version > newest)
		return why_set(why, -EPROTONOSUPPORT,
			       "the store has schema %" PRId64
			       ", from a later version; this one knows up to %d",
			       version, newest);
	for (const struct migration *m = migrations; m->number; m++) {
		if (m->number <= version)
			continue;
		r = migrate_one(s, m);
		if (r < 0)
			return why_set(why, r, "migration %s: %s", m->name, s->why);
	}
	return 0;
}

int store_open(const char *path, struct store **ret, struct why *why)
{
	own(store) struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
	    SQLITE_OK) {
		r = failed(s);
		return why_set(why, r, "the store %s can not be opened: %s", path, s->why);
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	/* Hostile schemas (a store somebody else wrote) run no code of theirs. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	r = run(s, "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;"
		   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
	if (r < 0)
		return why_set(why, r, "the store %s can not be used: %s", path, s->why);
	r = check_whole(s, why);
	if (r < 0)
		return r;
	r = migrate(s, why);
	if (r < 0)
		return r;
	*ret = take(s);
	return 0;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	sqlite3_close_v2(s->db);
	free(s);
}

int store_begin(struct store *s)
{
	return run(s, "BEGIN IMMEDIATE");
}

int store_commit(struct store *s)
{
	return run(s, "COMMIT");
}

void store_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

/* --- the journal --------------------------------------------------------------------------- */

int store_journal_head(struct store *s, uint64_t *ret_id, uint8_t ret_hash[static 32])
{
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = prepare(s, "SELECT id, hash FROM journal ORDER BY id DESC LIMIT 1", &stmt);

	if (r == 0)
		r = step(s, stmt);
	if (r < 0)
		return r;
	*ret_id = 0;
	memset(ret_hash, 0, 32);
	if (r == 0)
		return 0;
	*ret_id = (uint64_t)column_number(stmt, 0);
	return column_hash(stmt, 1, ret_hash);
}

int store_journal_add(struct store *s, struct wall at, const char *kind, const char *by,
		      uint64_t cause, const char *body, uint64_t *ret_id)
{
	struct journal_entry e = { .at = at, .kind = kind, .by = by, .cause = cause, .body = body };
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = store_journal_head(s, &e.id, e.previous);

	if (strlen(body) > JOURNAL_BODY_MAX)
		return -EMSGSIZE;
	if (r < 0)
		return r;
	e.id++;
	r = journal_hash(&e, e.hash);
	if (r < 0)
		return r;
	r = prepare(s, "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)", &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, (int64_t)e.id);
	sqlite3_bind_int64(stmt, 2, at.s);
	bind_text(stmt, 3, kind);
	bind_text(stmt, 4, by);
	bind_id(stmt, 5, cause);
	bind_text(stmt, 6, body);
	bind_hash(stmt, 7, e.previous);
	bind_hash(stmt, 8, e.hash);
	r = finish(s, stmt);
	if (r < 0)
		return r;
	*ret_id = e.id;
	return 0;
}

static int journal_row(sqlite3_stmt *stmt, struct journal_entry *ret)
{
	*ret = (struct journal_entry){
		.id = (uint64_t)column_number(stmt, 0),
		.at = { column_number(stmt, 1) },
		.kind = column_text(stmt, 2),
		.by = column_text(stmt, 3),
		.cause = (uint64_t)column_number(stmt, 4),
		.body = column_text(stmt, 5),
	};
	int r = column_hash(stmt, 6, ret->previous);

	return r < 0 ? r : column_hash(stmt, 7, ret->hash);
}

int store_journal(struct store *s, uint64_t after, unsigned limit, store_journal_fn fn, void *arg)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = prepare(s,
			"SELECT id, at, kind, by, cause, body, previous, hash FROM journal "
			"WHERE id > ? ORDER BY id LIMIT ?",
			&stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, (int64_t)after);
	sqlite3_bind_int64(stmt, 2, limit ? (int64_t)limit : -1);
	while ((r = step(s, stmt)) > 0) {
		struct journal_entry e;

		r = journal_row(stmt, &e);
		if (r == 0)
			r = fn(arg, &e);
		if (r != 0)
			return r;
	}
	return r;
}

struct verify {
	struct journal_check check;
	enum journal_fault fault;
};

static int verify_entry(void *arg, const struct journal_entry *e)
{
	struct verify *v = arg;
	int r = journal_check_next(&v->check, e);

	if (r > 0)
		v->fault = (enum journal_fault)r;
	return r;
}

int store_journal_verify(struct store *s, struct journal_check *ret, struct why *why)
{
	struct verify v = { .check = journal_check_start() };
	int r = store_journal(s, 0, 0, verify_entry, &v);

	if (v.fault != JOURNAL_OK)
		return why_set(why, -EUCLEAN, "journal, entry %" PRIu64 ": %s", v.check.next,
			       journal_fault_text(v.fault));
	if (r < 0)
		return why_set(why, r, "the journal can not be read: %s", s->why);
	*ret = v.check;
	return 0;
}

/* --- plans and rulesets -------------------------------------------------------------------- */

void store_plan_free(struct store_plan *p)
{
	if (!p)
		return;
	free(p->text);
	free(p->pack);
	free(p);
}

int store_plan_add(struct store *s, const struct store_plan *p)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = prepare(s,
			"INSERT INTO plan (id, at, by, hash, text, pack) "
			"VALUES (?, ?, ?, ?, ?, ?)",
			&stmt);

	if (r < 0)
		return r;
	bind_id(stmt, 1, p->id);
	sqlite3_bind_int64(stmt, 2, p->at.s);
	bind_text(stmt, 3, p->by);
	bind_hash(stmt, 4, p->hash);
	sqlite3_bind_text64(stmt, 5, p->text, p->text_len, SQLITE_STATIC, SQLITE_UTF8);
	sqlite3_bind_blob64(stmt, 6, p->pack, p->pack_len, SQLITE_STATIC);
	return finish(s, stmt);
}

static int plan_row(sqlite3_stmt *stmt, struct store_plan **ret)
{
	own(store_plan) struct store_plan *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->id = (uint64_t)column_number(stmt, 0);
	p->at.s = column_number(stmt, 1);
	snprintf(p->by, sizeof(p->by), "%s", column_text(stmt, 2));
	p->text_len = (size_t)sqlite3_column_bytes(stmt, 4);
	p->pack_len = (size_t)sqlite3_column_bytes(stmt, 5);
	p->text = malloc(p->text_len + 1);
	p->pack = malloc(p->pack_len + 1);
	if (!p->text || !p->pack)
		return -ENOMEM;
	memcpy(p->text, column_text(stmt, 4), p->text_len);
	p->text[p->text_len] = '\0';
	if (p->pack_len)
		memcpy(p->pack, sqlite3_column_blob(stmt, 5), p->pack_len);
	int r = column_hash(stmt, 3, p->hash);
	if (r < 0)
		return r;
	*ret = take(p);
	return 0;
}

int store_plan_get(struct store *s, uint64_t id, struct store_plan **ret)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = prepare(s,
			"SELECT id, at, by, hash, text, pack FROM plan "
			"WHERE id = ?1 OR ?1 IS NULL ORDER BY id DESC LIMIT 1",
			&stmt);

	if (r < 0)
		return r;
	bind_id(stmt, 1, id);
	r = step(s, stmt);
	if (r < 0)
		return r;
	*ret = NULL;
	return r == 0 ? 0 : plan_row(stmt, ret);
}

int store_ruleset_add(struct store *s, uint64_t id, const uint8_t hash[static 32], struct wall at,
		      uint64_t plan)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = prepare(s, "INSERT INTO ruleset (id, hash, at, plan) VALUES (?, ?, ?, ?)", &stmt);

	if (r < 0)
		return r;
	bind_id(stmt, 1, id);
	bind_hash(stmt, 2, hash);
	sqlite3_bind_int64(stmt, 3, at.s);
	bind_id(stmt, 4, plan);
	return finish(s, stmt);
}

/* --- exceptions and restrictions ----------------------------------------------------------- */

int store_exception_add(struct store *s, const struct exception *e, struct wall at)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	char prefix[PREFIX_TEXT_MAX];
	int r = prepare(s,
			"INSERT INTO exception (id, prefix, until, reason, by, at) "
			"VALUES (?, ?, ?, ?, ?, ?)",
			&stmt);

	if (r < 0)
		return r;
	bind_id(stmt, 1, e->id);
	bind_text(stmt, 2, prefix_text(e->prefix, prefix));
	sqlite3_bind_int64(stmt, 3, e->until.s);
	bind_text(stmt, 4, e->reason);
	bind_text(stmt, 5, e->by);
	sqlite3_bind_int64(stmt, 6, at.s);
	return finish(s, stmt);
}

static int end_row(struct store *s, const char *sql, uint64_t id, struct wall at, uint64_t by)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = prepare(s, sql, &stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, at.s);
	bind_id(stmt, 2, by);
	bind_id(stmt, 3, id);
	return finish(s, stmt);
}

int store_exception_end(struct store *s, uint64_t id, struct wall at, uint64_t by)
{
	return end_row(
	    s, "UPDATE exception SET ended = ?, ended_by = ? WHERE id = ? AND ended IS NULL", id,
	    at, by);
}

static int column_prefix(struct store *s, sqlite3_stmt *stmt, int at, struct prefix *ret)
{
	if (prefix_parse(column_text(stmt, at), ret) == PREFIX_OK)
		return 0;
	snprintf(s->why, sizeof(s->why), "'%.60s' is no prefix", column_text(stmt, at));
	return -EUCLEAN;
}

static int exception_row(struct store *s, sqlite3_stmt *stmt, struct store_exception *ret)
{
	*ret = (struct store_exception){
		.e = { .id = (uint64_t)column_number(stmt, 0),
		       .until = { column_number(stmt, 2) } },
		.at = { column_number(stmt, 5) },
		.ended = { column_number(stmt, 6) },
		.ended_by = (uint64_t)column_number(stmt, 7),
	};
	snprintf(ret->e.reason, sizeof(ret->e.reason), "%s", column_text(stmt, 3));
	snprintf(ret->e.by, sizeof(ret->e.by), "%s", column_text(stmt, 4));
	return column_prefix(s, stmt, 1, &ret->e.prefix);
}

int store_exceptions(struct store *s, bool all, store_exception_fn fn, void *arg)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = prepare(s,
			"SELECT id, prefix, until, reason, by, at, ended, ended_by "
			"FROM exception WHERE ?1 OR ended IS NULL ORDER BY id",
			&stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int(stmt, 1, all);
	while ((r = step(s, stmt)) > 0) {
		struct store_exception e;

		r = exception_row(s, stmt, &e);
		if (r == 0)
			r = fn(arg, &e);
		if (r != 0)
			return r;
	}
	return r;
}

int store_restriction_add(struct store *s, const struct restriction *x, struct wall at)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	char prefix[PREFIX_TEXT_MAX];
	int r = prepare(s,
			"INSERT INTO restriction (id, prefix, until, mode, reason, at) "
			"VALUES (?, ?, ?, ?, ?, ?)",
			&stmt);

	if (r < 0)
		return r;
	bind_id(stmt, 1, x->id);
	bind_text(stmt, 2, prefix_text(x->prefix, prefix));
	sqlite3_bind_int64(stmt, 3, x->until.s);
	bind_text(stmt, 4, mode_name(x->mode));
	bind_text(stmt, 5, x->reason);
	sqlite3_bind_int64(stmt, 6, at.s);
	return finish(s, stmt);
}

int store_restriction_end(struct store *s, uint64_t id, struct wall at, uint64_t by)
{
	return end_row(
	    s, "UPDATE restriction SET ended = ?, ended_by = ? WHERE id = ? AND ended IS NULL", id,
	    at, by);
}

static int restriction_row(struct store *s, sqlite3_stmt *stmt, struct restriction *ret)
{
	*ret = (struct restriction){
		.id = (uint64_t)column_number(stmt, 0),
		.until = { column_number(stmt, 2) },
	};
	snprintf(ret->reason, sizeof(ret->reason), "%s", column_text(stmt, 4));
	if (!mode_parse(column_text(stmt, 3), &ret->mode))
		return -EUCLEAN;
	return column_prefix(s, stmt, 1, &ret->prefix);
}

int store_restrictions(struct store *s, bool all, store_restriction_fn fn, void *arg)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = prepare(s,
			"SELECT id, prefix, until, mode, reason FROM restriction "
			"WHERE ?1 OR ended IS NULL ORDER BY id",
			&stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int(stmt, 1, all);
	while ((r = step(s, stmt)) > 0) {
		struct restriction x;

		r = restriction_row(s, stmt, &x);
		if (r == 0)
			r = fn(arg, &x);
		if (r != 0)
			return r;
	}
	return r;
}

/* --- the opening --------------------------------------------------------------------------- */

int store_set_opening(struct store *s, bool open, uint64_t cause)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = prepare(s, "UPDATE opening SET is_open = ?, cause = ? WHERE id = 1", &stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int(stmt, 1, open);
	bind_id(stmt, 2, cause);
	return finish(s, stmt);
}

int store_opening(struct store *s, bool *ret_open, uint64_t *ret_cause)
{
	own_stmt sqlite3_stmt *stmt = NULL;
	int r = prepare(s, "SELECT is_open, cause FROM opening WHERE id = 1", &stmt);

	if (r == 0)
		r = step(s, stmt);
	if (r < 0)
		return r;
	*ret_open = r && column_number(stmt, 0) != 0;
	*ret_cause = r ? (uint64_t)column_number(stmt, 1) : 0;
	return 0;
}
