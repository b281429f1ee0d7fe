"""What is asked of a place where many keep sessions together: every operation is one step, and one way there and back.

A store knows octets and numbers only, and sessions by the octets of their names. It raises StateLostError if it cannot
be reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from peertape.proxy.engine.limits.counters import Charge, Key, Window
from peertape.proxy.engine.state.interface import Prepared


@dataclass(frozen=True, slots=True)
class Known:
    """What a session is by now. `revision` never comes again; `epoch`: the revision of the last reset, 0 without one.

    `parts`: what is remembered, by name: all of it if `is_whole`, else what was changed since the revision that was
    asked about; None: it is no more.
    """

    revision: int
    epoch: int
    parts: Mapping[str, bytes | None]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Line:
    """Of the journal: `data` is the entry, of whatever moment, and `at` when it was.

    `used`: (cassette, exchange) of what the answer was taken from.
    """

    data: bytes
    source: str
    used: Sequence[tuple[str, int]]
    at: float


@dataclass(slots=True)
class Step:
    """What a request leaves behind. `parts` are taken only from who is alone, or if the revision still is `revision`;
    None takes a part away.
    """

    revision: int
    played: list[tuple[str, bytes, int]] = field(default_factory=list)  # cassette, exact key, exchange
    lines: list[Line] = field(default_factory=list)
    rewritten: dict[int, Line] = field(default_factory=dict)  # lines by their numbers
    parts: dict[str, bytes | None] = field(default_factory=dict)
    leave: str | None = None  # the ticket by which it was alone


@dataclass(slots=True)
class Gift:
    """A prepared answer, as it is given again and again. `places`: what the store found out about it."""

    prepared: Prepared
    line: Line
    places: Any = None

    def step(self, at: float) -> Step:
        """What it leaves behind, at that moment."""
        return Step(self.prepared.revision, list(self.prepared.played), [replace(self.line, at=at)])


@dataclass(frozen=True, slots=True)
class Done:
    """`number`: of the first line that was written; they follow one another."""

    revision: int
    number: int


class Store(Protocol):
    def known(self, session: bytes, revision: int, ticket: str | None = None) -> Known:
        """`ticket`: waits until nobody else is alone, and is alone then until the step that leaves."""
        ...

    def step(self, session: bytes, step: Step) -> Done: ...

    def give(self, session: bytes, gift: Gift, at: float, now: int) -> list[Window] | None:
        """Charges all and makes the step; or does nothing, if the revision is another, it is not its turn, or a limit
        would be over. `at` is the moment in seconds, `now` in milliseconds.
        """
        ...

    def charge(self, session: bytes, charges: Sequence[Charge], now: int) -> list[Window]: ...

    def give_back(self, session: bytes, keys: Iterable[Key]) -> None: ...

    def windows(self, session: bytes) -> list[tuple[Key, Window]]: ...

    def close_windows(self, session: bytes) -> None: ...

    def reached(self, session: bytes, cassette: str, key: bytes | None) -> int: ...

    def take(self, session: bytes, cassette: str, pool: Sequence[int], key: bytes, *, in_all: bool) -> int: ...

    def lines(self, session: bytes) -> list[tuple[bytes, float]]:
        """The entries of the last ones, and when they were, newest last."""
        ...

    def sources(self, session: bytes) -> dict[str, int]: ...

    def used(self, session: bytes) -> int: ...

    def answered_at(self, session: bytes, cassette: str, exchange: int) -> float | None: ...

    def reset(self, session: bytes) -> Known:
        """Nothing is left but who is alone."""
        ...

    def sessions(self) -> list[bytes]:
        """Those that were used last."""
        ...

    def close(self) -> None: ...
