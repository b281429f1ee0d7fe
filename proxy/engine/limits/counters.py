"""Fixed windows: the first request opens one, and what comes until it ends is counted in it.

Times are whole milliseconds, as the server's clock gives them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

MOST = 10_000  # windows that are kept before those that ended are dropped: a client may name any address

Key = tuple[str, str]  # bucket, address of the client


def milliseconds(seconds: float) -> int:
    """Rounded: a clock that was moved by whole seconds shall end a window of whole seconds."""
    return round(seconds * 1000)


@dataclass(frozen=True, slots=True)
class Charge:
    """A window in which a request is to be counted: of `length` milliseconds, over after `most` requests."""

    key: Key
    length: int
    most: int


@dataclass(slots=True)
class Window:
    opened: int
    ends: int
    used: int = 0

    def holds(self, now: int) -> bool:
        """Whether it is still open; a clock that was set back closes it as well."""
        return self.opened <= now < self.ends


@dataclass(slots=True)
class LocalCounters:
    """In this process. A window that was given out goes on counting."""

    windows: dict[Key, Window] = field(default_factory=dict)

    def charge(self, charges: Sequence[Charge], now: int) -> list[Window]:
        found: list[Window] = []
        for charge in charges:
            window = self.windows.get(charge.key)
            if window is None or not window.holds(now):
                if len(self.windows) >= MOST:
                    self._drop(now)
                window = self.windows[charge.key] = Window(now, now + charge.length)
            window.used += 1
            found.append(window)
            if window.used > charge.most:
                break
        return found

    def charge_all(self, charges: Sequence[Charge], now: int) -> list[Window] | None:
        """Counts in all of them, or in none (then None) if one would be over."""
        windows = []
        for charge in charges:
            window = self.windows.get(charge.key)
            if window is not None and window.opened <= now < window.ends:
                if window.used >= charge.most:
                    return None
                windows.append(window)
            elif charge.most <= 0:
                return None
        if len(windows) < len(charges):
            return self.charge(charges, now)
        for window in windows:
            window.used += 1
        return windows

    def give_back(self, keys: Iterable[Key]) -> None:
        for key in keys:
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
