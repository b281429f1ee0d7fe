"""The faults and the latency of a run: its stages, and what it says of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from peertape.config import faultfacts, limits
from peertape.config.faults import Fault, FaultError, fault, latency
from peertape.config.settings import Settings, SettingsError
from peertape.proxy.engine.chain import Engine, Stage
from peertape.proxy.engine.faults.active import Faults
from peertape.proxy.engine.faults.documents import Documents
from peertape.proxy.engine.faults.plan import SEEDS, Plan
from peertape.proxy.engine.stages.faults import FaultStage
from peertape.proxy.engine.stages.latency import LatencyStage
from peertape.proxy.engine.stages.live import LiveStage
from peertape.proxy.engine.stages.preferred import PreferenceStage
from peertape.proxy.engine.stages.source import SourceStage
from peertape.proxy.engine.twin.answers import Answers

if TYPE_CHECKING:
    from peertape.proxy.engine.ondemand import OnDemand


def seed(settings: Settings) -> int:
    """Without one it is drawn: what a session asks for later shall be repeatable as well."""
    return secrets.randbelow(SEEDS) if settings.seed is None else settings.seed


def plan(settings: Settings) -> Plan:
    return Plan(tuple(map(fault, settings.fault)), latency(settings.latency), seed(settings))


def seed_note(settings: Settings, plan: Plan) -> list[str]:
    """Said at the start, where chance has a say and nobody named a seed."""
    if settings.seed is not None or not plan.is_random:
        return []
    return [f"chance begins with seed {plan.seed}; --seed {plan.seed} repeats it"]


def active(settings: Settings, version: str) -> Faults:
    """FaultError where a fault names an error that no route has. `version`: of the rules."""

    def check(faults: Sequence[Fault]) -> None:
        if all(fault.example is None for fault in faults):
            return
        from peertape.proxy.engine.ondemand import demand_documented
        from peertape.proxy.engine.twin.catalogue import Catalogues
        from peertape.proxy.engine.twin.contract import book

        demand_documented(faults, lambda: Catalogues(book(version), limits.load(version)))

    planned = plan(settings)
    try:
        check(planned.faults)
    except FaultError as error:
        raise SettingsError(f"fault: {error}") from error
    return Faults(planned, check)


def stages(faults: Faults, answers: Answers, version: str, documented: Callable[[], OnDemand]) -> list[Stage]:
    """Of a replay."""
    return [LatencyStage(faults), FaultStage(faults, documents(answers, version, documented))]


def stages_behind_gate(faults: Faults) -> list[Stage]:
    """Of what answers while an instance is away: the gate has seen to all but what only the recording knows."""
    return [LatencyStage(faults, only_recorded=True)]


def gate(
    faults: Faults,
    answers: Answers,
    version: str,
    source: SourceStage,
    bodies: Engine,
    documented: Callable[[], OnDemand],
) -> Engine:
    """Stands before the instance: what is struck or preferred does not reach it, and all the rest is its own (`live`).

    `bodies` gives those that are cut.
    """
    struck = FaultStage(faults, documents(answers, version, documented), bodies.answer)
    return Engine([source, LatencyStage(faults), struck, PreferenceStage(documented), LiveStage()])


def documents(answers: Answers, version: str, documented: Callable[[], OnDemand]) -> Documents:
    return Documents(answers, faultfacts.load(version), limits.load(version), documented)
