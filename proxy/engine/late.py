"""What is made when it is needed first."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock


class Late[T]:
    """A call gives what `make` makes, once, for the first who calls; any thread may."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make
        self._lock = Lock()
        self._made: T

    def __call__(self) -> T:
        with self._lock:
            if self._make is not None:
                self._made, self._make = self._make(), None
            return self._made
