"""Opening a cassette's file, for readers and for the one writer.

Nothing here changes a file that is not a cassette, or is damaged.
"""

from __future__ import annotations

import logging
import shlex
import sqlite3
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from peertape.cassettes import errors, schema
from peertape.cassettes.sqlite.checking import check, demand_key
from peertape.cassettes.sqlite.connecting import driver, note_open, reading_engine, set_pragmas, writing_engine
from peertape.cassettes.sqlite.copies import copied, needs_copy
from peertape.cassettes.sqlite.pages import compact, enlarge_pages
from peertape.cassettes.sqlite.sentences import explained

logger = logging.getLogger(__name__)


def open_reader(path: Path) -> Engine:
    """An engine that can only read. An older version is migrated in a copy; the file itself stays as it is."""
    version = check(path)
    if version < schema.VERSION:
        _tell_older(path, version)
        return copied(path, _migrate)
    if needs_copy(path):
        return copied(path)
    with explained(path):
        engine = reading_engine(path)
        try:
            demand_key(path, engine)
        except BaseException:
            engine.dispose()
            raise
    note_open(path, engine)
    return engine


def open_writer(path: Path) -> Engine:
    """An engine for the one writer; creates the file if there is none, and brings an older one up to date."""
    is_new = _created(path)
    version = 0 if is_new else check(path)
    engine = writing_engine(path)
    note_open(path, engine)
    with explained(path):
        try:
            enlarge_pages(engine)
            set_pragmas(engine, "journal_mode = WAL")
            with engine.connect() as connection:
                if version < schema.VERSION:
                    driver(connection).execute("PRAGMA foreign_keys = OFF")  # tables are replaced
                with connection.begin():
                    if version < schema.VERSION:
                        from peertape.cassettes import migrations  # a cassette of this version needs none

                        new = migrations.migrate(connection, version)
                        connection.exec_driver_sql(f"PRAGMA application_id = {schema.APPLICATION_ID}")
                        connection.exec_driver_sql(f"PRAGMA user_version = {new}")
        except BaseException:
            engine.dispose()
            if is_new:
                remove(path)
            raise
    return engine


def close_writer(engine: Engine) -> None:
    """Folds the write-ahead log into the file, so that one file is left. While somebody reads it, the log stays."""
    try:
        set_pragmas(engine, "wal_checkpoint(TRUNCATE)", "journal_mode = DELETE")
        compact(engine)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL):
            raise
    finally:
        engine.dispose()


def remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _created(path: Path) -> bool:
    """Whether there was no file, and now there is an empty one: of two that make it at once, one does."""
    if path.parent.is_file():
        raise errors.CassetteMissing(f"{path} cannot be made: {path.parent} is a file, not a folder.")
    if not path.parent.exists():
        raise errors.CassetteMissing(f"{path} cannot be made: there is no folder {path.parent}.")
    try:
        with explained(path), path.open("xb"):
            return True
    except errors.CassetteError as error:
        if isinstance(error.__cause__, FileExistsError):
            return False
        raise


@cache
def _tell_older(path: Path, version: int) -> None:
    """Once, however many workers open it."""
    logger.warning(
        "%s has format %d, and is read in a copy, which takes a while with each start; "
        "`peertape cassette redact %s` writes it anew in format %d.",
        *(path, version, shlex.quote(str(path)), schema.VERSION),
    )


def _migrate(path: Path) -> None:
    close_writer(open_writer(path))
