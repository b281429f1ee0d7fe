"""Whether the instance is there, as far as the last requests could tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

RETRY = 2.0  # seconds after a failure in which the instance is not asked again


class Presence:
    """`say` is told of every change, once. While the instance is away, one request tries again now and then."""

    def __init__(
        self,
        say: Callable[[str], None],
        patience: float,
        name: str = "the instance",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`patience`: seconds that a request waits for an answer."""
        self._name = name
        self._say = say
        self._claim = max(RETRY, patience)
        self._clock = clock
        self._away = False
        self._offline = False
        self._next_try = 0.0

    def may_ask(self) -> bool:
        """Whether the next request goes to the instance. Whoever asks while it is away is the one that tries."""
        if self._offline:
            return False
        if not self._away:
            return True
        if self._clock() < self._next_try:
            return False
        self._next_try = self._clock() + self._claim  # the others need not wait for what this one finds out
        return True

    @property
    def is_away(self) -> bool:
        return self._away or self._offline

    def answered(self) -> None:
        if self._away and not self._offline:
            self._away = False
            self._say(f"{self._name} is back")

    def failed(self, reason: str) -> None:
        self._next_try = self._clock() + RETRY
        self._leave(reason)

    def go_offline(self, offline: bool) -> None:
        """A rehearsal: nothing is asked until it ends; then the next request tries."""
        self._offline = offline
        if offline:
            self._leave("switched off by the control API")
        else:
            self._next_try = self._clock()

    def _leave(self, reason: str) -> None:
        if not self._away:
            self._away = True
            self._say(f"{self._name} is away ({reason}): the recording answers")


class Presences:
    """By origin: through the forward proxy an app may ask more than the one instance."""

    def __init__(self, upstream: str, patience: float, say: Callable[[str], None]) -> None:
        self._patience = patience
        self._say = say
        self._offline = False
        self._known = {_spelled(upstream): Presence(say, patience)}

    def of(self, origin: str) -> Presence:
        """`origin` with its port."""
        if origin not in self._known:
            self._known[origin] = Presence(self._say, self._patience, origin)
            if self._offline:
                self._known[origin].go_offline(True)
        return self._known[origin]

    def go_offline(self, offline: bool) -> None:
        self._offline = offline
        for presence in self._known.values():
            presence.go_offline(offline)


def _spelled(url: str) -> str:
    """An origin with its port."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or {'http': 80, 'https': 443}[parts.scheme]}"
