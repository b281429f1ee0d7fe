"""What a session was asked and answered: one entry a request."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Entry:
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

    def as_json(self) -> dict[str, Any]:
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
        }


@dataclass(slots=True)
class Journal:
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    sources: Counter[str] = field(default_factory=Counter)
    used: set[tuple[str, int]] = field(default_factory=set)  # (cassette, exchange) that answered something

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.sources[entry.source] += 1
        if entry.exchange is not None and entry.cassette is not None:
            self.used.add((entry.cassette, entry.exchange))

    def unmatched(self) -> list[Entry]:
        """What nothing recorded answered, newest last."""
        return [entry for entry in self.entries if entry.source == "miss"]

    def clear(self) -> None:
        self.entries.clear()
        self.sources.clear()
        self.used.clear()
