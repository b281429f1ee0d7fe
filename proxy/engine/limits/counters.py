"""Fixed windows: the first request opens one, and what comes until it ends is counted in it.

Times are whole milliseconds, as the server's clock gives them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MOST = 10_000  # windows that are kept before those that ended are dropped: a client may name any address

Key = tuple[str, str]  # bucket, address of the client


def milliseconds(seconds: float) -> int:
    """Rounded: a clock that was moved by whole seconds shall end a window of whole seconds."""
    return round(seconds * 1000)


@dataclass(slots=True)
class Window:
    opened: int
    ends: int
    used: int = 0

    def holds(self, now: int) -> bool:
        """Whether it is still open; a clock that was set back closes it as well."""
        return self.opened <= now < self.ends


@dataclass(slots=True)
class Counters:
    windows: dict[Key, Window] = field(default_factory=dict)

    def count(self, key: Key, length: int, now: int) -> Window:
        """Counts one request, in a new window if there is none open."""
        window = self.windows.get(key)
        if window is None or not window.holds(now):
            if len(self.windows) >= MOST:
                self._drop(now)
            window = self.windows[key] = Window(now, now + length)
        window.used += 1
        return window

    def give_back(self, key: Key) -> None:
        """Takes one request back, as if it had not been counted."""
        window = self.windows.get(key)
        if window is not None and window.used > 0:
            window.used -= 1

    def open(self, now: int) -> Iterator[tuple[Key, Window]]:
        return ((key, window) for key, window in self.windows.items() if window.holds(now))

    def clear(self) -> None:
        self.windows.clear()

    def _drop(self, now: int) -> None:
        """Those that ended; and if that is none, the one that was opened first."""
        self.windows = dict(self.open(now))
        if len(self.windows) >= MOST:
            self.windows.pop(next(iter(self.windows)))
