"""The recordings under one key, in recorded order: read at once where they are few, else page by page from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

FEW = 100  # recordings that are read at once
PAGE, LARGEST_PAGE = 12, 100  # of more: whoever goes on gets larger ones


class Numbered(Protocol):
    @property
    def id(self) -> int: ...


LAST = 1 << 62  # no exchange has a higher number


@dataclass(frozen=True, slots=True)
class Keyed[C: Numbered]:
    """`first`: all of them, or, where they are not `few`, as many as were read.

    `page(number, most, down)`: the next of them above a number, or below it, `most` at most.
    """

    first: Sequence[C]
    few: bool
    page: Callable[[int, int, bool], Sequence[C]]

    def after(self, number: int) -> Iterator[C]:
        """Those with a higher number, upwards."""
        yield from (one for one in self.first if one.id > number)
        if not self.few:
            yield from self._pages(max(number, self.first[-1].id), down=False)

    def until(self, number: int) -> Iterator[C]:
        """Those with that number or a lower one, downwards."""
        if self.few or number <= self.first[-1].id:
            yield from (one for one in reversed(self.first) if one.id <= number)
        else:
            yield from self._pages(number + 1, down=True)

    def _pages(self, at: int, *, down: bool) -> Iterator[C]:
        most = PAGE
        while True:
            found = self.page(at, most, down)
            yield from found
            if len(found) < most:
                return
            at, most = found[-1].id, min(most * 4, LARGEST_PAGE)
