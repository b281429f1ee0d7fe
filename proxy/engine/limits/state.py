"""The limits that a session chose for itself."""

from __future__ import annotations

from dataclasses import dataclass

from peertape.config.limits import Limits
from peertape.proxy.engine.session import Session


@dataclass(slots=True)
class LimitsState:
    """Kept in the session's memory, which a reset clears."""

    chosen: Limits | None = None  # None: the run's


def choose(session: Session, limits: Limits) -> None:
    """From now on; counted anew, as an instance does that was started anew with them."""
    with session.changing(LimitsState) as state:
        state.chosen = limits
    session.counters.clear()
