"""What a session's state can do, wherever it is kept.

What every request changes has operations of its own, each of which is one step for all who share the state: windows of
limits, positions in sequences, the journal. All else that is kept is remembered by its type and changed as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.limits.counters import Charge, Key, Window

UNENDING = 1 << 63  # beyond the id of any exchange


class StateLostError(Exception):
    """The shared state does not answer, so that nobody knows what the answer to a request is; a sentence."""


class Growing:
    """What is remembered as a list that is only added to: what is added is told to others by itself."""

    __slots__ = ()

    done: list[Any]


class Counters(Protocol):
    """Of requests in fixed windows; `now` is the session's, in milliseconds."""

    def charge(self, charges: Sequence[Charge], now: int) -> list[Window]:
        """Counts one request in these windows, in their order, up to and with the first that is over."""
        ...

    def give_back(self, keys: Iterable[Key]) -> None:
        """Takes one request back from each, as if it had not been counted."""
        ...

    def open(self, now: int) -> Iterable[tuple[Key, Window]]: ...

    def clear(self) -> None: ...


class Progress(Protocol):
    """How far a session has come in one cassette."""

    def reached(self, key: bytes | None) -> int:
        """The id of the exchange that was played last under an exact key; None: under any. 0: none was."""
        ...

    def take(self, pool: Sequence[int], key: bytes, *, in_all: bool) -> int:
        """Of these ids, in order, the one after the one reached, else the last; it counts as played.

        `in_all`: after what was played last under any key, not under this one.
        """
        ...

    def note(self, key: bytes, exchange: int) -> None:
        """That it was played."""
        ...


class Journal(Protocol):
    def add(self, entry: Entry) -> None: ...

    @property
    def entries(self) -> Sequence[Entry]:
        """The last ones, newest last."""
        ...

    @property
    def sources(self) -> Mapping[str, int]:
        """How many answers each source gave."""
        ...

    @property
    def used(self) -> int:
        """How many exchanges were played."""
        ...

    def answered_at(self, cassette: str, exchange: int) -> float | None:
        """When it was played last, by the session's clock."""
        ...

    def unmatched(self) -> Sequence[Entry]:
        """What nothing recorded answered, newest last."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """When a recording is chosen: while what was reached in its cassette, under an exact key or (None) under any, is in
    [since, until).
    """

    cassette: str
    key: bytes | None
    since: int = 0
    until: int = UNENDING


@dataclass(slots=True, eq=False)
class Prepared:
    """What giving an answer again that was prepared at `revision` hangs on, and what it does to a session.

    `gift`: what the session that gives it made of it.
    """

    revision: int
    turns: Sequence[Turn]
    charges: Sequence[Charge]
    played: Sequence[tuple[str, bytes, int]]  # cassette, exact key, exchange
    gift: Any = None
