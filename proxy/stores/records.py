"""Records in shared memory that are found by their names; of a name only its digest is kept.

A record is in one list beside, which begins at a word of its owner's.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import blake2b

from peertape.proxy.stores.heap import Heap

CHAIN, LEFT, RIGHT, NEXT = range(4)  # the words of a record: of one bucket, two of its digest, of one list
TEXT = 4  # where what it is called stands, or 0
VALUES = 5  # so many words are left for what is kept under the name: `layout` names them
SIZE = VALUES + 3
BUCKETS = 1 << 20
DIGEST = struct.Struct("=qq")


class Records:
    """`buckets`: the first of `BUCKETS` words of the heap; `moved`: a word that moves when a record is given back."""

    def __init__(self, heap: Heap, buckets: int, moved: int) -> None:
        self._heap = heap
        self._buckets = buckets
        self._moved = moved

    def find(self, *name: bytes) -> int:
        """Its place; 0: there is none."""
        return self._found(*_digest(name))

    def made(self, owner: int, *name: bytes) -> int:
        """Its place; made as the first of the list that begins at `owner` if there is none."""
        left, right = _digest(name)
        if place := self._found(left, right):
            return place
        words, bucket = self._heap.words, self._bucket(left)
        place = self._heap.take(SIZE)
        words[place + CHAIN], words[place + LEFT], words[place + RIGHT] = words[bucket], left, right
        words[place + NEXT] = words[owner]
        words[bucket] = words[owner] = place
        return place

    def listed(self, owner: int) -> Iterator[int]:
        """Those of the list; the one that was told last may be given back meanwhile."""
        place = self._heap.words[owner]
        while place:
            following = self._heap.words[place + NEXT]
            yield place
            place = following

    def give_back(self, owner: int, place: int) -> None:
        words = self._heap.words
        self._unlink(self._bucket(words[place + LEFT]), CHAIN, place)
        self._unlink(owner, NEXT, place)
        if text := words[place + TEXT]:
            self._heap.erase(text)
        self._heap.give_back(place, SIZE)
        words[self._moved] += 1

    def _found(self, left: int, right: int) -> int:
        words = self._heap.words
        place = words[self._bucket(left)]
        while place and (words[place + LEFT] != left or words[place + RIGHT] != right):
            place = words[place + CHAIN]
        return place

    def _bucket(self, left: int) -> int:
        return self._buckets + left % BUCKETS

    def _unlink(self, begin: int, link: int, place: int) -> None:
        """From the list that begins at the word `begin` and goes on at the word `link` of each record."""
        words, at = self._heap.words, begin
        while words[at] != place:
            at = words[at] + link
        words[at] = words[place + link]


def _digest(name: tuple[bytes, ...]) -> tuple[int, int]:
    """None but the last part of a name holds the octet 0."""
    left, right = DIGEST.unpack(blake2b(b"\0".join(name), digest_size=DIGEST.size).digest())
    return left, right
