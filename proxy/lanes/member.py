"""A worker among the others of its run."""

from __future__ import annotations

from dataclasses import dataclass

from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.state.store import Store
from peertape.proxy.lanes.neighbours import Neighbours
from peertape.proxy.lanes.sourcecounts import SourceCounts


@dataclass(frozen=True, slots=True)
class Member:
    """`number`: 0 and up. `store`: where they keep their sessions; None: where the settings say."""

    number: int
    sources: SourceCounts
    neighbours: Neighbours
    store: Store | None

    def note(self, entry: Entry) -> None:
        """An observer of the engine."""
        self.sources.note(self.number, entry)

    def hears(self, sid: str) -> bool:
        """Whether clients of socket.io that were greeted with this id come here."""
        return self.neighbours.owner(sid) == self.number
