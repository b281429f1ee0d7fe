"""Tells those who wait within a session that something has happened: its clock was moved, a message came, a write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Notifier:
    """`every`: seconds after which to look all the same, where something may happen of which nobody notifies."""

    def __init__(self, every: float | None = None) -> None:
        self.every = every
        self._listeners: list[Callable[[], None]] = []

    def notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def at_most(self, seconds: float | None) -> float | None:
        """How long to wait for it where one would have waited so long; None: for ever."""
        return min((wait for wait in (seconds, self.every) if wait is not None), default=None)

    @contextmanager
    def subscribed(self, listener: Callable[[], None]) -> Iterator[None]:
        """`listener` is called with each `notify`, and is to return at once."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)
