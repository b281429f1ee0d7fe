"""Broken on demand: what a fault strikes is not answered as it would have been."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from peertape.cassettes.headers import Headers
from peertape.config.faults import CUT_BODY, RESET, STALL, Fault
from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.faults.active import Active, Faults
from peertape.proxy.engine.faults.documents import Documents
from peertape.proxy.engine.faults.marks import marked
from peertape.proxy.engine.model import Answer, Delivery, Request, Source
from peertape.proxy.engine.session import Session

BROKEN_BODIES = {CUT_BODY: Delivery.CUT, STALL: Delivery.STALL}

Bodies = Callable[[Request, Session], Answer]


class FaultStage:
    """`bodies` gives the bodies that are cut where the rest of the chain would ask an instance."""

    def __init__(self, faults: Faults, documents: Documents, bodies: Bodies | None = None) -> None:
        self._faults = faults
        self._documents = documents
        self._bodies = bodies

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        if not self._faults.of(session).plan.faults:
            return rest(request)
        with self._faults.striking(session) as active:
            return self._answer(request, session, active, rest)

    def _answer(self, request: Request, session: Session, active: Active, rest: Rest) -> Answer:
        tokens = self._documents.facts.expired_token
        position = active.choose(request, tokens, self._documents.can_be)
        if position is None:
            answer = rest(request)
            active.note(request, answer, tokens)
            return replace(answer, settled=None) if answer.settled and active.may_strike(request) else answer
        fault = active.plan.faults[position]
        if fault.name in BROKEN_BODIES:
            whole = self._whole(request, session, rest)
            if not _has_body(request, whole):  # there is nothing to cut
                return whole if self._bodies is None else rest(request)
            active.strike(position)
            return _broken(whole, fault)
        active.strike(position)
        if fault.name == RESET:
            return marked(Answer(0, Headers(), delivery=Delivery.RESET), fault)
        if fault.example is not None:
            return self._documents.error(fault, request, session)
        return self._documents.of(fault, request, session.clock.now())

    def _whole(self, request: Request, session: Session, rest: Rest) -> Answer:
        if self._bodies is None:
            return rest(request)
        answer = self._bodies(request, session)
        return self._documents.stand_in(request, session.clock.now()) if answer.source is Source.MISS else answer


def _has_body(request: Request, answer: Answer) -> bool:
    """A miss is no answer that could be cut: it is to be seen."""
    bodiless = request.method == "HEAD" or answer.status in (204, 304)
    return answer.source is not Source.MISS and not bodiless and answer.body.size > 0


def _broken(whole: Answer, fault: Fault) -> Answer:
    """Its head tells the whole length, so that the client can notice."""
    headers = whole.headers
    if "content-length" not in headers and "transfer-encoding" not in headers:
        headers = headers.added("Content-Length", str(whole.body.size))
    return marked(replace(whole, headers=headers, delivery=BROKEN_BODIES[fault.name]), fault)
