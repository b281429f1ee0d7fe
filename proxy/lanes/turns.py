"""What is looked at once in each turn of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class OncePerTurn[T]:
    """Tells what `look` told in this turn of the event loop.

    Nothing that came in after the look is told of it: callbacks run in the order in which they were scheduled, and the
    one that forgets was scheduled with the look.
    """

    def __init__(self, look: Callable[[], T]) -> None:
        self._look = look
        self._seen: tuple[asyncio.AbstractEventLoop, T] | None = None

    def __call__(self) -> T:
        loop = asyncio.get_running_loop()
        seen = self._seen
        if seen is not None and seen[0] is loop:
            return seen[1]
        told = self._look()
        self._seen = (loop, told)
        loop.call_soon(self._forget)
        return told

    def _forget(self) -> None:
        self._seen = None
