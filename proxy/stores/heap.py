"""Memory that forked processes share, dealt out in pieces. Who takes a piece or gives one back is alone meanwhile.

A place is the number of a word of 8 octets; no piece begins at 0, which stands for none. Pages of which nothing was
taken yet take no room in the machine.
"""

from __future__ import annotations

import mmap
import os
import struct

from peertape.proxy.engine.state.interface import StateLostError

ROOM = 1 << 32  # octets that may be dealt out in all
WORD = 8  # octets
PAGE = 32  # words of a piece of text
PAYLOAD = (PAGE - 1) * WORD  # octets; the first word tells where the text goes on
LENGTH = struct.Struct("=Q")


class Heap:
    """`sizes`: of the pieces, in words. `counters`: so many words, from `first` on, are what the owner wants."""

    def __init__(self, sizes: tuple[int, ...], counters: int, room: int = ROOM) -> None:
        sizes = (*sizes, PAGE)
        try:
            file = os.memfd_create("peertape")
            try:
                os.truncate(file, room)
                octets = memoryview(mmap.mmap(file, room))
            finally:
                os.close(file)
        except OSError as error:
            raise StateLostError(f"There is no memory that the workers could share: {error.strerror}.") from error
        self._octets = octets
        self.words = octets.cast("q")
        self.floats = octets.cast("d")
        self._end = 1  # the word that tells where nothing was taken yet
        self._free = {size: self._end + 1 + number for number, size in enumerate(sizes)}  # where those given back begin
        self.first = self._end + 1 + len(sizes)
        self.words[self._end] = self.first + counters

    @property
    def end(self) -> int:
        """Where nothing was taken yet."""
        return self.words[self._end]

    def take(self, size: int) -> int:
        """A piece of so many words, all of them 0."""
        words, free = self.words, self._free[size]
        place = words[free]
        if place:
            words[free] = words[place]
            self._octets[place * WORD : (place + size) * WORD] = bytes(size * WORD)
            return place
        place = words[self._end]
        if place + size > len(words):
            raise StateLostError("The memory that the workers share is full; --state redis://... holds more.")
        words[self._end] = place + size
        return place

    def give_back(self, place: int, size: int) -> None:
        """Its first word is used here then; the others stay until somebody takes it."""
        free = self._free[size]
        self.words[place] = self.words[free]
        self.words[free] = place

    def write(self, text: bytes) -> int:
        """The place of the text."""
        told = LENGTH.pack(len(text)) + text
        first = previous = 0
        for at in range(0, len(told), PAYLOAD):
            place = self.take(PAGE)
            part = told[at : at + PAYLOAD]
            begin = (place + 1) * WORD
            self._octets[begin : begin + len(part)] = part
            if previous:
                self.words[previous] = place
            else:
                first = place
            previous = place
        return first

    def read(self, place: int) -> bytes:
        parts = []
        while place:
            begin = (place + 1) * WORD
            parts.append(self._octets[begin : begin + PAYLOAD])
            place = self.words[place]
        told = b"".join(parts)
        (length,) = LENGTH.unpack_from(told)
        return told[LENGTH.size : LENGTH.size + length]

    def erase(self, place: int) -> None:
        while place:
            following = self.words[place]
            self.give_back(place, PAGE)
            place = following
