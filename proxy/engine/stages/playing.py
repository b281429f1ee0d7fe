"""The stages that play cassettes, in their order."""

from __future__ import annotations

from peertape.proxy.engine.chain import Stage
from peertape.proxy.engine.nearest import Explainer
from peertape.proxy.engine.stages.dates import DateStage
from peertape.proxy.engine.stages.miss import MissStage
from peertape.proxy.engine.stages.recorded import RecordedStage
from peertape.proxy.engine.stages.visitor import VisitorStage


def playing(recorded: RecordedStage, explainer: Explainer, *between: Stage) -> list[Stage]:
    """`between` stands behind what was recorded of the user, and before what was recorded of visitors."""
    return [DateStage(), recorded, *between, VisitorStage(explainer.shelf, recorded), MissStage(explainer)]
