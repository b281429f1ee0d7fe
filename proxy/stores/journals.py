"""The journals of sessions in shared memory: an entry that many lines tell is kept once."""

from __future__ import annotations

from collections.abc import Iterator

from peertape.proxy.engine.journal import KEPT
from peertape.proxy.engine.state.store import Line
from peertape.proxy.stores.heap import Heap
from peertape.proxy.stores.layout import ENTRY, FIRST, HEAD, LINE, LINES, STAMP, STAMPS, TOLD, WHAT


class Journals:
    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def made(self, data: bytes) -> tuple[int, int]:
        """The place of an entry that no line tells yet, and its stamp."""
        words, stamps = self._heap.words, self._heap.first + STAMPS
        words[stamps] += 1
        entry = self._heap.take(ENTRY)
        words[entry + WHAT], words[entry + STAMP] = self._heap.write(data), words[stamps]
        return entry, words[stamps]

    def add(self, session: int, entry: int, at: float) -> None:
        """A line; if there are too many, the oldest goes."""
        words = self._heap.words
        number = words[session + LINES]
        place = _place(session, number)
        words[entry + TOLD] += 1
        if number - words[session + FIRST] >= KEPT:
            self._let_go(words[place])
        words[place], self._heap.floats[place + 1] = entry, at
        words[session + LINES] = number + 1

    def replace(self, session: int, number: int, line: Line) -> None:
        """The line of that number, if it still is there."""
        words = self._heap.words
        if self._first(session) <= number < words[session + LINES]:
            place = _place(session, number)
            self._let_go(words[place])
            words[place], _ = self.made(line.data)
            words[words[place] + TOLD] = 1
            self._heap.floats[place + 1] = line.at

    def lines(self, session: int) -> list[tuple[bytes, float]]:
        """The newest last."""
        texts: dict[int, bytes] = {}
        found = []
        for place in self._places(session):
            entry = self._heap.words[place]
            if entry not in texts:
                texts[entry] = self._heap.read(self._heap.words[entry + WHAT])
            found.append((texts[entry], self._heap.floats[place + 1]))
        return found

    def clear(self, session: int) -> None:
        words = self._heap.words
        for place in self._places(session):
            self._let_go(words[place])
        words[session + FIRST] = words[session + LINES]

    def _first(self, session: int) -> int:
        """The number of the first line that there still is."""
        words = self._heap.words
        return max(words[session + FIRST], words[session + LINES] - KEPT)

    def _places(self, session: int) -> Iterator[int]:
        for number in range(self._first(session), self._heap.words[session + LINES]):
            yield _place(session, number)

    def _let_go(self, entry: int) -> None:
        words = self._heap.words
        words[entry + TOLD] -= 1
        if not words[entry + TOLD]:
            self._heap.erase(words[entry + WHAT])
            words[entry + STAMP] = 0
            self._heap.give_back(entry, ENTRY)


def _place(session: int, number: int) -> int:
    return session + HEAD + LINE * (number % KEPT)
