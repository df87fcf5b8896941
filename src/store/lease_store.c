/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leases on SQLite. One clustered table in the order (kind of place, address,
 * first port, start). Each row also keeps `reach`: no lease of the same place
 * that starts with it or before it lasts longer. A walk back in time from the
 * instant asked for ends at the first row whose reach is over. A reach may be
 * too long, which costs a step, and never too short.
 */
#include "store/lease_store.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APPLICATION_ID 0x506f724c /* "PorL" */
#define VERSION        1
#define SHAPES_MAX     1024
#define BUSY_MS        5000

static const char schema[] =
    "CREATE TABLE shape (id INTEGER PRIMARY KEY, family INTEGER NOT NULL, bits INTEGER NOT NULL,"
    " ports INTEGER NOT NULL, UNIQUE (family, bits, ports)) STRICT;"
    "CREATE TABLE line (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE lease (shape INTEGER NOT NULL, address BLOB NOT NULL, port INTEGER NOT NULL,"
    " start INTEGER NOT NULL, source INTEGER NOT NULL, line INTEGER NOT NULL REFERENCES line (id),"
    " until INTEGER NOT NULL, seen INTEGER NOT NULL, ending INTEGER NOT NULL,"
    " reach INTEGER NOT NULL, session TEXT,"
    " PRIMARY KEY (shape, address, port, start, source, line)) STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX lease_session ON lease (session, shape, address, port)"
    " WHERE session IS NOT NULL;";

enum statement {
	FIND_SHAPE,
	ADD_SHAPE,
	FIND_LINE,
	ADD_LINE,
	BY_SESSION,
	BY_START,
	STANDING_BEFORE,
	PUT,
	REMOVE,
	REACH_BEFORE,
	LATER,
	SET_REACH,
	NEXT_PORT,
	BACK,
	STATEMENT_COUNT_,
};

#define PLACE "shape = ?1 AND address = ?2 AND port = ?3"
#define ROW   "start, source, until, seen, ending, (SELECT name FROM line WHERE id = line), session"

static const char *const statement_sql[] = {
	[FIND_SHAPE] = "SELECT id FROM shape WHERE family = ?1 AND bits = ?2 AND ports = ?3",
	[ADD_SHAPE] = "INSERT INTO shape (family, bits, ports) VALUES (?1, ?2, ?3)",
	[FIND_LINE] = "SELECT id FROM line WHERE name = ?1",
	[ADD_LINE] = "INSERT INTO line (name) VALUES (?1)",
	[BY_SESSION] = "SELECT " ROW " FROM lease WHERE session = ?4 AND " PLACE,
	[BY_START] = "SELECT " ROW " FROM lease WHERE " PLACE
		     " AND start = ?4 AND source = ?5 AND line = ?6",
	[STANDING_BEFORE] = "SELECT " ROW " FROM lease WHERE " PLACE
			    " AND start <= ?4 AND source = ?5 ORDER BY start DESC LIMIT 1",
	[PUT] = "INSERT INTO lease (shape, address, port, start, source, line, until, seen, ending,"
		" reach, session) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[REMOVE] = "DELETE FROM lease WHERE " PLACE " AND start = ?4 AND source = ?5 AND line = ?6",
	[REACH_BEFORE] = "SELECT reach FROM lease WHERE " PLACE
			 " AND start <= ?4 ORDER BY start DESC, reach DESC LIMIT 1",
	[LATER] = "SELECT start, source, line, reach FROM lease WHERE " PLACE
		  " AND start >= ?4 ORDER BY start LIMIT 1 OFFSET ?5",
	[SET_REACH] = "UPDATE lease SET reach = ?7 WHERE " PLACE
		      " AND start = ?4 AND source = ?5 AND line = ?6",
	[NEXT_PORT] = "SELECT port FROM lease WHERE shape = ?1 AND address = ?2 AND port >= ?3"
		      " AND port <= ?4 ORDER BY port LIMIT 1",
	[BACK] =
	    "SELECT " ROW ", reach FROM lease WHERE " PLACE " AND start <= ?4 ORDER BY start DESC",
};

struct shape {
	int64_t id;
	enum family family;
	uint8_t bits;
	uint32_t ports;
};

struct lease_store {
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENT_COUNT_];
	struct shape shape[SHAPES_MAX];
	size_t shapes;
	char why[WHY_BYTES];
};

static int failed(struct lease_store *s)
{
	snprintf(s->why, sizeof(s->why), "%s", sqlite3_errmsg(s->db));
	switch (sqlite3_errcode(s->db) & 0xff) {
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

const char *lease_store_why(const struct lease_store *s)
{
	return s->why;
}

static int run(struct lease_store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(s);
}

/* 1 for a row, 0 at the end. */
static int step(struct lease_store *s, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : failed(s);
}

static void statement_release(sqlite3_stmt **stmt)
{
	sqlite3_reset(*stmt);
	sqlite3_clear_bindings(*stmt);
}
/* A prepared statement on loan until the end of the scope. */
#define own_loan __attribute__((cleanup(statement_release)))

static int finish(struct lease_store *s, sqlite3_stmt *stmt)
{
	int r = step(s, stmt);

	return r > 0 ? -EIO : r;
}

/* --- opening ------------------------------------------------------------------------------- */

static int pragma(struct lease_store *s, const char *sql, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int r = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK ? 0 : failed(s);

	if (r == 0)
		r = step(s, stmt);
	if (r > 0)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return r < 0 ? r : 0;
}

static int schema_make(struct lease_store *s)
{
	char marks[96];

	snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 APPLICATION_ID, VERSION);
	int r = run(s, "BEGIN IMMEDIATE");
	if (r == 0)
		r = run(s, schema);
	if (r == 0)
		r = run(s, marks);
	return r == 0 ? run(s, "COMMIT") : r;
}

static int schema_check(struct lease_store *s, const char *path, bool create, struct why *why)
{
	int64_t version = 0, application = 0, tables = 0;
	int r = pragma(s, "PRAGMA user_version", &version);

	if (r == 0)
		r = pragma(s, "PRAGMA application_id", &application);
	if (r == 0)
		r = pragma(s, "SELECT count(*) FROM sqlite_schema", &tables);
	if (r == 0 && create && !tables && !version)
		r = schema_make(s);
	else if (r == 0 && application != APPLICATION_ID)
		return why_set(why, -EUCLEAN, "%s: not a store of leases", path);
	else if (r == 0 && version != VERSION)
		return why_set(why, -EPROTONOSUPPORT,
			       "%s: schema %" PRId64 "; this version knows %d", path, version,
			       VERSION);
	return r < 0 ? why_set(why, r, "%s: %s", path, s->why) : 0;
}

static int shapes_read(struct lease_store *s)
{
	sqlite3_stmt *stmt = NULL;
	int r = sqlite3_prepare_v2(s->db, "SELECT id, family, bits, ports FROM shape", -1, &stmt,
				   NULL) == SQLITE_OK
		    ? 0
		    : failed(s);

	s->shapes = 0;
	while (r == 0 && (r = step(s, stmt)) > 0) {
		r = s->shapes < SHAPES_MAX ? 0 : -ENOSPC;
		if (r == 0)
			s->shape[s->shapes++] =
			    (struct shape){ .id = sqlite3_column_int64(stmt, 0),
					    .family = (enum family)sqlite3_column_int(stmt, 1),
					    .bits = (uint8_t)sqlite3_column_int(stmt, 2),
					    .ports = (uint32_t)sqlite3_column_int(stmt, 3) };
	}
	sqlite3_finalize(stmt);
	return r;
}

static int prepare_all(struct lease_store *s)
{
	for (int i = 0; i < STATEMENT_COUNT_; i++)
		if (sqlite3_prepare_v3(s->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &s->statement[i], NULL) != SQLITE_OK)
			return failed(s);
	return 0;
}

int lease_store_open(const char *path, bool create, struct lease_store **ret, struct why *why)
{
	own(lease_store) struct lease_store *s = calloc(1, sizeof(*s));
	int flags = create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;
	int r;

	if (!s)
		return -ENOMEM;
	if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK) {
		r = failed(s);
		return why_set(why, r, "%s: %s", path, s->why);
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	r = run(s, "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;"
		   "PRAGMA mmap_size = 8589934592; PRAGMA secure_delete = ON");
	if (r < 0)
		return why_set(why, r, "%s: %s", path, s->why);
	r = schema_check(s, path, create, why);
	if (r < 0)
		return r;
	r = create ? run(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL") : 0;
	if (r == 0)
		r = shapes_read(s);
	if (r == 0)
		r = prepare_all(s);
	if (r < 0)
		return why_set(why, r, "%s: %s", path, s->why);
	*ret = take(s);
	return 0;
}

void lease_store_free(struct lease_store *s)
{
	if (!s)
		return;
	for (int i = 0; i < STATEMENT_COUNT_; i++)
		sqlite3_finalize(s->statement[i]);
	sqlite3_close_v2(s->db);
	free(s);
}

int lease_store_begin(struct lease_store *s)
{
	return run(s, "BEGIN IMMEDIATE");
}

int lease_store_commit(struct lease_store *s)
{
	return run(s, "COMMIT");
}

void lease_store_rollback(struct lease_store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	(void)shapes_read(s);
}

/* --- adding -------------------------------------------------------------------------------- */

/* Where the rows of one place stand. */
struct place {
	int64_t shape;
	uint8_t address[16];
	int address_len;
	uint32_t port;
};

static void bind_place(sqlite3_stmt *stmt, const struct place *p)
{
	sqlite3_bind_int64(stmt, 1, p->shape);
	sqlite3_bind_blob(stmt, 2, p->address, p->address_len, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, p->port);
}

static struct place place_of(int64_t shape, struct addr a, uint32_t port)
{
	struct place p = { .shape = shape,
			   .address_len = a.family == FAMILY_V4 ? 4 : 16,
			   .port = port };

	addr_to_bytes(a, p.address);
	return p;
}

static int shape_of(struct lease_store *s, const struct lease *l, int64_t *ret)
{
	for (size_t i = 0; i < s->shapes; i++)
		if (s->shape[i].family == l->place.addr.family &&
		    s->shape[i].bits == l->place.len && s->shape[i].ports == l->ports) {
			*ret = s->shape[i].id;
			return 0;
		}
	if (s->shapes == SHAPES_MAX) {
		snprintf(s->why, sizeof(s->why), "more than %d kinds of place", SHAPES_MAX);
		return -ENOSPC;
	}
	own_loan sqlite3_stmt *add = s->statement[ADD_SHAPE];
	sqlite3_bind_int(add, 1, (int)l->place.addr.family);
	sqlite3_bind_int(add, 2, l->place.len);
	sqlite3_bind_int64(add, 3, l->ports);
	int r = finish(s, add);
	if (r < 0)
		return r;
	*ret = sqlite3_last_insert_rowid(s->db);
	s->shape[s->shapes++] =
	    (struct shape){ *ret, l->place.addr.family, l->place.len, l->ports };
	return 0;
}

static int line_of(struct lease_store *s, const char *name, int64_t *ret)
{
	own_loan sqlite3_stmt *find = s->statement[FIND_LINE];

	sqlite3_bind_text(find, 1, name, -1, SQLITE_STATIC);
	int r = step(s, find);
	if (r < 0)
		return r;
	if (r > 0) {
		*ret = sqlite3_column_int64(find, 0);
		return 0;
	}
	own_loan sqlite3_stmt *add = s->statement[ADD_LINE];
	sqlite3_bind_text(add, 1, name, -1, SQLITE_STATIC);
	r = finish(s, add);
	*ret = sqlite3_last_insert_rowid(s->db);
	return r;
}

static int row_lease(sqlite3_stmt *stmt, struct lease *ret)
{
	const char *line = (const char *)sqlite3_column_text(stmt, 5);
	const char *session = (const char *)sqlite3_column_text(stmt, 6);

	ret->from = sqlite3_column_int64(stmt, 0);
	ret->source = (enum lease_source)sqlite3_column_int(stmt, 1);
	ret->until = sqlite3_column_int64(stmt, 2);
	ret->seen = sqlite3_column_int64(stmt, 3);
	ret->end = (enum lease_end)sqlite3_column_int(stmt, 4);
	snprintf(ret->line, sizeof(ret->line), "%s", line ? line : "");
	snprintf(ret->session, sizeof(ret->session), "%s", session ? session : "");
	return lease_valid(ret) ? 0 : -EUCLEAN;
}

/* A row of `stmt` as 1 and *ret, its end as 0. */
static int one_row(struct lease_store *s, sqlite3_stmt *stmt, struct lease *ret)
{
	int r = step(s, stmt);

	if (r > 0 && row_lease(stmt, ret) < 0)
		return -EUCLEAN;
	return r;
}

/* 1 and *ret if the store has this session, or this line at this start. */
static int known(struct lease_store *s, const struct place *p, const struct lease *l, int64_t line,
		 struct lease *ret)
{
	own_loan sqlite3_stmt *by_session = s->statement[BY_SESSION];
	own_loan sqlite3_stmt *by_start = s->statement[BY_START];
	int r = 0;

	*ret = *l;
	if (l->session[0]) {
		bind_place(by_session, p);
		sqlite3_bind_text(by_session, 4, l->session, -1, SQLITE_STATIC);
		r = one_row(s, by_session, ret);
	}
	if (r != 0)
		return r;
	bind_place(by_start, p);
	sqlite3_bind_int64(by_start, 4, l->from);
	sqlite3_bind_int(by_start, 5, (int)l->source);
	sqlite3_bind_int64(by_start, 6, line);
	return one_row(s, by_start, ret);
}

/* 1 and *ret if yesterday's table said the same of this place: one lease, vouched for again. */
static int still_stands(struct lease_store *s, const struct place *p, const struct lease *l,
			struct lease *ret)
{
	own_loan sqlite3_stmt *before = s->statement[STANDING_BEFORE];

	if (l->end != LEASE_STANDING)
		return 0;
	*ret = *l;
	bind_place(before, p);
	sqlite3_bind_int64(before, 4, l->from);
	sqlite3_bind_int(before, 5, (int)l->source);
	int r = one_row(s, before, ret);
	return r <= 0 ? r : ret->end == LEASE_STANDING && strcmp(ret->line, l->line) == 0;
}

static int remove_row(struct lease_store *s, const struct place *p, const struct lease *l)
{
	own_loan sqlite3_stmt *stmt = s->statement[REMOVE];
	int64_t line;
	int r = line_of(s, l->line, &line);

	if (r < 0)
		return r;
	bind_place(stmt, p);
	sqlite3_bind_int64(stmt, 4, l->from);
	sqlite3_bind_int(stmt, 5, (int)l->source);
	sqlite3_bind_int64(stmt, 6, line);
	return finish(s, stmt);
}

/* How far the lease itself reaches; a session without an end counts as far as it was seen. */
static int64_t reach_of(const struct lease *l)
{
	return l->end == LEASE_UNKNOWN ? l->seen + 1 : l->until;
}

static int reach_before(struct lease_store *s, const struct place *p, const struct lease *l,
			int64_t *ret)
{
	own_loan sqlite3_stmt *stmt = s->statement[REACH_BEFORE];

	bind_place(stmt, p);
	sqlite3_bind_int64(stmt, 4, l->from);
	int r = step(s, stmt);
	if (r > 0 && sqlite3_column_int64(stmt, 0) > *ret)
		*ret = sqlite3_column_int64(stmt, 0);
	return r < 0 ? r : 0;
}

/* The rows from `l` on reach at least as far as it does; stops at the first that does already. */
static int reach_forward(struct lease_store *s, const struct place *p, const struct lease *l,
			 int64_t reach)
{
	for (int64_t offset = 0;; offset++) {
		own_loan sqlite3_stmt *later = s->statement[LATER];

		bind_place(later, p);
		sqlite3_bind_int64(later, 4, l->from);
		sqlite3_bind_int64(later, 5, offset);
		int r = step(s, later);
		if (r <= 0)
			return r;
		int64_t start = sqlite3_column_int64(later, 0);
		if (sqlite3_column_int64(later, 3) >= reach) {
			if (start > l->from)
				return 0;
			continue; /* rows of the same start stand in no order */
		}
		own_loan sqlite3_stmt *set = s->statement[SET_REACH];
		bind_place(set, p);
		sqlite3_bind_int64(set, 4, start);
		sqlite3_bind_int64(set, 5, sqlite3_column_int64(later, 1));
		sqlite3_bind_int64(set, 6, sqlite3_column_int64(later, 2));
		sqlite3_bind_int64(set, 7, reach);
		r = finish(s, set);
		if (r < 0)
			return r;
	}
}

static int put_row(struct lease_store *s, const struct place *p, const struct lease *l,
		   int64_t line)
{
	own_loan sqlite3_stmt *stmt = s->statement[PUT];
	int64_t reach = reach_of(l);
	int r = reach_before(s, p, l, &reach);

	if (r < 0)
		return r;
	bind_place(stmt, p);
	sqlite3_bind_int64(stmt, 4, l->from);
	sqlite3_bind_int(stmt, 5, (int)l->source);
	sqlite3_bind_int64(stmt, 6, line);
	sqlite3_bind_int64(stmt, 7, l->until);
	sqlite3_bind_int64(stmt, 8, l->seen);
	sqlite3_bind_int(stmt, 9, (int)l->end);
	sqlite3_bind_int64(stmt, 10, reach);
	if (l->session[0])
		sqlite3_bind_text(stmt, 11, l->session, -1, SQLITE_STATIC);
	r = finish(s, stmt);
	return r < 0 ? r : reach_forward(s, p, l, reach);
}

int lease_store_add(struct lease_store *s, const struct lease *l, enum lease_added *ret)
{
	int64_t shape, line;
	struct lease before;

	if (!lease_valid(l))
		return -EINVAL;
	int r = shape_of(s, l, &shape);
	if (r == 0)
		r = line_of(s, l->line, &line);
	if (r < 0)
		return r;
	struct place p = place_of(shape, l->place.addr, l->port_low);
	*ret = LEASE_ADDED;
	r = known(s, &p, l, line, &before);
	if (r == 0)
		r = still_stands(s, &p, l, &before);
	if (r <= 0)
		return r < 0 ? r : put_row(s, &p, l, line);

	struct lease merged = before, again;
	*ret = lease_merge(&merged, l) ? LEASE_CHANGED : LEASE_KNOWN;
	if (*ret == LEASE_KNOWN)
		return 0;
	r = remove_row(s, &p, &before);
	if (r == 0)
		r = line_of(s, merged.line, &line);
	/* Its new start may be that of another report of the same line: they are one then. */
	if (r == 0)
		r = known(s, &p, &merged, line, &again);
	if (r > 0) {
		lease_merge(&merged, &again);
		r = remove_row(s, &p, &again);
	}
	if (r == 0)
		r = line_of(s, merged.line, &line);
	return r < 0 ? r : put_row(s, &p, &merged, line);
}

/* --- asking -------------------------------------------------------------------------------- */

struct question {
	struct addr addr;
	int port;
	struct wall at;
	const struct lease_terms *terms;
	struct lease_answer *answer;
};

/* The start of the next lease from each source, while walking back. */
struct nexts {
	int64_t start[LEASE_SOURCE_COUNT_], next[LEASE_SOURCE_COUNT_];
};

static int64_t next_of(struct nexts *n, const struct lease *l)
{
	if (l->from < n->start[l->source]) {
		n->next[l->source] = n->start[l->source];
		n->start[l->source] = l->from;
	}
	return n->next[l->source];
}

static int64_t later_of(int64_t at, int64_t by)
{
	return at > LEASE_FOREVER - by ? LEASE_FOREVER : at + by;
}

/* Walk back from the instant until nothing older can last as long. */
static int ask_place(struct lease_store *s, const struct place *p, const struct shape *shape,
		     const struct question *q)
{
	own_loan sqlite3_stmt *stmt = s->statement[BACK];
	struct lease l = { .place = { q->addr, shape->bits },
			   .port_low = p->port,
			   .ports = shape->ports };
	struct nexts nexts;
	int r;

	for (int i = 0; i < LEASE_SOURCE_COUNT_; i++)
		nexts.start[i] = nexts.next[i] = LEASE_FOREVER;
	bind_place(stmt, p);
	sqlite3_bind_int64(stmt, 4, later_of(q->at.s, q->terms->skew_s));
	while ((r = step(s, stmt)) > 0) {
		int64_t slack = q->terms->skew_s + q->terms->interim_s;

		if (later_of(sqlite3_column_int64(stmt, 7), slack) < q->at.s)
			return 0;
		r = row_lease(stmt, &l);
		if (r < 0)
			return r;
		l.place.addr = addr_from_bytes(q->addr.family, p->address);
		lease_answer_add(q->answer, &l,
				 lease_judge(&l, next_of(&nexts, &l), q->at, q->terms));
	}
	return r;
}

/* The first block at or above `from` that the question may mean: 1, 0 for none. */
static int next_block(struct lease_store *s, const struct place *p, uint32_t last, uint32_t *ret)
{
	own_loan sqlite3_stmt *stmt = s->statement[NEXT_PORT];

	bind_place(stmt, p);
	sqlite3_bind_int64(stmt, 4, last);
	int r = step(s, stmt);
	if (r > 0)
		*ret = (uint32_t)sqlite3_column_int64(stmt, 0);
	return r;
}

static int ask_shape(struct lease_store *s, const struct shape *shape, const struct question *q)
{
	unsigned host = family_bits(q->addr.family) - shape->bits;
	addr_bits mask = host >= 128 ? 0 : ~(addr_bits)0 << host;
	struct addr first = { q->addr.bits & mask, q->addr.family };
	struct place p = place_of(shape->id, first, 0);
	uint32_t last = q->port < 0 ? LEASE_PORTS_ALL : (uint32_t)q->port;
	int r;

	if (shape->ports == LEASE_PORTS_ALL)
		return ask_place(s, &p, shape, q);
	if (q->port >= 0 && last >= shape->ports)
		p.port = last - shape->ports + 1;
	while ((r = next_block(s, &p, last, &p.port)) > 0) {
		r = ask_place(s, &p, shape, q);
		if (r < 0)
			return r;
		p.port++;
	}
	return r;
}

int lease_store_who(struct lease_store *s, struct addr a, int port, struct wall at,
		    const struct lease_terms *terms, struct lease_answer *ret)
{
	struct question q = { a, port, at, terms, ret };

	ret->verdict = LEASE_NOBODY;
	ret->count = ret->further = 0;
	for (size_t i = 0; i < s->shapes; i++) {
		if (s->shape[i].family != a.family)
			continue;
		int r = ask_shape(s, &s->shape[i], &q);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- forgetting ---------------------------------------------------------------------------- */

int lease_store_count(struct lease_store *s, uint64_t *ret)
{
	int64_t n = 0;
	int r = pragma(s, "SELECT count(*) FROM lease", &n);

	*ret = (uint64_t)n;
	return r;
}

int lease_store_forget(struct lease_store *s, struct wall before, uint64_t *ret_count)
{
	char sql[160];

	/* A session without an end leaves its last trace at `seen`. */
	snprintf(sql, sizeof(sql),
		 "DELETE FROM lease WHERE (ending = %d AND seen < %" PRId64 ") OR until < %" PRId64,
		 LEASE_UNKNOWN, before.s, before.s);
	int r = lease_store_begin(s);
	if (r == 0)
		r = run(s, sql);
	*ret_count = (uint64_t)sqlite3_changes64(s->db);
	if (r == 0)
		r = run(s, "DELETE FROM line WHERE id NOT IN (SELECT line FROM lease)");
	if (r == 0)
		r = lease_store_commit(s);
	if (r < 0) {
		lease_store_rollback(s);
		return r;
	}
	/* VACUUM writes the file anew, and the log must not keep the old pages. */
	r = run(s, "VACUUM");
	return r < 0 ? r : run(s, "PRAGMA wal_checkpoint(TRUNCATE)");
}
