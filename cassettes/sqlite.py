"""Opening the SQLite file under a cassette: checks first, and one clear sentence when something is wrong.

Nothing here changes a file that is not a cassette of this version, or is damaged.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from peertape.cassettes import errors, migrations, schema
from peertape.cassettes.pool import READERS

SQLITE_MAGIC = b"SQLite format 3\x00"
PAGE, SMALL_PAGE = 4096, 1024  # octets: SQLite's default, and that of small files
SMALL_FILE = 1024 * 1024  # up to this size a file that nobody writes has small pages
WASTED = 0.1  # the share of free pages from which on a file is copied without them
COPIED_SOON = 256 * 1024 * 1024  # up to this size
CHECKED_WHOLE = 16 * 1024 * 1024  # up to this size a file is checked page by page when it is opened

# What this process has open, by way of SQLite. To open such a file past SQLite and close it again would release
# SQLite's locks on it (that is how POSIX locks are); then the next program to close it removes its log under our feet.
_open_here: Counter[Path] = Counter()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what SQLite or the system says into an error with a sentence for the user."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        raise sentence_for(path, cause) from error


def sentence_for(path: Path, cause: BaseException) -> errors.CassetteError:
    text = f"{cause} {getattr(cause, 'sqlite_errorname', '')}".lower()
    if "ioerr_write" in text or "ioerr_fsync" in text or "ioerr_truncate" in text:
        return errors.DiskFull(
            f"{path} cannot be written any further: the disk, a quota or a limit to its size is reached."
        )
    if "full" in text or "no space left" in text or "quota" in text or "file too large" in text:
        return errors.DiskFull(f"There is no room left on the disk for {path}.")
    if "readonly" in text or "read-only" in text or "permission" in text:
        return errors.CassetteReadOnly(f"{path} cannot be written: the file or its folder is read-only.")
    if "locked" in text or "busy" in text:
        return errors.CassetteBusy(f"{path} is being recorded into by another process; stop that one or name another.")
    if any(sign in text for sign in ("malformed", "not a database", "corrupt", "no such table", "no such column")):
        return errors.CassetteCorrupted(f"{path} is damaged: {cause}.")
    if "unable to open" in text or "no such file" in text:
        return errors.CassetteMissing(f"{path} cannot be opened: {cause}.")
    return errors.CassetteError(f"{path}: {cause}.")


def open_reader(path: Path) -> Engine:
    """An engine that can only read. An older version is migrated in a copy; the file itself stays as it is."""
    version = check(path)
    if version < schema.VERSION:
        return _copied(path, migrate=True)
    if _needs_copy(path):
        return _copied(path, migrate=False)
    with explained(path):
        engine = _reading_engine(path)
        try:
            _demand_key(path, engine)
        except BaseException:
            engine.dispose()
            raise
    _note_open(path, engine)
    return engine


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


def open_writer(path: Path) -> Engine:
    """An engine for the one writer; creates the file if there is none, and brings an older one up to date."""
    is_new = _created(path)
    version = 0 if is_new else check(path)
    engine = _writing_engine(path)
    _note_open(path, engine)
    with explained(path):
        try:
            if _asked(engine, "page_size") == SMALL_PAGE:
                _enlarge_pages(engine)
            _pragma(engine, "journal_mode = WAL")
            with engine.connect() as connection:
                if version < schema.VERSION:
                    _driver(connection).execute("PRAGMA foreign_keys = OFF")  # tables are replaced
                with connection.begin():
                    if version < schema.VERSION:
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
        _pragma(engine, "wal_checkpoint(TRUNCATE)", "journal_mode = DELETE")
        _tidy(engine)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL):
            raise
    finally:
        engine.dispose()


def _enlarge_pages(engine: Engine) -> None:
    """Films are read faster from large pages. If somebody reads the file just now, they stay."""
    try:
        _rewritten(engine, PAGE)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise


def _tidy(engine: Engine) -> None:
    """Gives back what nothing lies in: of a small file by smaller pages, as it lies in repositories; of a larger one
    what was recorded in vain, unless to copy it would take long.
    """
    size, pages, free = (_asked(engine, name) for name in ("page_size", "page_count", "freelist_count"))
    is_small = size * pages <= SMALL_FILE
    if (is_small and size != SMALL_PAGE) or (free > pages * WASTED and size * pages <= COPIED_SOON):
        _rewritten(engine, SMALL_PAGE if is_small else PAGE)


def _rewritten(engine: Engine, page: int) -> None:
    _pragma(engine, f"page_size = {page}", then="VACUUM")


def _note_open(path: Path, engine: Engine) -> None:
    """Until the engine is disposed of."""
    file = path.resolve()
    _open_here[file] += 1

    @event.listens_for(engine, "engine_disposed", once=True)
    def forget(_engine: Engine) -> None:
        _open_here[file] -= 1


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


def _pragma(engine: Engine, *statements: str, then: str = "") -> None:
    """Outside of any transaction, as these need it."""
    connection = engine.raw_connection()
    try:
        for statement in statements:
            connection.cursor().execute(f"PRAGMA {statement}").fetchall()
        if then:
            connection.cursor().execute(then)
    finally:
        connection.close()


def _asked(engine: Engine, pragma: str) -> int:
    connection = engine.raw_connection()
    try:
        return int(connection.cursor().execute(f"PRAGMA {pragma}").fetchone()[0])
    finally:
        connection.close()


def is_database(path: Path) -> bool:
    """Whether an SQLite database is there, a cassette for one: not to be overwritten by something else."""
    try:
        return path.is_file() and _head(path) == SQLITE_MAGIC
    except OSError:
        return False


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(SQLITE_MAGIC))


def remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def check(path: Path) -> int:
    """The version of the cassette at `path`; raises if it is none, damaged, or too new."""
    if not path.exists():
        raise errors.CassetteMissing(f"There is no cassette {path}; `peertape record --cassette {path}` makes one.")
    if path.is_dir():
        raise errors.NotACassette(f"{path} is a folder, not a cassette.")
    if _open_here[path.resolve()] > 0:
        return schema.VERSION  # it was checked when it was opened
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise errors.CassetteMissing(f"{path} cannot be read: {error.strerror}.") from error
    if len(head) < 100 or not head.startswith(SQLITE_MAGIC):
        hint = " It looks like a recording; bring it in with `peertape cassette import`." if _is_recording(head) else ""
        raise errors.NotACassette(f"{path} is not a cassette.{hint}")
    version, application = struct.unpack(">I", head[60:64])[0], struct.unpack(">I", head[68:72])[0]
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


def _demand_key(path: Path, engine: Engine) -> None:
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
        engine = _copied(path, migrate=False) if _needs_copy(path) else _reading_engine(path)
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


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _needs_copy(path: Path) -> bool:
    """A log can only be read where SQLite can make the index to it: not so in a read-only place without one."""
    index = path.with_name(path.name + "-shm")
    return log_of(path).exists() and not index.exists() and not os.access(path.parent, os.W_OK)


def _reading_engine(path: Path) -> Engine:
    """All its connections are opened now: the file may be another one later, after a `git checkout` for example."""
    folder_is_writable = os.access(path.parent, os.W_OK)
    immutable = "" if folder_is_writable or log_of(path).exists() else "&immutable=1"
    uri = f"file:{quote(str(path.resolve()))}?mode=ro{immutable}"
    pool = {"pool_size": READERS, "max_overflow": 0, "pool_use_lifo": True, "isolation_level": "AUTOCOMMIT"}
    engine = create_engine("sqlite://", creator=partial(_connect, uri), poolclass=QueuePool, **pool)
    with ExitStack() as opened:
        for _ in range(READERS):
            opened.enter_context(engine.connect())
    return engine


def _writing_engine(path: Path) -> Engine:
    uri = f"file:{quote(str(path.resolve()))}?mode=rwc"
    engine = create_engine("sqlite://", creator=partial(_connect, uri), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA busy_timeout = 0")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.exec_driver_sql("PRAGMA busy_timeout = 5000")  # once it is the writer, it waits for who looks at it

    return engine


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, check_same_thread=False, cached_statements=256)


def _copied(path: Path, *, migrate: bool) -> Engine:
    """Reads a copy, up to date if `migrate`, that vanishes with the engine."""
    folder = Path(tempfile.mkdtemp(prefix="peertape-"))
    try:
        copy = folder / path.name
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            if source.exists():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        if migrate:
            close_writer(open_writer(copy))
        engine = _reading_engine(copy)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise

    @event.listens_for(engine, "engine_disposed")
    def clean(_engine: Engine) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    return engine
