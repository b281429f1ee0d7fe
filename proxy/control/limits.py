"""The rate limits of a session, told and changed."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from peertape.config import limits as rates
from peertape.config.limits import Limits, LimitsError
from peertape.proxy.engine.limits.counters import milliseconds
from peertape.proxy.engine.limits.state import LimitsState, choose
from peertape.proxy.engine.session import Session


class LimitsMessage(BaseModel):
    """`limits`: a name, or the buckets themselves; `reset`: every window is closed."""

    model_config = ConfigDict(extra="forbid")

    limits: str | dict[str, Any] | None = None
    reset: bool = False


def told(session: Session, of_run: Limits) -> dict[str, Any]:
    """The session's limits, and the windows that are open by its clock; times in seconds."""
    limits = session.recall(LimitsState).chosen or of_run
    now = milliseconds(session.clock.now())
    windows = [
        {
            "bucket": bucket,
            "address": address,
            "used": window.used,
            "remaining": max(0, limits.buckets[bucket].max - window.used),
            "resets_in": (window.ends - now) / 1000,
        }
        for (bucket, address), window in sorted(session.counters.open(now), key=lambda item: item[0])
        if bucket in limits.buckets
    ]
    return {
        "session": session.name,
        "limits": limits.name,
        "buckets": {
            name: {"window": bucket.window / 1000, "max": bucket.max} for name, bucket in limits.buckets.items()
        },
        "windows": windows,
    }


def change(session: Session, wish: LimitsMessage, of_run: Limits) -> None:
    """LimitsError with a sentence."""
    if wish.limits is None and not wish.reset:
        raise LimitsError("Say `limits` (peertube, peertube*10, off, or buckets) or `reset` (true).")
    if wish.limits is not None:
        choose(session, _wished(wish.limits, of_run))
    if wish.reset:
        session.counters.clear()


def _wished(wish: str | dict[str, Any], of_run: Limits) -> Limits:
    if isinstance(wish, dict):
        return rates.custom(wish, "custom", of_run.version)
    limits = rates.named(wish, of_run.version)
    if limits is None:
        raise LimitsError(
            f"There are no limits {wish!r}; write peertube, peertube*10 or off, or the buckets themselves."
        )
    return limits
