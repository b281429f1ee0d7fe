"""Sessions in memory that the workers of a run share, who are forked from one process: as quick as in one of them.

Giving a prepared answer again is some twenty numbers that are read or written in their places, which each worker
remembers with the answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import cast

from peertape.proxy.engine import session as sessions
from peertape.proxy.engine.limits.counters import Charge, Key, Window
from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.engine.state.store import Done, Gift, Known, Line, Step
from peertape.proxy.stores.gate import Gate
from peertape.proxy.stores.heap import Heap
from peertape.proxy.stores.journals import Journals
from peertape.proxy.stores.layout import (
    ANSWERS,
    CHANGED,
    COUNT,
    COUNTED,
    DATA,
    ENDS,
    ENTRY,
    EPOCH,
    IS_USED,
    LAST_PLAYED,
    LINES,
    MOVED,
    OPENED,
    OWN,
    PARTS,
    PLACE,
    PLAYED,
    REVISION,
    SEEN,
    SESSION,
    SESSIONS,
    SOURCES,
    STAMP,
    TICKET,
    UNTIL,
    USED,
    USED_AT,
    USES,
)
from peertape.proxy.stores.records import BUCKETS, SIZE, TEXT, Records
from peertape.proxy.stores.spelling import octets, text
from peertape.proxy.stores.tickets import LONGEST, waited
from peertape.proxy.stores.windows import Windows

LAST = b""  # stands for all keys: the exchange that was played last


class Memory:
    """Made before the workers are forked. What it knows of a session begins at a place that is called its ledger.

    StateLostError if there is none.
    """

    def __init__(self) -> None:
        self.gate = Gate()
        self.heap = Heap((SIZE, ENTRY, SESSION), OWN + BUCKETS)
        self.own = self.heap.first
        self.records = Records(self.heap, self.own + OWN, self.own + MOVED)
        self.nobody = self.heap.take(SESSION)  # is what a session is that there is not: all 0


@dataclass(slots=True)
class _Places:
    """Of what a prepared answer changes, while no record has moved: `windows` in the order of its charges, 0 where one
    was not opened yet; `entry` is its own as long as it has that stamp.
    """

    moved: int
    ledger: int
    turns: list[tuple[int, int, int]]  # place, since, until
    windows: list[tuple[int, int]]  # place, most
    played: list[tuple[int, int]]  # place, exchange
    source: int
    used: list[int]
    entry: int = 0
    stamp: int = -1


class MemoryStore:
    def __init__(self, memory: Memory) -> None:
        self._gate = memory.gate
        self._heap = memory.heap
        self._records = memory.records
        self._journals = Journals(memory.heap)
        self._windows = Windows(memory.heap, memory.records)
        self._nobody = memory.nobody
        self._own = memory.own

    def known(self, session: bytes, revision: int, ticket: str | None = None) -> Known:
        words, floats = self._heap.words, self._heap.floats
        if ticket is None:
            with self._gate:
                return self._known(self._ledger(session), revision)

        def ask() -> Known | None:
            with self._gate:
                ledger, now = self._made(session), time.time()
                if words[ledger + TICKET] and floats[ledger + UNTIL] >= now:
                    return None
                words[ledger + TICKET], floats[ledger + UNTIL] = _number(ticket), now + LONGEST
                return self._known(ledger, revision)

        return waited(ask)

    def step(self, session: bytes, step: Step) -> Done:
        words = self._heap.words
        with self._gate:
            ledger = self._made(session)
            is_alone = step.leave is not None and words[ledger + TICKET] == _number(step.leave)
            if step.parts:
                if not is_alone and words[ledger + REVISION] != step.revision:
                    raise StateLostError("The shared state was changed by others while a request took too long.")
                self._move(ledger)
                for name, data in step.parts.items():
                    self._keep(ledger, name, data)
            number = words[ledger + LINES]
            self._write(ledger, step)
            if is_alone:
                words[ledger + TICKET] = 0
            return Done(words[ledger + REVISION], number)

    def give(self, session: bytes, gift: Gift, at: float, now: int) -> list[Window] | None:
        words = self._heap.words
        with self._gate:
            places = cast(_Places | None, gift.places)
            if places is None or places.moved != words[self._own + MOVED]:
                places = gift.places = self._places(session, gift)
            ledger = places.ledger
            if words[ledger + REVISION] != gift.prepared.revision:
                return None
            for place, since, until in places.turns:
                if not since <= words[place] < until:
                    return None
            are_open = True
            for place, most in places.windows:
                is_open = place != 0 and words[place + OPENED] <= now < words[place + ENDS]
                if (words[place + COUNTED] if is_open else 0) >= most:
                    return None
                are_open = are_open and is_open
            for place, exchange in places.played:
                words[place] = exchange
            if words[places.entry + STAMP] != places.stamp:
                places.entry, places.stamp = self._journals.made(gift.line.data)
            self._journals.add(ledger, places.entry, at)
            words[places.source] += 1
            for place in places.used:
                self._use(ledger, place, at)
            words[ledger + SEEN] = words[self._own + USES] = words[self._own + USES] + 1
            if not are_open:
                gift.places = None
                return self._windows.charge(ledger, gift.prepared.charges, now)
            counted = []
            for place, _ in places.windows:
                words[place + COUNTED] += 1
                counted.append(Window(words[place + OPENED], words[place + ENDS], words[place + COUNTED]))
            return counted

    def charge(self, session: bytes, charges: Sequence[Charge], now: int) -> list[Window]:
        with self._gate:
            return self._windows.charge(self._made(session), charges, now)

    def give_back(self, session: bytes, keys: Iterable[Key]) -> None:
        with self._gate:
            self._windows.give_back(self._ledger(session), keys)

    def windows(self, session: bytes) -> list[tuple[Key, Window]]:
        with self._gate:
            return self._windows.all(self._ledger(session))

    def close_windows(self, session: bytes) -> None:
        with self._gate:
            self._windows.clear(self._ledger(session))

    def reached(self, session: bytes, cassette: str, key: bytes | None) -> int:
        with self._gate:
            return self._reached(self._ledger(session), cassette, LAST if key is None else key)

    def take(self, session: bytes, cassette: str, pool: Sequence[int], key: bytes, *, in_all: bool) -> int:
        with self._gate:
            ledger = self._made(session)
            reached = self._reached(ledger, cassette, LAST if in_all else key)
            taken = next((exchange for exchange in pool if exchange > reached), pool[-1])
            self._play(ledger, [(cassette, key, taken)])
            return taken

    def lines(self, session: bytes) -> list[tuple[bytes, float]]:
        with self._gate:
            return self._journals.lines(self._ledger(session))

    def sources(self, session: bytes) -> dict[str, int]:
        words = self._heap.words
        with self._gate:
            listed = self._records.listed(self._ledger(session) + SOURCES)
            return {
                text(self._heap.read(words[place + TEXT])): words[place + ANSWERS]
                for place in listed
                if words[place + ANSWERS]
            }

    def used(self, session: bytes) -> int:
        with self._gate:
            return self._heap.words[self._ledger(session) + USED]

    def answered_at(self, session: bytes, cassette: str, exchange: int) -> float | None:
        with self._gate:
            place = self._records.find(*_used(self._ledger(session), cassette, exchange))
            return self._heap.floats[place + USED_AT] if place and self._heap.words[place + IS_USED] else None

    def reset(self, session: bytes) -> Known:
        words = self._heap.words
        with self._gate:
            ledger = self._made(session)
            self._forget(ledger)
            self._move(ledger)
            words[ledger + EPOCH] = words[ledger + REVISION]
            return Known(words[ledger + REVISION], words[ledger + REVISION], {}, is_whole=True)

    def sessions(self) -> list[bytes]:
        with self._gate:
            listed = self._records.listed(self._own + SESSIONS)
            return [self._heap.read(self._heap.words[place + TEXT]) for place in listed][::-1]

    def close(self) -> None:
        """The memory goes with the last process that has it."""

    def _ledger(self, session: bytes) -> int:
        """Where a session begins; nobody, if there is none of that name."""
        place = self._records.find(b"session", session)
        return self._heap.words[place + PLACE] if place else self._nobody

    def _made(self, session: bytes) -> int:
        words, own = self._heap.words, self._own
        ledger = self._ledger(session)
        if ledger == self._nobody:
            ledger, name = self._heap.take(SESSION), self._heap.write(session)
            place = self._records.made(own + SESSIONS, b"session", session)
            words[place + PLACE], words[place + TEXT] = ledger, name
            words[own + COUNT] += 1
        words[ledger + SEEN] = words[own + USES] = words[own + USES] + 1
        if words[own + COUNT] > sessions.MOST:
            self._forget_oldest()
        return ledger

    def _forget_oldest(self) -> None:
        words = self._heap.words
        listed = self._records.listed(self._own + SESSIONS)
        oldest = min(listed, key=lambda place: words[words[place + PLACE] + SEEN])
        self._forget(words[oldest + PLACE])
        self._heap.give_back(words[oldest + PLACE], SESSION)
        self._records.give_back(self._own + SESSIONS, oldest)
        words[self._own + COUNT] -= 1

    def _forget(self, ledger: int) -> None:
        """All but its revision and who is alone."""
        words = self._heap.words
        self._windows.clear(ledger)
        for begin in (SOURCES, PLAYED, PARTS):
            for place in self._records.listed(ledger + begin):
                if begin == PARTS and words[place + DATA]:
                    self._heap.erase(words[place + DATA])
                self._records.give_back(ledger + begin, place)
        self._journals.clear(ledger)
        words[ledger + USED] = 0

    def _known(self, ledger: int, revision: int) -> Known:
        words = self._heap.words
        now, epoch = words[ledger + REVISION], words[ledger + EPOCH]
        if now == revision:
            return Known(now, epoch, {}, is_whole=False)
        is_whole = not epoch <= revision <= now
        parts: dict[str, bytes | None] = {}
        for place in self._records.listed(ledger + PARTS):
            if is_whole or words[place + CHANGED] > revision:
                data = words[place + DATA]
                parts[text(self._heap.read(words[place + TEXT]))] = self._heap.read(data) if data else None
        return Known(now, epoch, parts, is_whole)

    def _move(self, ledger: int) -> None:
        """A revision never comes again, also once the session was forgotten."""
        words = self._heap.words
        words[ledger + REVISION] = max(words[ledger + REVISION] + 1, int(time.time() * 1_000_000))

    def _keep(self, ledger: int, name: str, data: bytes | None) -> None:
        words = self._heap.words
        place = self._named(ledger, PARTS, b"part", octets(name))
        if words[place + DATA]:
            self._heap.erase(words[place + DATA])
        words[place + CHANGED] = words[ledger + REVISION]
        words[place + DATA] = 0 if data is None else self._heap.write(data)

    def _write(self, ledger: int, step: Step) -> None:
        """All of a step but its parts."""
        self._play(ledger, step.played)
        for line in step.lines:
            entry, _ = self._journals.made(line.data)
            self._journals.add(ledger, entry, line.at)
            self._heap.words[self._source(ledger, line)] += 1
            for place in self._used(ledger, line):
                self._use(ledger, place, line.at)
        for number, line in step.rewritten.items():
            self._journals.replace(ledger, number, line)

    def _places(self, session: bytes, gift: Gift) -> _Places:
        ledger, prepared = self._made(session), gift.prepared
        turns = [
            (self._position(ledger, turn.cassette, LAST if turn.key is None else turn.key), turn.since, turn.until)
            for turn in prepared.turns
        ]
        windows = [(self._windows.find(ledger, charge.key), charge.most) for charge in prepared.charges]
        played = [
            (self._position(ledger, cassette, place), exchange)
            for cassette, key, exchange in prepared.played
            for place in (key, LAST)
        ]
        source, used = self._source(ledger, gift.line), self._used(ledger, gift.line)
        return _Places(self._heap.words[self._own + MOVED], ledger, turns, windows, played, source, used)

    def _named(self, ledger: int, begin: int, kind: bytes, name: bytes) -> int:
        """A record that can tell its name."""
        place = self._records.made(ledger + begin, b"%d" % ledger, kind, name)
        if not self._heap.words[place + TEXT]:
            self._heap.words[place + TEXT] = self._heap.write(name)
        return place

    def _source(self, ledger: int, line: Line) -> int:
        """Where the answers of its source are counted."""
        return self._named(ledger, SOURCES, b"source", octets(line.source)) + ANSWERS

    def _used(self, ledger: int, line: Line) -> list[int]:
        return [
            self._records.made(ledger + PLAYED, *_used(ledger, cassette, exchange)) for cassette, exchange in line.used
        ]

    def _use(self, ledger: int, place: int, at: float) -> None:
        words = self._heap.words
        if not words[place + IS_USED]:
            words[place + IS_USED] = 1
            words[ledger + USED] += 1
        self._heap.floats[place + USED_AT] = at

    def _position(self, ledger: int, cassette: str, key: bytes) -> int:
        """Where it stands which exchange was played last."""
        return self._records.made(ledger + PLAYED, *_position(ledger, cassette, key)) + LAST_PLAYED

    def _reached(self, ledger: int, cassette: str, key: bytes) -> int:
        place = self._records.find(*_position(ledger, cassette, key))
        return self._heap.words[place + LAST_PLAYED] if place else 0

    def _play(self, ledger: int, played: Sequence[tuple[str, bytes, int]]) -> None:
        for cassette, key, exchange in played:
            for place in (key, LAST):
                self._heap.words[self._position(ledger, cassette, place)] = exchange


def _number(ticket: str) -> int:
    """Not 0, which stands for nobody."""
    return int.from_bytes(blake2b(ticket.encode(), digest_size=7).digest(), "big") + 1


def _position(ledger: int, cassette: str, key: bytes) -> tuple[bytes, ...]:
    return b"%d" % ledger, b"played", octets(cassette), key


def _used(ledger: int, cassette: str, exchange: int) -> tuple[bytes, ...]:
    return b"%d" % ledger, b"used", octets(cassette), b"%d" % exchange
