"""What a session knows of limits: its counters, and the limits that it chose for itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from peertape.config.limits import Limits
from peertape.proxy.engine.limits.counters import Counters


@dataclass(slots=True)
class LimitsState:
    """Kept in the session's memory, which a reset clears."""

    counters: Counters = field(default_factory=Counters)
    chosen: Limits | None = None  # None: the run's

    def choose(self, limits: Limits) -> None:
        """From now on; counted anew, as an instance does that was started anew with them."""
        self.chosen = limits
        self.counters.clear()
