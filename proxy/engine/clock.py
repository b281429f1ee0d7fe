"""The virtual clock of a session. It runs with the real one until it is set, moved or stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

State = tuple[float, float | None, float | None]  # offset, stopped at, timeline

RUNNING: State = (0.0, None, None)  # with the real one
WITHIN = 0.000999  # seconds: clients tell moments in milliseconds, and what was answered within one was answered by it


@dataclass(slots=True)
class Clock:
    """`timeline` is None until the clock was set with `at`; from then on it says up to when the recording is known.

    It does not run by itself: what a request is told must not hang on the milliseconds since the clock was set.
    """

    real: Callable[[], float] = field(default=time.time)
    _offset: float = 0.0
    _stopped_at: float | None = None
    timeline: float | None = None
    changed: Callable[[], None] = field(default=lambda: None)  # called after every change by hand

    def now(self) -> float:
        """Epoch seconds."""
        return self._stopped_at if self._stopped_at is not None else self.real() + self._offset

    @property
    def known_until(self) -> float | None:
        """The last moment at which an answer counts as recorded by then; None: all of them do."""
        return None if self.timeline is None else self.timeline + WITHIN

    @property
    def frozen(self) -> bool:
        return self._stopped_at is not None

    def until(self, at: float) -> float | None:
        """Seconds of real time until that moment has come; None if the clock stands still before it."""
        if at <= self.now():
            return 0.0
        return None if self.frozen else at - self.now()

    def set(self, at: float) -> None:
        self._move_to(at)
        self.timeline = at
        self.changed()

    def advance(self, seconds: float) -> None:
        self._move_to(self.now() + seconds)
        if self.timeline is not None:
            self.timeline += seconds
        self.changed()

    def freeze(self, stop: bool) -> None:
        if stop:
            self._stopped_at = self.now()
        elif self._stopped_at is not None:
            self._offset = self._stopped_at - self.real()
            self._stopped_at = None
        self.changed()

    def reset(self) -> None:
        self.restore(RUNNING)
        self.changed()

    def state(self) -> State:
        """What makes another clock, on a machine with the same real time, the same as this one."""
        return self._offset, self._stopped_at, self.timeline

    def restore(self, state: State) -> None:
        """As that one was; not a change by hand."""
        self._offset, self._stopped_at, self.timeline = state

    def _move_to(self, at: float) -> None:
        if self._stopped_at is not None:
            self._stopped_at = at
        else:
            self._offset = at - self.real()
