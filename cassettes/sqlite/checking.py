"""Whether a file is a cassette of a version that we know, and sound. Changes nothing."""

from __future__ import annotations

import struct
from pathlib import Path

from sqlalchemy import Engine

from peertape.cassettes import errors, schema
from peertape.cassettes.sqlite.connecting import is_open_here, log_of, reading_engine
from peertape.cassettes.sqlite.copies import copied, needs_copy
from peertape.cassettes.sqlite.sentences import explained

SQLITE_MAGIC = b"SQLite format 3\x00"
CHECKED_WHOLE = 16 * 1024 * 1024  # up to this size a file is checked page by page when it is opened


def check(path: Path) -> int:
    """The version of the cassette at `path`; raises if it is none, damaged, or too new."""
    if not path.exists():
        raise errors.CassetteMissing(f"There is no cassette {path}; `peertape record --cassette {path}` makes one.")
    if path.is_dir():
        raise errors.NotACassette(f"{path} is a folder, not a cassette.")
    if is_open_here(path):
        return schema.VERSION  # it was checked when it was opened
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise errors.CassetteMissing(f"{path} cannot be read: {error.strerror}.") from error
    if len(head) < 100 or not head.startswith(SQLITE_MAGIC):
        hint = " It looks like a recording; bring it in with `peertape cassette import`." if _is_recording(head) else ""
        raise errors.NotACassette(f"{path} is not a cassette.{hint}")
    application = struct.unpack(">I", head[68:72])[0]
    if not (log_of(path).exists() and log_of(path).stat().st_size):
        if application != schema.APPLICATION_ID:
            raise errors.NotACassette(f"{path} is a SQLite database, but not a cassette.")
        _check_length(path, head)
    version, application = _ask(path)
    if application != schema.APPLICATION_ID:
        raise errors.NotACassette(f"{path} is a SQLite database, but not a cassette.")
    if version > schema.VERSION:
        raise errors.CassetteTooNew(
            f"{path} has format {version}, this peertape knows {schema.VERSION} at most; update peertape to open it."
        )
    return version


def is_database(path: Path) -> bool:
    """Whether an SQLite database is there, a cassette for one: not to be overwritten by something else."""
    try:
        return path.is_file() and _head(path) == SQLITE_MAGIC
    except OSError:
        return False


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(SQLITE_MAGIC))


def demand_key(path: Path, engine: Engine) -> None:
    """Without its key and salt a cassette cannot tell one secret from another."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM meta WHERE name IN ('key', 'salt')").scalar_one()
    if found != 2:
        raise errors.CassetteCorrupted(f"{path} is damaged: its key is missing.")


def _is_recording(head: bytes) -> bool:
    return head[:1].isdigit() or head.lstrip()[:1] == b"{"


def _check_length(path: Path, head: bytes) -> None:
    """Offsets of the database header: SQLite's file format, section 1.3."""
    page_size, pages = struct.unpack(">H", head[16:18])[0], struct.unpack(">I", head[28:32])[0]
    page_size = 65536 if page_size == 1 else page_size
    counter, valid_for = head[24:28], head[92:96]
    if counter == valid_for and path.stat().st_size < page_size * pages:
        raise errors.CassetteCorrupted(
            f"{path} is cut short: {path.stat().st_size} of {page_size * pages} octets are there."
        )


def _ask(path: Path) -> tuple[int, int]:
    """user_version and application_id as SQLite sees them, its log included; and whether the pages are sound."""
    with explained(path):
        engine = copied(path) if needs_copy(path) else reading_engine(path)
        try:
            with engine.connect() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
                application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
                if path.stat().st_size <= CHECKED_WHOLE:
                    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
                    if found != "ok":
                        raise errors.CassetteCorrupted(f"{path} is damaged: {' '.join(str(found).split())}.")
        finally:
            engine.dispose()
    return int(version), int(application)
