"""What thousands of answers have in common is kept once, and what one of them takes beside that can be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from sys import getsizeof
from typing import Any, cast

ENTRY = 128  # octets that a value takes in the dictionary of all


class Commons:
    """`room`: octets for what is kept here. When they are taken nothing is added: what is common came early."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._known: dict[object, Any] = {}
        self.taken = 0

    def share[T](self, value: T) -> T:
        """The one object for all equal values, and for the members of tuples: so it stays in the processor's cache."""
        members: Any = tuple(map(self.share, cast(tuple[object, ...], value))) if type(value) is tuple else value
        known = self._known.get(members)
        if known is not None:
            return cast(T, known)
        size = ENTRY + self.beside(members)
        if self.taken + size <= self._room:
            self.taken += size
            self._known[members] = members
        return cast(T, members)

    def beside(self, value: object) -> int:
        """The octets of a value and of its members, as far as they are not kept here."""
        if self._known.get(value) is value:
            return 0
        return getsizeof(value) + sum(map(self.beside, _members(value)))

    def clear(self) -> None:
        self._known.clear()
        self.taken = 0


def _members(value: object) -> Iterable[object]:
    if isinstance(value, tuple):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in fields(value)]
    return ()
