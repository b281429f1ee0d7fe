"""A body on its way through redaction into the database."""

from __future__ import annotations

from peertape.cassettes.bodywriter import BodyNumber, BodyStore, BodyWriter
from peertape.cassettes.redaction.filters import BodyFilter


class FilteredBody:
    """Over `limit` octets it is dropped; of one over `largest` it is kept what it was."""

    def __init__(
        self, store: BodyStore, filtered: BodyFilter, limit: int | None = None, largest: int | None = None
    ) -> None:
        self.filter = filtered
        self._body = BodyWriter(store, largest)
        self._limit = limit
        self._octets = 0
        self._over = False

    @property
    def dropped(self) -> bool:
        return self._over or self.filter.oversize

    def feed(self, data: bytes) -> None:
        self._octets += len(data)
        if self._limit is not None and self._octets > self._limit and not self._over:
            self._over = True
            self._body.discard()
        if not self._over and (ready := self.filter.feed(data)):
            self._body.write(ready)

    def finish(self) -> BodyNumber | None:
        """The body's number; None if there are no octets, or they were dropped."""
        return self._body.finish() if self._has_octets() else None

    def cut(self) -> BodyNumber | None:
        """The same of a body that did not end."""
        return self._body.cut() if self._has_octets() and self._body.is_kept else None

    def _has_octets(self) -> bool:
        rest = self.filter.finish()
        if self.dropped:
            self._body.discard()
            return False
        if rest:
            self._body.write(rest)
        return self._body.size > 0
