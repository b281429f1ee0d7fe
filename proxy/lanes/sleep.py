"""The sleep of an event loop, in which other threads may have its turn."""

from __future__ import annotations

import selectors
from threading import Lock


class Sleep(selectors.DefaultSelector):
    """The selector of a loop: while the loop waits in it, its turn can be borrowed.

    The loop goes on when it has its turn back, so that whoever has it may use whatever is the loop's alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._turn = Lock()
        self._turn.acquire()
        self._is_over = True

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:  # it only looks
            return super().select(timeout)
        self._is_over = False
        self._turn.release()
        try:
            return super().select(timeout)
        finally:
            self._is_over = True  # before it waits: nobody else gets the turn first, again and again
            self._turn.acquire()

    def borrow(self) -> bool:
        """Takes the turn, if it is to be had, and does not wait for it."""
        return not self._is_over and self._turn.acquire(blocking=False)

    def give_back(self) -> None:
        self._turn.release()
