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
        self._store = store
        self._largest = largest
        self._body: BodyWriter | None = None  # once there are octets: most requests have none
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
            self._discard()
        if not self._over and (ready := self.filter.feed(data)):
            self._write(ready)

    def finish(self) -> BodyNumber | None:
        """The body's number; None if there are no octets, or they were dropped."""
        body = self._ended()
        return body.finish() if body is not None else None

    def cut(self) -> BodyNumber | None:
        """The same of a body that did not end."""
        body = self._ended()
        return body.cut() if body is not None and body.is_kept else None

    def _ended(self) -> BodyWriter | None:
        rest = self.filter.finish()
        if self.dropped:
            self._discard()
            return None
        if rest:
            self._write(rest)
        return self._body

    def _write(self, data: bytes) -> None:
        if self._body is None:
            self._body = BodyWriter(self._store, self._largest)
        self._body.write(data)

    def _discard(self) -> None:
        if self._body is not None:
            self._body.discard()
