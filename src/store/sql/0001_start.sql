-- The first schema. Times are seconds since 1970 UTC; hashes are BLAKE2b-256.

PRAGMA application_id = 1349481076; -- "Port"

-- Append-only and hash-chained: see model/journal.h. Everything else names the entry that caused it.
CREATE TABLE journal (
	id INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	kind TEXT NOT NULL,
	by TEXT NOT NULL,
	cause INTEGER REFERENCES journal (id),
	body TEXT NOT NULL,
	previous BLOB NOT NULL CHECK (length(previous) = 32),
	hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER journal_is_append_only_update BEFORE UPDATE ON journal
BEGIN
	SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TRIGGER journal_is_append_only_delete BEFORE DELETE ON journal
BEGIN
	SELECT RAISE(ABORT, 'the journal is append-only');
END;

-- The number of a plan, an exception or a restriction is that of the journal entry that brought it.
CREATE TABLE plan (
	id INTEGER PRIMARY KEY REFERENCES journal (id),
	at INTEGER NOT NULL,
	by TEXT NOT NULL,
	hash BLOB NOT NULL CHECK (length(hash) = 32), -- of text
	text TEXT NOT NULL,                           -- as the operator wrote it
	pack BLOB NOT NULL                            -- as the parser read it: see model/plan_pack.h
) STRICT;

CREATE TABLE exception (
	id INTEGER PRIMARY KEY REFERENCES journal (id),
	prefix TEXT NOT NULL,
	until INTEGER NOT NULL CHECK (until > 0),
	reason TEXT NOT NULL CHECK (length(reason) > 0),
	by TEXT NOT NULL,
	at INTEGER NOT NULL,
	ended INTEGER,
	ended_by INTEGER REFERENCES journal (id),
	CHECK ((ended IS NULL) = (ended_by IS NULL))
) STRICT;
CREATE INDEX exception_active ON exception (id) WHERE ended IS NULL;

CREATE TABLE restriction (
	id INTEGER PRIMARY KEY REFERENCES journal (id),
	prefix TEXT NOT NULL,
	until INTEGER NOT NULL CHECK (until > 0),
	mode TEXT NOT NULL CHECK (mode IN ('reject', 'drop')),
	reason TEXT NOT NULL,
	at INTEGER NOT NULL,
	ended INTEGER,
	ended_by INTEGER REFERENCES journal (id),
	CHECK ((ended IS NULL) = (ended_by IS NULL))
) STRICT;
CREATE INDEX restriction_active ON restriction (id) WHERE ended IS NULL;

CREATE TABLE ruleset (
	id INTEGER PRIMARY KEY REFERENCES journal (id),
	hash BLOB NOT NULL CHECK (length(hash) = 32),
	at INTEGER NOT NULL, -- the `now` it was compiled with
	plan INTEGER NOT NULL REFERENCES plan (id)
) STRICT;

-- One row: whether everything was opened, and by which entry.
CREATE TABLE opening (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
	cause INTEGER REFERENCES journal (id)
) STRICT;
INSERT INTO opening (id, is_open, cause) VALUES (1, 0, NULL);
