"""Sessions in an SQLite file, for workers on one machine. It need not outlive the machine: nothing waits for the disk.

Not through SQLAlchemy, whose layers cost several times what these statements do; they run with every request.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from peertape.proxy.engine import session as sessions
from peertape.proxy.engine.journal import KEPT
from peertape.proxy.engine.limits.counters import MOST, Charge, Key, Window
from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.engine.state.store import Done, Gift, Known, Step
from peertape.proxy.stores.spelling import octets, text
from peertape.proxy.stores.tickets import LONGEST, waited
from peertape.proxy.stores.turnstile import Turnstile

BUSY = 5.0  # seconds to wait for another worker, where the turnstile does not
SWEPT = 256  # lines of a journal after which those are taken away that are too old
TABLES = frozenset(("sessions", "alone", "parts", "windows", "played", "lines", "sources", "used"))
LAST = b""  # stands for all keys: the exchange that was played last


class SqliteStore:
    """Made if it is not there. One worker writes at a time, behind a turnstile: SQLite alone would have them poll."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.parent.is_dir():
            raise StateLostError(f"The shared state in {path} cannot be used: there is no folder {path.parent}.")
        try:
            # The threads of a worker use it in turns: see `EventLoop`.
            self._database = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
            self._demand_ours()
            self._turnstile = Turnstile(path.with_name(f"{path.name}.lock"))
            self._database.execute("PRAGMA page_size = 1024")  # every change writes whole pages
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = OFF")
            with self._turnstile:
                self._database.executescript((files("peertape.proxy.stores") / "sqlite.sql").read_text("utf-8"))
        except (sqlite3.Error, OSError) as error:
            raise self._lost(error) from error

    def known(self, session: bytes, revision: int, ticket: str | None = None) -> Known:
        if ticket is None:
            with self._reading() as database:
                return _known(database, session, revision)

        def ask() -> Known | None:
            with self._writing() as database:
                now = time.time()
                taken = database.execute(
                    "INSERT INTO alone VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
                    "SET ticket = excluded.ticket, until = excluded.until WHERE until < ?",
                    (session, ticket, now + LONGEST, now),
                ).rowcount
                return _known(database, session, revision) if taken else None

        return waited(ask)

    def step(self, session: bytes, step: Step) -> Done:
        with self._writing() as database:
            held = database.execute("SELECT ticket FROM alone WHERE session = ?", (session,)).fetchone()
            is_alone = held is not None and held[0] == step.leave
            revision = _head(database, session)[0]
            if step.parts:
                if not is_alone and revision != step.revision:
                    raise StateLostError("The shared state was changed by others while a request took too long.")
                revision = _move(database, session, revision)
                parts = [(session, name, data, revision) for name, data in step.parts.items()]
                database.executemany("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)", parts)
            number = _write(database, session, step)
            if is_alone:
                database.execute("DELETE FROM alone WHERE session = ?", (session,))
            return Done(revision, number)

    def give(self, session: bytes, gift: Gift, at: float, now: int) -> list[Window] | None:
        charges = gift.prepared.charges
        with self._writing() as database:
            if _head(database, session)[0] != gift.prepared.revision:
                return None
            for turn in gift.prepared.turns:
                reached = _reached(database, session, turn.cassette, LAST if turn.key is None else turn.key)
                if not turn.since <= reached < turn.until:
                    return None
            windows = [_window(database, session, charge, now) for charge in charges]
            if any(window.used >= charge.most for window, charge in zip(windows, charges, strict=True)):
                return None
            for window, charge in zip(windows, charges, strict=True):
                _count(database, session, charge, window)
            _write(database, session, gift.step(at))
            return windows

    def charge(self, session: bytes, charges: Sequence[Charge], now: int) -> list[Window]:
        with self._writing() as database:
            return _charge(database, session, charges, now)

    def give_back(self, session: bytes, keys: Iterable[Key]) -> None:
        with self._writing() as database:
            database.executemany(
                "UPDATE windows SET used = max(0, used - 1) WHERE session = ? AND bucket = ? AND address = ?",
                [(session, bucket, octets(address)) for bucket, address in keys],
            )

    def windows(self, session: bytes) -> list[tuple[Key, Window]]:
        with self._reading() as database:
            found = database.execute(
                "SELECT bucket, address, opened, ends, used FROM windows WHERE session = ?", (session,)
            )
            return [((bucket, text(address)), Window(*window)) for bucket, address, *window in found]

    def close_windows(self, session: bytes) -> None:
        with self._writing() as database:
            database.execute("DELETE FROM windows WHERE session = ?", (session,))

    def reached(self, session: bytes, cassette: str, key: bytes | None) -> int:
        with self._reading() as database:
            return _reached(database, session, cassette, LAST if key is None else key)

    def take(self, session: bytes, cassette: str, pool: Sequence[int], key: bytes, *, in_all: bool) -> int:
        with self._writing() as database:
            reached = _reached(database, session, cassette, LAST if in_all else key)
            taken = next((exchange for exchange in pool if exchange > reached), pool[-1])
            _play(database, session, [(cassette, key, taken)])
            return taken

    def lines(self, session: bytes) -> list[tuple[bytes, float]]:
        with self._reading() as database:
            found = database.execute(
                "SELECT data, at FROM lines WHERE session = ? ORDER BY number DESC LIMIT ?", (session, KEPT)
            ).fetchall()
            return [(data, at) for data, at in reversed(found)]

    def sources(self, session: bytes) -> dict[str, int]:
        with self._reading() as database:
            return dict(database.execute("SELECT source, answers FROM sources WHERE session = ?", (session,)))

    def used(self, session: bytes) -> int:
        with self._reading() as database:
            return int(database.execute("SELECT count(*) FROM used WHERE session = ?", (session,)).fetchone()[0])

    def answered_at(self, session: bytes, cassette: str, exchange: int) -> float | None:
        with self._reading() as database:
            found = database.execute(
                "SELECT at FROM used WHERE session = ? AND cassette = ? AND exchange = ?", (session, cassette, exchange)
            ).fetchone()
            return None if found is None else float(found[0])

    def reset(self, session: bytes) -> Known:
        with self._writing() as database:
            revision = _move(database, session, _head(database, session)[0])
            _forget(database, session)
            database.execute("UPDATE sessions SET epoch = revision WHERE name = ?", (session,))
            return Known(revision, revision, {}, is_whole=True)

    def sessions(self) -> list[bytes]:
        with self._reading() as database:
            return [name for (name,) in database.execute("SELECT name FROM sessions ORDER BY rowid")]

    def close(self) -> None:
        self._database.close()
        self._turnstile.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the file, whatever the others write meanwhile."""
        with self._transaction("BEGIN") as database:
            yield database

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._turnstile, self._transaction("BEGIN IMMEDIATE") as database:
            yield database

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            self._database.execute(begin)
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._lost(error) from error

    def _demand_ours(self) -> None:
        """What holds something else, a cassette for one, is not written to."""
        tables = self._database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if not TABLES.issuperset(name for (name,) in tables):
            self._database.close()
            raise StateLostError(
                f"{self._path} is a cassette or another database; name another file for the sessions, which is made."
            )

    def _lost(self, error: Exception) -> StateLostError:
        return StateLostError(f"The shared state in {self._path} cannot be used: {error}.")


def _head(database: sqlite3.Connection, session: bytes) -> tuple[int, int, int]:
    """Revision, epoch, and the number of lines."""
    found = database.execute("SELECT revision, epoch, lines FROM sessions WHERE name = ?", (session,)).fetchone()
    return (0, 0, 0) if found is None else found


def _known(database: sqlite3.Connection, session: bytes, revision: int) -> Known:
    now, epoch, _ = _head(database, session)
    if now == revision:
        return Known(now, epoch, {}, is_whole=False)
    is_whole = not epoch <= revision <= now
    since = -1 if is_whole else revision
    parts = dict(database.execute("SELECT name, data FROM parts WHERE session = ? AND moved > ?", (session, since)))
    return Known(now, epoch, parts, is_whole)


def _move(database: sqlite3.Connection, session: bytes, revision: int) -> int:
    now = time.time()
    moved = max(revision + 1, int(now * 1_000_000))
    database.execute(
        "INSERT INTO sessions (name, revision, seen) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET revision = excluded.revision",
        (session, moved, now),
    )
    return moved


def _write(database: sqlite3.Connection, session: bytes, step: Step) -> int:
    """All of a step but its parts: the number of the first line."""
    first = _seen(database, session, len(step.lines))
    _play(database, session, step.played)
    for number, line in enumerate(step.lines, first):
        database.execute("INSERT INTO lines VALUES (?, ?, ?, ?)", (session, number, line.data, line.at))
        database.execute(
            "INSERT INTO sources VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET answers = answers + 1",
            (session, line.source),
        )
        for cassette, exchange in line.used:
            database.execute("INSERT OR REPLACE INTO used VALUES (?, ?, ?, ?)", (session, cassette, exchange, line.at))
    after = first + len(step.lines)
    if first // SWEPT != after // SWEPT:
        database.execute("DELETE FROM lines WHERE session = ? AND number < ?", (session, after - KEPT))
    for number, line in step.rewritten.items():
        database.execute("UPDATE lines SET data = ? WHERE session = ? AND number = ?", (line.data, session, number))
    return first


def _seen(database: sqlite3.Connection, session: bytes, lines: int) -> int:
    """Notes that the session is used, and makes it if need be; how many lines it had before."""
    now = time.time()
    found = database.execute(
        "UPDATE sessions SET seen = ?, lines = lines + ? WHERE name = ? RETURNING lines", (now, lines, session)
    ).fetchone()
    if found is not None:
        return int(found[0]) - lines
    database.execute("INSERT INTO sessions (name, revision, lines, seen) VALUES (?, 0, ?, ?)", (session, lines, now))
    for (oldest,) in database.execute(
        "SELECT name FROM sessions ORDER BY seen DESC LIMIT -1 OFFSET ?", (sessions.MOST,)
    ).fetchall():
        _forget(database, oldest)
        database.execute("DELETE FROM sessions WHERE name = ?", (oldest,))
    return 0


def _forget(database: sqlite3.Connection, session: bytes) -> None:
    for table in ("parts", "windows", "played", "lines", "sources", "used"):
        database.execute(f"DELETE FROM {table} WHERE session = ?", (session,))


def _play(database: sqlite3.Connection, session: bytes, played: Sequence[tuple[str, bytes, int]]) -> None:
    database.executemany(
        "INSERT OR REPLACE INTO played VALUES (?, ?, ?, ?)",
        [(session, cassette, place, exchange) for cassette, key, exchange in played for place in (key, LAST)],
    )


def _reached(database: sqlite3.Connection, session: bytes, cassette: str, key: bytes) -> int:
    found = database.execute(
        "SELECT exchange FROM played WHERE session = ? AND cassette = ? AND key = ?", (session, cassette, key)
    ).fetchone()
    return 0 if found is None else int(found[0])


def _window(database: sqlite3.Connection, session: bytes, charge: Charge, now: int) -> Window:
    """The open one, or a new one, with what it has counted by now."""
    bucket, address = charge.key
    found = database.execute(
        "SELECT opened, ends, used FROM windows WHERE session = ? AND bucket = ? AND address = ?",
        (session, bucket, octets(address)),
    ).fetchone()
    if found is not None and (window := Window(*found)).holds(now):
        return window
    return Window(now, now + charge.length)


def _charge(database: sqlite3.Connection, session: bytes, charges: Sequence[Charge], now: int) -> list[Window]:
    counted: list[Window] = []
    for charge in charges:
        window = _window(database, session, charge, now)
        _count(database, session, charge, window)
        counted.append(window)
        if window.used > charge.most:
            break
    return counted


def _count(database: sqlite3.Connection, session: bytes, charge: Charge, window: Window) -> None:
    if window.used == 0:
        _make_room(database, session, window.opened)
    window.used += 1
    bucket, address = charge.key
    database.execute(
        "INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, ?, ?)",
        (session, bucket, octets(address), window.opened, window.ends, window.used),
    )


def _make_room(database: sqlite3.Connection, session: bytes, now: int) -> None:
    """Those that ended go; and if that is none, the one that was opened first."""
    counting = "SELECT count(*) FROM windows WHERE session = ?"
    if database.execute(counting, (session,)).fetchone()[0] < MOST:
        return
    database.execute("DELETE FROM windows WHERE session = ? AND NOT (opened <= ? AND ? < ends)", (session, now, now))
    if database.execute(counting, (session,)).fetchone()[0] >= MOST:
        database.execute(
            "DELETE FROM windows WHERE (session, bucket, address) = "
            "(SELECT session, bucket, address FROM windows WHERE session = ? ORDER BY opened LIMIT 1)",
            (session,),
        )
