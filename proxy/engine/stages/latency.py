"""Slow on demand: tells the lane how long to wait before it sends an answer."""

from __future__ import annotations

from dataclasses import replace

from peertape.config.faults import Kind
from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.faults.active import Faults
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session


class LatencyStage:
    """`only_recorded`: where every request has waited before, but for what only the recording knows."""

    def __init__(self, faults: Faults, *, only_recorded: bool = False) -> None:
        self._faults = faults
        self._only_recorded = only_recorded

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        answer = rest(request)
        active = self._faults.of(session)
        if self._only_recorded and active.plan.latency.kind is not Kind.RECORDED:
            return answer
        if active.plan.latency.is_random:
            answer = replace(answer, settled=None)
            with self._faults.striking(session) as drawing:
                delay = drawing.delay(request, answer)
        else:
            delay = active.delay(request, answer)
        return replace(answer, delay=delay) if delay else answer
