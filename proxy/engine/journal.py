"""What a session was asked and answered: one entry a request."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

KEPT = 10_000  # entries that stay in memory; `--journal FILE` keeps all


@dataclass(frozen=True, slots=True)
class Nearest:
    """A recording that is nearly what was asked, and what differs."""

    exchange: int
    cassette: str
    request: str
    differences: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "exchange": self.exchange,
            "cassette": self.cassette,
            "request": self.request,
            "differences": list(self.differences),
        }


@dataclass(slots=True)
class Messages:
    """What went over a socket by now."""

    sent: int = 0  # by us
    received: int = 0
    unmatched: int = 0  # of those received: nothing was recorded upon them, and no rule knows an answer
    ended: bool = False  # the socket was closed

    def as_json(self) -> dict[str, int]:
        return {"sent": self.sent, "received": self.received, "unmatched": self.unmatched}


class Entry(NamedTuple):
    """One request and its answer."""

    at: float  # of the session's clock, epoch seconds
    session: str
    identity: str
    method: str
    target: str  # redacted
    status: int
    source: str
    source_text: str
    exchange: int | None = None
    cassette: str | None = None
    nearest: tuple[Nearest, ...] = ()
    messages: Messages | None = None  # of a WebSocket; they grow while it is open
    conversation: tuple[int, ...] = ()  # further exchanges that the answer was taken from
    again: bool = False  # told a second time: the socket was closed

    def at_moment(self, at: float) -> Entry:
        """The same once more."""
        return tuple.__new__(Entry, (at, *self[1:]))

    @property
    def used(self) -> tuple[tuple[str, int], ...]:
        """(cassette, exchange) of what it was taken from."""
        if self.cassette is None:
            return ()
        own = () if self.exchange is None else ((self.cassette, self.exchange),)
        return (*own, *[(self.cassette, number) for number in self.conversation]) if self.conversation else own

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if self.messages is not None:
            told = {"messages": self.messages.as_json(), "ended": self.messages.ended}
        return {
            "at": self.at,
            "session": self.session,
            "identity": self.identity,
            "method": self.method,
            "target": self.target,
            "status": self.status,
            "source": self.source,
            "answer": self.source_text,
            "exchange": self.exchange,
            "cassette": self.cassette,
            "nearest": [near.as_json() for near in self.nearest],
            **told,
        }


@dataclass(slots=True)
class Moment:
    """When an exchange was played last."""

    at: float


@dataclass(slots=True)
class LocalJournal:
    """In this process. What was told again and again is kept as it was told first, beside the moments."""

    answered: dict[tuple[str, int], Moment] = field(default_factory=dict)  # by cassette and exchange
    sources: Counter[str] = field(default_factory=Counter)
    _told: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    _moments: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, entry: Entry) -> None:
        for used in entry.used:
            if used not in self.answered:
                self.answered[used] = Moment(entry.at)
        self.again(entry, entry.at, self.played(entry))

    def again(self, entry: Entry, at: float, played: Iterable[Moment]) -> None:
        """The same once more; `played` are the moments of all that it was taken from."""
        self._told.append(entry)
        self._moments.append(at)
        self.sources[entry.source] += 1
        for moment in played:
            moment.at = at

    def played(self, entry: Entry) -> tuple[Moment, ...]:
        """The moments of all that an entry that was added was taken from."""
        return tuple([self.answered[used] for used in entry.used])

    @property
    def entries(self) -> Sequence[Entry]:
        return [
            entry if entry.at == at else entry.at_moment(at)
            for entry, at in zip(self._told, self._moments, strict=True)
        ]

    @property
    def used(self) -> int:
        return len(self.answered)

    def answered_at(self, cassette: str, exchange: int) -> float | None:
        moment = self.answered.get((cassette, exchange))
        return None if moment is None else moment.at

    def unmatched(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.source == "miss"]

    def clear(self) -> None:
        self._told.clear()
        self._moments.clear()
        self.sources.clear()
        self.answered.clear()
