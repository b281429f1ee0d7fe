"""The faults and the latency of a session, told and changed."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from peertape.config.faults import FaultError, fault, latency
from peertape.proxy.engine.faults.active import Faults
from peertape.proxy.engine.session import Session

MOST = 100


class FaultsMessage(BaseModel):
    """As the options of the command line. What is absent stays as it is; an empty list of faults clears them."""

    model_config = ConfigDict(extra="forbid")

    faults: Annotated[list[str], Field(max_length=MOST)] | None = None
    latency: str | None = None
    seed: Annotated[int, Field(strict=True, ge=0)] | None = None


def told(session: Session, faults: Faults) -> dict[str, Any]:
    active = faults.of(session)
    return {
        "session": session.name,
        "faults": [
            {"fault": str(fault), "struck": active.struck[position], "left": active.left(position)}
            for position, fault in enumerate(active.plan.faults)
        ],
        "latency": str(active.plan.latency),
        "seed": active.plan.seed,
    }


def change(session: Session, wish: FaultsMessage, faults: Faults) -> None:
    """FaultError with a sentence."""
    if not wish.model_fields_set:
        raise FaultError('Say `faults` (a list, for example ["503*2@GET /api/v1/videos"]), `latency` or `seed`.')
    faults.change(
        session,
        None if wish.faults is None else [fault(text) for text in wish.faults],
        None if wish.latency is None else latency(wish.latency),
        wish.seed,
    )
