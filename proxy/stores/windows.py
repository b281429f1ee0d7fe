"""The windows of limits in shared memory: a record each, in the list of its session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from peertape.proxy.engine.limits.counters import MOST, Charge, Key, Window
from peertape.proxy.stores.heap import Heap
from peertape.proxy.stores.layout import COUNTED, ENDS, OPEN, OPENED, WINDOWS
from peertape.proxy.stores.records import TEXT, Records
from peertape.proxy.stores.spelling import octets, text


class Windows:
    def __init__(self, heap: Heap, records: Records) -> None:
        self._heap = heap
        self._records = records

    def find(self, session: int, key: Key) -> int:
        """The place of the window; 0: none was opened."""
        return self._records.find(*_name(session, key))

    def charge(self, session: int, charges: Sequence[Charge], now: int) -> list[Window]:
        """Counts one request in these, in their order, up to and with the first that is over."""
        counted: list[Window] = []
        for charge in charges:
            window = self._count(session, charge, now)
            counted.append(window)
            if window.used > charge.most:
                break
        return counted

    def give_back(self, session: int, keys: Iterable[Key]) -> None:
        words = self._heap.words
        for key in keys:
            place = self.find(session, key)
            if place and words[place + COUNTED]:
                words[place + COUNTED] -= 1

    def all(self, session: int) -> list[tuple[Key, Window]]:
        words = self._heap.words
        found = []
        for place in self._records.listed(session + WINDOWS):
            bucket, _, address = self._heap.read(words[place + TEXT]).partition(b"\0")
            window = Window(words[place + OPENED], words[place + ENDS], words[place + COUNTED])
            found.append(((text(bucket), text(address)), window))
        return found

    def clear(self, session: int) -> None:
        for place in self._records.listed(session + WINDOWS):
            self._close(session, place)

    def _count(self, session: int, charge: Charge, now: int) -> Window:
        words = self._heap.words
        place = self.find(session, charge.key)
        if not place or not words[place + OPENED] <= now < words[place + ENDS]:
            if words[session + OPEN] >= MOST:
                self._make_room(session, now)
            place = self._opened(session, charge, now)
        words[place + COUNTED] += 1
        return Window(words[place + OPENED], words[place + ENDS], words[place + COUNTED])

    def _opened(self, session: int, charge: Charge, now: int) -> int:
        words = self._heap.words
        place = self._records.made(session + WINDOWS, *_name(session, charge.key))
        if not words[place + TEXT]:
            words[place + TEXT] = self._heap.write(b"\0".join(map(octets, charge.key)))
            words[session + OPEN] += 1
        words[place + OPENED], words[place + ENDS], words[place + COUNTED] = now, now + charge.length, 0
        return place

    def _make_room(self, session: int, now: int) -> None:
        """Those that ended go; and if that is none, the one that was opened first."""
        words = self._heap.words
        for place in self._records.listed(session + WINDOWS):
            if not words[place + OPENED] <= now < words[place + ENDS]:
                self._close(session, place)
        if words[session + OPEN] >= MOST:
            listed = self._records.listed(session + WINDOWS)
            self._close(session, min(listed, key=lambda place: words[place + OPENED]))

    def _close(self, session: int, place: int) -> None:
        self._records.give_back(session + WINDOWS, place)
        self._heap.words[session + OPEN] -= 1


def _name(session: int, key: Key) -> tuple[bytes, ...]:
    bucket, address = key
    return b"%d" % session, b"window", octets(bucket), octets(address)
