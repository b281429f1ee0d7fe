"""A body on its way through redaction."""

from __future__ import annotations

from collections.abc import Callable

from peertape.cassettes.redaction.filters import BodyFilter


class FilteredBody:
    """Over `limit` octets it is dropped."""

    def __init__(
        self, filtered: BodyFilter, write: Callable[[bytes], None], drop: Callable[[], None], limit: int | None = None
    ) -> None:
        self.filter = filtered
        self._write = write
        self._drop = drop
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
            self._drop()
        if not self._over and (ready := self.filter.feed(data)):
            self._write(ready)

    def finish(self) -> None:
        """It ended, or was cut."""
        rest = self.filter.finish()
        if self.filter.oversize:
            self._drop()
        elif rest and not self._over:
            self._write(rest)
