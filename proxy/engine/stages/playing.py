"""The stages that play cassettes, in their order."""

from __future__ import annotations

from collections.abc import Sequence

from peertape.proxy.engine.chain import Stage
from peertape.proxy.engine.nearest import Explainer
from peertape.proxy.engine.stages.contract import ContractStage, StandingStage
from peertape.proxy.engine.stages.dates import DateStage
from peertape.proxy.engine.stages.miss import MissStage
from peertape.proxy.engine.stages.recorded import RecordedStage
from peertape.proxy.engine.stages.visitor import VisitorStage
from peertape.proxy.engine.twin.late import LateTwin


def playing(
    recorded: RecordedStage,
    explainer: Explainer,
    twin: LateTwin | None = None,
    between: Sequence[Stage] = (),
    last: Sequence[Stage] = (),
    first: Sequence[Stage] = (),
) -> list[Stage]:
    """`first` stands before all that plays or judges; `between` behind what was recorded of the user, and before what
    was recorded of visitors; `last` behind all that knows an answer.
    """
    before = [StandingStage(twin)] if twin else []
    behind = [ContractStage(twin)] if twin else []
    visitor = VisitorStage(explainer.shelf, recorded)
    return [DateStage(), *first, *before, recorded, *between, visitor, *behind, *last, MissStage(explainer)]
