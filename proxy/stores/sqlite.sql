-- The sessions of workers on one machine. Names of sessions and addresses are octets: clients give them.
CREATE TABLE IF NOT EXISTS sessions (
    name BLOB PRIMARY KEY,
    revision INTEGER NOT NULL,  -- as large as the microseconds that passed when it moved: it never comes again
    epoch INTEGER NOT NULL DEFAULT 0,
    lines INTEGER NOT NULL DEFAULT 0,  -- that were written in all
    seen REAL NOT NULL  -- epoch seconds
);
CREATE TABLE IF NOT EXISTS alone (session BLOB PRIMARY KEY, ticket TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
    session BLOB NOT NULL, name TEXT NOT NULL,
    data BLOB,  -- NULL: it is no more
    moved INTEGER NOT NULL,  -- the revision that it came with
    PRIMARY KEY (session, name)
);
CREATE INDEX IF NOT EXISTS parts_moved ON parts (session, moved);
CREATE TABLE IF NOT EXISTS windows (
    session BLOB NOT NULL, bucket TEXT NOT NULL, address BLOB NOT NULL,
    opened INTEGER NOT NULL, ends INTEGER NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (session, bucket, address)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS played (  -- with an empty key: the last one under any
    session BLOB NOT NULL, cassette TEXT NOT NULL, key BLOB NOT NULL, exchange INTEGER NOT NULL,
    PRIMARY KEY (session, cassette, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lines (
    session BLOB NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (session, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sources (
    session BLOB NOT NULL, source TEXT NOT NULL, answers INTEGER NOT NULL, PRIMARY KEY (session, source)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used (
    session BLOB NOT NULL, cassette TEXT NOT NULL, exchange INTEGER NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (session, cassette, exchange)
) WITHOUT ROWID;
