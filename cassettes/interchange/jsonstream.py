"""Reading a JSON document in order, so that a list in it need not stand in memory whole.

Python's own scanner reads each value. ijson's in C takes half again as long, and refuses lone surrogates, by which
mitmproxy spells octets that are no text.
"""

from __future__ import annotations

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Any, BinaryIO

_PIECE = 256 * 1024  # octets of the file that are read at once
_OF_NUMBERS = "0123456789.eE+-"
_SPACE = re.compile(r"[ \t\r\n]*")


class JsonStream:
    """What comes next is read whole by `value`, or item by item. All raise ValueError or RecursionError on damage."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = getincrementaldecoder("utf-8-sig")()
        self._scan = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._ended = False

    def begins(self, mark: str) -> bool:
        """Whether that character comes next."""
        return self._next() == mark

    def value(self) -> Any:
        while True:
            self._next()
            try:
                value, stop = self._scan(self._text, self._at)
                if self._ended or self._text[stop : stop + 1] not in _OF_NUMBERS:  # else a number may go on
                    self._at = stop
                    return value
            except ValueError:  # also where it goes on behind what was read of the file
                if self._ended:
                    raise
            self._read_on()

    def members(self) -> Iterator[str]:
        """The names in the object that comes next; before the next name the member is to be read."""
        self._take("{")
        if self._took("}"):
            return
        while True:
            if not self.begins('"'):
                raise ValueError(f"{self._next() or 'the end'} stands where a name should")
            name: str = self.value()
            self._take(":")
            yield name
            if self._took("}"):
                return
            self._take(",")

    def items(self) -> Iterator[Any]:
        """The values in the list that comes next."""
        self._take("[")
        if self._took("]"):
            return
        while True:
            yield self.value()
            if self._took("]"):
                return
            self._take(",")

    def end(self) -> None:
        """Nothing may come any more."""
        self._take("")

    def _take(self, mark: str) -> None:
        if (found := self._next()) != mark:
            raise ValueError(f"{found or 'the end'} stands where {mark or 'the end'} should")
        self._at += len(mark)

    def _took(self, mark: str) -> bool:
        if self._next() != mark:
            return False
        self._at += 1
        return True

    def _next(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            assert space is not None
            self._at = space.end()
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._read_on()

    def _read_on(self) -> None:
        """As much as is held, at least: else what is long would be read again for each piece."""
        rest = self._text[self._at :]
        data = self._file.read(max(_PIECE, len(rest)))
        self._ended = not data
        self._text, self._at = rest + self._decoder.decode(data, final=self._ended), 0
