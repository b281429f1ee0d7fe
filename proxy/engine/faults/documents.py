"""What the faults answer: PeerTube's own words where it has some."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from peertape.config.faultfacts import FaultFacts
from peertape.config.faults import EXPIRED_TOKEN, Fault
from peertape.config.limits import Limits
from peertape.proxy.engine.faults.marks import marked
from peertape.proxy.engine.limits.refusal import over
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.stages.miss import CORS
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.wire import reason

if TYPE_CHECKING:
    from peertape.proxy.engine.ondemand import OnDemand

REFUSALS = 400  # and above


class Documents:
    """`limits` are PeerTube's own, whatever the run's are. `documented`: the errors of routes."""

    def __init__(
        self, answers: Answers, facts: FaultFacts, limits: Limits, documented: Callable[[], OnDemand] | None = None
    ) -> None:
        self._answers = answers
        self._limits = limits
        self._documented = documented
        self.facts = facts

    def can_be(self, fault: Fault, request: Request) -> bool:
        """Whether the request's route has the error that the fault names."""
        if fault.example is None:
            return True
        return self._documented is not None and self._documented().has(fault, request) is not None

    def error(self, fault: Fault, request: Request, session: Session) -> Answer:
        """The documented error that the fault names; only where it can be."""
        assert self._documented is not None
        documented = self._documented()
        choice = documented.has(fault, request)
        assert choice is not None
        return marked(documented.answer(choice, request, session), fault)

    def of(self, fault: Fault, request: Request, now: float) -> Answer:
        """The answer of `expired-token`, or of a status."""
        return marked(self._made(fault, request, now), fault)

    def stand_in(self, request: Request, now: float) -> Answer:
        """A body to be cut where an instance is not asked for its own, and none was recorded."""
        return self._answers.json(request, now, 200, {"detail": "A fault cut this body: nothing was recorded for it."})

    def _made(self, fault: Fault, request: Request, now: float) -> Answer:
        if fault.name == EXPIRED_TOKEN:
            token = self.facts.expired_token
            return self._answers.problem(request, now, token.status, token.detail, code=token.code)
        status = int(fault.name)
        if status == self._limits.facts.refusal.status:
            return over(self._answers, self._limits, request, now)
        if status in self.facts.front.statuses:
            return self._from_the_front(request, status)
        if status < REFUSALS:
            return self._answers.empty(request, now, status)
        return self._answers.problem(request, now, status, reason(status))

    def _from_the_front(self, request: Request, status: int) -> Answer:
        """A page; with CORS all the same, so that a browser app sees the status."""
        line = f"{status} {reason(status)}"
        page = f"<html>\n<head><title>{line}</title></head>\n<body><h1>{line}</h1></body>\n</html>\n".encode()
        headers = (*CORS, ("Content-Type", self.facts.front.type), ("Content-Length", str(len(page))))
        return self._answers.bare(status, headers, b"" if request.method == "HEAD" else page)
