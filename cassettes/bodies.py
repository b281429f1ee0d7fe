"""Bodies that are read piece by piece, so that a recorded film never stands in memory whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

PIECE = 64 * 1024


class Body(Protocol):
    """Octets of a known size that can be read from any position."""

    @property
    def size(self) -> int: ...

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The octets of [start, stop) in pieces; reads no more than these need."""
        ...


def read(body: Body) -> bytes:
    """The whole body at once: for bodies that are known to be small."""
    return b"".join(body.pieces())


@dataclass(frozen=True, slots=True)
class BytesBody:
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        if piece := self.data[start:stop]:
            yield piece


EMPTY = BytesBody(b"")


@dataclass(frozen=True, slots=True)
class SliceBody:
    """The octets [start, stop) of another body."""

    whole: Body
    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        end = self.size if stop is None else min(stop, self.size)
        if start < end:
            yield from self.whole.pieces(self.start + start, self.start + end)


@dataclass(frozen=True, slots=True)
class JoinedBody:
    """Several bodies, one after another: a range merged from partial recordings."""

    parts: Sequence[Body]

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        end = self.size if stop is None else min(stop, self.size)
        offset = 0
        for part in self.parts:
            first, last = max(start - offset, 0), min(end - offset, part.size)
            if first < last:
                yield from part.pieces(first, last)
            offset += part.size
