"""What is known of stretches of a file, where what is laid down later covers what was there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span[T]:
    """The octets [start, stop)."""

    start: int
    stop: int
    value: T


@dataclass(frozen=True, slots=True)
class Spans[T]:
    """In the order of their places; they do not overlap."""

    all: tuple[Span[T], ...] = ()

    def laid(self, start: int, stop: int, value: T) -> Spans[T]:
        if start >= stop:
            return self
        before = [span for old in self.all for span in _before(old, start)]
        after = [span for old in self.all for span in _after(old, stop)]
        return Spans((*before, Span(start, stop, value), *after))

    def within(self, start: int, stop: int) -> tuple[Span[T], ...] | None:
        """What covers [start, stop), cut to it; None where there is a gap."""
        found = []
        at = start
        for span in self.all:
            if span.stop <= at:
                continue
            if at >= stop or span.start > at:
                break
            found.append(Span(at, min(span.stop, stop), span.value))
            at = found[-1].stop
        return tuple(found) if at >= stop else None


def _before[T](span: Span[T], place: int) -> Iterator[Span[T]]:
    if span.start < place:
        yield Span(span.start, min(span.stop, place), span.value)


def _after[T](span: Span[T], place: int) -> Iterator[Span[T]]:
    if span.stop > place:
        yield Span(max(span.start, place), span.stop, span.value)
