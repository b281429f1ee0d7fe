"""How many answers each source gave in a run, while it runs, whichever of its processes gave them."""

from __future__ import annotations

from collections import Counter
from multiprocessing.sharedctypes import RawArray

from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.model import Source

PLACES = {source.value: place for place, source in enumerate(Source)}


class SourceCounts:
    """Made before the processes are forked, in memory that they share. Each writes in a row of its own, 0 and up."""

    def __init__(self, rows: int) -> None:
        self._counts = RawArray("Q", rows * len(PLACES))

    def note(self, row: int, entry: Entry) -> None:
        if not entry.again:  # it was counted when it began
            self._counts[row * len(PLACES) + PLACES[entry.source]] += 1

    def total(self) -> Counter[str]:
        sums = {source: sum(self._counts[place :: len(PLACES)]) for source, place in PLACES.items()}
        return Counter({source: count for source, count in sums.items() if count})
