"""The stages around PeerTube's routes: what is answered before a route is found, and where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from peertape.config.routers import Routers
from peertape.proxy.engine.chain import Stage
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.stages.malformed import MalformedPathStage
from peertape.proxy.engine.stages.parsing import ParsingStage
from peertape.proxy.engine.stages.preflight import PreflightStage
from peertape.proxy.engine.stages.unknown import UnknownStage
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.late import LateTwin


@dataclass(frozen=True, slots=True)
class Outside:
    """Nothing of it where nothing is emulated: with `--on-miss error` preflights too are played if recorded."""

    before_limits: tuple[Stage, ...] = ()
    before_routes: tuple[Stage, ...] = ()
    behind_routes: tuple[Stage, ...] = ()

    @classmethod
    def of(cls, routers: Routers, answers: Answers, twin: LateTwin, shelf: Shelf, recorded: Stage) -> Self:
        return cls(
            (PreflightStage(routers, answers, recorded), ParsingStage(routers, answers, recorded)),
            (MalformedPathStage(answers, twin.knows, recorded),),
            (UnknownStage(routers, answers, twin.knows, shelf, recorded),),
        )
