"""Errors on demand: any documented error of a request's route, whatever the rules would say to the request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

from peertape.config.faults import Fault, FaultError
from peertape.config.limits import Limits
from peertape.proxy.engine.limits.refusal import over
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.twin import rehearsal
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.case import Case
from peertape.proxy.engine.twin.catalogue import Catalogue, Catalogues, Choice, listed
from peertape.proxy.engine.twin.framing import with_cache_control
from peertape.proxy.engine.twin.given import Unread, given
from peertape.proxy.engine.twin.selection import touched
from peertape.proxy.engine.twin.twin import Twin
from peertape.proxy.engine.twin.verdict import Outcome, Verdict


class OnDemand:
    """`limits`: PeerTube's own. `twin` is made when it is first needed: most runs ask for nothing."""

    def __init__(self, twin: Callable[[], Twin], answers: Answers, limits: Limits) -> None:
        self._make = twin
        self._answers = answers
        self._limits = limits

    def catalogue(self, request: Request) -> Catalogue:
        return self._catalogues.of_request(request.method, request.path)

    def is_limit(self, choice: Choice) -> bool:
        return choice.documented.what is None

    def answer(self, choice: Choice, request: Request, session: Session) -> Answer:
        if choice.documented.what is None:
            return over(self._answers, self._limits, request, session.clock.now())
        found = self._twin.book.routes.find(request.method, request.path)
        assert found is not None  # else the catalogue had been empty
        if isinstance(given(request, found.params).body, Unread):
            request = replace(request, body=b"", body_digest=None)
        verdict = self._twin.informed(request, session, found, lambda case: _rehearsed(choice, case))
        assert verdict.answer is not None
        return verdict.answer

    def has(self, fault: Fault, request: Request) -> Choice | None:
        """The error that the fault names, if the request's route has it."""
        return self.catalogue(request).pick(fault.status, fault.example)

    @cached_property
    def _twin(self) -> Twin:
        return self._make()

    @cached_property
    def _catalogues(self) -> Catalogues:
        return Catalogues(self._twin.book, self._limits)


def _rehearsed(choice: Choice, case: Case) -> Verdict:
    case.session = Session("rehearsal")  # the session shall not remember what was only rehearsed
    return with_cache_control(Verdict(Outcome.REFUSED, rehearsal.made(choice, case)), case)


def demand_documented(faults: Sequence[Fault], catalogues: Callable[[], Catalogues]) -> None:
    """FaultError for an error that no route has, or none of those that the fault can strike."""
    for fault in faults:
        if fault.example is None:
            continue
        known = catalogues()
        routes = touched(known.book, fault.where)
        if not any(known.of_contract(route).pick(fault.status, fault.example) for route in routes):
            same = {str(e): e for route in routes for e in known.of_contract(route) if e.status == fault.status}
            where = fault.where.text if fault.where else "PeerTube"
            others = listed(same.values()) if same else f"no errors of status {fault.status}"
            raise FaultError(f"{str(fault)!r} is no fault: {where} has {others}; see `peertape errors`.")
