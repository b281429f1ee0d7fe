"""Tells those who wait within a session that something has happened: its clock was moved, a message came, a write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Bell:
    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def ring(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    @contextmanager
    def heard_by(self, listener: Callable[[], None]) -> Iterator[None]:
        """`listener` is called at every ring, and is to return at once."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)
