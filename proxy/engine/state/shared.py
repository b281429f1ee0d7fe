"""A session that several workers have together: each has a copy of what is remembered, renewed when it is stale."""

from __future__ import annotations

import pickle
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import cast

from peertape.proxy.engine.journal import Entry, Messages
from peertape.proxy.engine.limits.counters import Charge, Key, Window, milliseconds
from peertape.proxy.engine.notifier import Notifier
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.state.copies import Copy
from peertape.proxy.engine.state.interface import Prepared, Progress, StateLostError
from peertape.proxy.engine.state.snapshots import Snapshots
from peertape.proxy.engine.state.store import Gift, Known, Line, Step, Store

UNKNOWN = -1  # a revision that there never is
LOOKS = 0.25  # seconds between two looks at what others have done, where no request asks


@dataclass(frozen=True, slots=True)
class SharedState:
    """`store` keeps the sessions; `snapshots` writes what they remember."""

    store: Store
    snapshots: Snapshots

    def session(self, name: str) -> Session:
        return SharedSession(name, self.store, self.snapshots)

    def names(self) -> Sequence[str]:
        return [name.decode("utf-8", "surrogatepass") for name in self.store.sessions()]


class SharedSession(Session):
    """Requests that may change something are alone; so is, from then on, one that does although it may not."""

    def __init__(self, name: str, store: Store, snapshots: Snapshots) -> None:
        self.key = name.encode("utf-8", "surrogatepass")
        self._store = store
        self._snapshots = snapshots
        self._depth = 0  # of turns within turns
        self._ticket: str | None = None
        self._looked = -inf  # when the copy was renewed, or found to be new
        self._changed: set[type] = set()
        journal = SharedJournal(self, store, snapshots)
        counters = SharedCounters(self, store)
        super().__init__(name, journal=journal, counters=counters, notifier=Notifier(every=LOOKS), revision=UNKNOWN)
        self._journal = journal
        self._copy = Copy(self.clock, self.memory, snapshots)
        self._played: list[tuple[str, bytes, int]] = []

    def in_cassette(self, name: str) -> Progress:
        if name not in self.progress:
            self.progress[name] = SharedProgress(self, self._store, name, self._played)
        return self.progress[name]

    @contextmanager
    def changing[T](self, kind: type[T]) -> Iterator[T]:
        with self.turn(alone=True):
            try:
                yield self.recall(kind)
            finally:
                self._changed.add(kind)

    @contextmanager
    def turn(self, *, alone: bool = False) -> Iterator[None]:
        if self._depth == 0 or (alone and self._ticket is None):
            self._begin(alone=alone)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._end()

    def give(self, prepared: Prepared, entry: Entry, at: float) -> Sequence[Window] | None:
        if prepared.revision != self.revision:
            return None
        gift = prepared.gift
        if gift is None:
            gift = prepared.gift = Gift(prepared, _line(entry))
        try:
            return self._store.give(self.key, gift, at, milliseconds(at))
        except StateLostError:  # the engine has an answer to that
            return None

    def reset(self) -> None:
        with self.turn(alone=True):
            self._played.clear()
            self._journal.forget()
            self._changed.clear()
            self._renew(self._store.reset(self.key))

    def look(self) -> None:
        if self._depth == 0 and monotonic() - self._looked >= LOOKS:
            with self.turn():
                pass

    def changed_elsewhere(self) -> None:
        self._looked = -inf
        self.notifier.notify()

    def flush(self) -> None:
        if self._played or self._journal.has_news:
            self._write(Step(self.revision))

    def _begin(self, *, alone: bool) -> None:
        ticket = secrets.token_hex(8) if alone else None
        self._looked = monotonic()
        known = self._store.known(self.key, self.revision, ticket)
        try:
            self._renew(known)
        except BaseException:
            if ticket is not None:
                self._store.step(self.key, Step(known.revision, leave=ticket))
            raise
        self._ticket = ticket

    def _end(self) -> None:
        step = Step(self.revision, leave=self._ticket)
        try:
            step.parts = self._copy.news(self._changed)
            if step.parts or step.leave or self._played or self._journal.has_news:
                self._write(step)
        except BaseException:
            self._mistrust()
            raise
        finally:
            self._ticket = None
            self._changed.clear()

    def _write(self, step: Step) -> None:
        step.played = list(self._played)
        self._journal.write_into(step)
        self._played.clear()
        try:
            done = self._store.step(self.key, step)
        except BaseException:
            self._journal.forget_news()  # whoever asked is told that it was lost
            raise
        self._journal.written(step, done.number)
        if step.parts:  # else somebody may have moved it meanwhile, by what is not known here yet
            self.revision = done.revision
            self._copy.told(step.parts, self._changed)

    def _renew(self, known: Known) -> None:
        if known.revision == self.revision and not known.is_whole:
            return
        try:
            self._copy.renew(known)
        except BaseException:
            self._mistrust()
            raise
        self.revision = known.revision
        self.notifier.notify()

    def _mistrust(self) -> None:
        """What is known here may not be what others know: next time all is taken from the store."""
        self._copy.mistrust(self._changed)
        self.revision = UNKNOWN

    def _moved(self) -> None:
        """The clock was changed here; the others know it at the end of the turn, which gives the revision."""
        self.notifier.notify()


class SharedCounters:
    def __init__(self, session: SharedSession, store: Store) -> None:
        self._session = session
        self._store = store

    def charge(self, charges: Sequence[Charge], now: int) -> list[Window]:
        return self._store.charge(self._session.key, charges, now)

    def give_back(self, keys: Iterable[Key]) -> None:
        self._store.give_back(self._session.key, keys)

    def open(self, now: int) -> Iterable[tuple[Key, Window]]:
        return ((key, window) for key, window in self._store.windows(self._session.key) if window.holds(now))

    def clear(self) -> None:
        self._store.close_windows(self._session.key)


class SharedProgress:
    """`played` is what the session writes at the end of its turn."""

    def __init__(
        self, session: SharedSession, store: Store, cassette: str, played: list[tuple[str, bytes, int]]
    ) -> None:
        self._session = session
        self._store = store
        self._cassette = cassette
        self._played = played

    def reached(self, key: bytes | None) -> int:
        self._session.flush()
        return self._store.reached(self._session.key, self._cassette, key)

    def take(self, pool: Sequence[int], key: bytes, *, in_all: bool) -> int:
        self._session.flush()
        return self._store.take(self._session.key, self._cassette, pool, key, in_all=in_all)

    def note(self, key: bytes, exchange: int) -> None:
        self._played.append((self._cassette, key, exchange))


class SharedJournal:
    """What is added is written at the end of the turn; what is told of open sockets, with every turn that they have."""

    def __init__(self, session: SharedSession, store: Store, snapshots: Snapshots) -> None:
        self._session = session
        self._store = store
        self._snapshots = snapshots
        self._added: list[Entry] = []
        self._open: dict[int, tuple[Entry, Messages]] = {}  # by number: sockets, and what was told of each

    def add(self, entry: Entry) -> None:
        self._added.append(entry)

    @property
    def entries(self) -> Sequence[Entry]:
        self._session.flush()
        lines = self._store.lines(self._session.key)
        return [cast(Entry, self._snapshots.read(data)).at_moment(at) for data, at in lines]

    @property
    def sources(self) -> Mapping[str, int]:
        self._session.flush()
        return Counter(self._store.sources(self._session.key))

    @property
    def used(self) -> int:
        self._session.flush()
        return self._store.used(self._session.key)

    def answered_at(self, cassette: str, exchange: int) -> float | None:
        self._session.flush()
        return self._store.answered_at(self._session.key, cassette, exchange)

    def unmatched(self) -> Sequence[Entry]:
        return [entry for entry in self.entries if entry.source == "miss"]

    @property
    def has_news(self) -> bool:
        return bool(self._added) or any(entry.messages != told for entry, told in self._open.values())

    def write_into(self, step: Step) -> None:
        step.lines = [_line(entry) for entry in self._added]
        step.rewritten = {
            number: _line(entry) for number, (entry, told) in self._open.items() if entry.messages != told
        }

    def written(self, step: Step, number: int) -> None:
        rewritten = [(known, self._open.pop(known)[0]) for known in step.rewritten]
        for known, entry in (*rewritten, *enumerate(self._added, number)):
            if entry.messages is not None and not entry.messages.ended:
                self._open[known] = (entry, copy(entry.messages))
        self._added.clear()

    def forget_news(self) -> None:
        self._added.clear()

    def forget(self) -> None:
        self._added.clear()
        self._open.clear()


def _line(entry: Entry) -> Line:
    return Line(pickle.dumps(entry), entry.source, entry.used, entry.at)
