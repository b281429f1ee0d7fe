"""Connections to a cassette's file."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

from peertape.cassettes.pool import READERS
from peertape.cassettes.sqlite.sentences import sentence_for

LOG_PAGES = 4096  # at which the log is folded into the file: each time, what will change again soon is written twice
# For the pages of a reader: those of a million exchanges, but for the leaves of the trees, are as many. In the 2 MB
# that are usual they displace each other, which makes an answer a quarter slower.
CACHED = 8_000_000  # octets

# What this process has open, by way of SQLite. To open such a file past SQLite and close it again would release
# SQLite's locks on it (that is how POSIX locks are); then the next program to close it removes its log under our feet.
_open_here: Counter[Path] = Counter()


def reading_engine(path: Path) -> Engine:
    """All its connections are opened now: the file may be another one later, after a `git checkout` for example."""
    folder_is_writable = os.access(path.parent, os.W_OK)
    immutable = "" if folder_is_writable or log_of(path).exists() else "&immutable=1"
    uri = f"file:{quote(str(path.resolve()))}?mode=ro{immutable}"
    pool = {"pool_size": READERS, "max_overflow": 0, "pool_use_lifo": True, "isolation_level": "AUTOCOMMIT"}
    engine = create_engine("sqlite://", creator=partial(_connect_reading, uri), poolclass=QueuePool, **pool)
    with ExitStack() as opened:
        for _ in range(READERS):
            opened.enter_context(engine.connect())
    return engine


def writing_engine(path: Path) -> Engine:
    """Its transactions lock the file for the one writer."""
    uri = f"file:{quote(str(path.resolve()))}?mode=rwc"
    engine = create_engine("sqlite://", creator=partial(_connect, uri), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.exec_driver_sql("PRAGMA busy_timeout = 5000")  # once it is the writer, it waits for who looks at it

    return engine


def note_open(path: Path, engine: Engine) -> None:
    """Until the engine is disposed of."""
    file = path.resolve()
    _open_here[file] += 1

    @event.listens_for(engine, "engine_disposed", once=True)
    def forget(_engine: Engine) -> None:
        _open_here[file] -= 1


def is_open_here(path: Path) -> bool:
    return _open_here[path.resolve()] > 0


def changes(path: Path, engine: Engine) -> Callable[[], int]:
    """Tells a number that differs whenever anybody else has written to the file.

    It is asked before most lookups, and so goes past SQLAlchemy, which would take six times as long.
    """
    held = engine.raw_connection()
    connection = held.driver_connection
    assert isinstance(connection, sqlite3.Connection)

    @event.listens_for(engine, "engine_disposed")
    def give_back(_engine: Engine) -> None:
        if held.is_valid:
            held.invalidate()  # one that is out is not closed with the others

    def ask() -> int:
        try:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise sentence_for(path, error) from error

    return ask


def set_pragmas(engine: Engine, *settings: str, then: str = "") -> None:
    """On one connection and outside of any transaction, as some need it; `then` is a statement behind them."""
    connection = engine.raw_connection()
    try:
        for setting in settings:
            connection.cursor().execute(f"PRAGMA {setting}").fetchall()
        if then:
            connection.cursor().execute(then)
    finally:
        connection.close()


def pragma(engine: Engine, name: str) -> int:
    connection = engine.raw_connection()
    try:
        return int(connection.cursor().execute(f"PRAGMA {name}").fetchone()[0])
    finally:
        connection.close()


def driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def log_of(path: Path) -> Path:
    """The write-ahead log: SQLite names it so."""
    return path.with_name(path.name + "-wal")


def _connect_reading(uri: str) -> sqlite3.Connection:
    connection = _connect(uri)
    try:
        connection.execute(f"PRAGMA cache_size = -{CACHED // 1000}")
    except sqlite3.Error:  # what is there is no database, or a damaged one
        connection.close()
        raise
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, check_same_thread=False, cached_statements=256)
