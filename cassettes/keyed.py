"""The recordings under one key, in recorded order: read at once where they are few, else page by page from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

FEW = 100  # recordings that are read at once
PAGE = 12  # of more


class Numbered(Protocol):
    @property
    def id(self) -> int: ...


LAST = 1 << 62  # no exchange has a higher number


@dataclass(frozen=True, slots=True)
class Keyed[C: Numbered]:
    """`few`: all of them, or None if they are more than a few.

    `page(number, most, down)`: the next of them above a number, or below it, `most` at most.
    """

    few: Sequence[C] | None
    page: Callable[[int, int, bool], Sequence[C]]

    def after(self, number: int) -> Iterator[C]:
        """Those with a higher number, upwards."""
        return self._from(number, down=False)

    def until(self, number: int) -> Iterator[C]:
        """Those with that number or a lower one, downwards."""
        return self._from(number + 1, down=True)

    def _from(self, at: int, *, down: bool) -> Iterator[C]:
        if self.few is not None:
            yield from (
                (one for one in reversed(self.few) if one.id < at) if down else (one for one in self.few if one.id > at)
            )
            return
        while True:
            found = self.page(at, PAGE, down)
            yield from found
            if len(found) < PAGE:
                return
            at = found[-1].id
