"""What a whole run came to, over all sessions and resets: for the summary at its end, and for `--strict`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from peertape.proxy.engine.journal import Entry

MISSES_NAMED = 1000


@dataclass(slots=True)
class Tally:
    """An observer of the engine. `strict` names the sources that are allowed; None allows all.

    `foreign_rules`: what is emulated is emulated by the rules of another version, which never is strict.
    """

    strict: frozenset[str] | None = None
    foreign_rules: bool = False
    sources: Counter[str] = field(default_factory=Counter)
    used: set[tuple[str, int]] = field(default_factory=set)  # (cassette, exchange)
    missed: Counter[str] = field(default_factory=Counter)  # "GET /path?query"
    broken: Counter[str] = field(default_factory=Counter)  # source -> answers that were not allowed
    recorded: int = 0  # new exchanges

    def __call__(self, entry: Entry) -> None:
        if entry.again:  # it was counted when it began
            return
        self.used.update(entry.used)
        if entry.source == "miss" and len(self.missed) < MISSES_NAMED:
            self.missed[f"{entry.method} {entry.target}"] += 1
        self.count(entry)

    def count(self, entry: Entry) -> None:
        """An answer from a recording, which came before."""
        self.sources[entry.source] += 1
        if self.strict is not None and entry.source not in self.strict:
            self.broken[entry.source] += 1
        elif self.strict is not None and entry.source == "emulated" and self.foreign_rules:
            self.broken["emulated by the rules of another version"] += 1

    def add(self, other: Tally) -> None:
        """What another process of the same run counted."""
        self.sources += other.sources
        self.used |= other.used
        self.missed += other.missed
        self.broken += other.broken
        self.recorded += other.recorded

    @property
    def answers(self) -> int:
        return self.sources.total()
