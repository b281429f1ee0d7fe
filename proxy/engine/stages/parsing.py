"""What PeerTube refuses before its routers look at a request: a body that cannot be parsed, a head that is too large.

These answers have no CORS headers and are not limited. A recording of just this request wins.
"""

from __future__ import annotations

from dataclasses import replace

from peertape.cassettes.headers import Headers
from peertape.config.routers import Routers
from peertape.proxy.engine.chain import Rest, Stage
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.stages.dates import DateStage
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.bodies import body_fault, head_is_too_large

NOTHING = Answer(501, Headers(), source=Source.MISS)


class ParsingStage:
    def __init__(self, routers: Routers, answers: Answers, recorded: Stage) -> None:
        self._routers = routers
        self._answers = answers
        self._recorded = recorded

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        refusal = self._refusal(request, session.clock.now())
        if refusal is None:
            return rest(request)
        recorded = exactly_recorded(self._recorded, request, session)
        # What a recording overlooks may be just what is refused: a header of no meaning, but of a size.
        return recorded if recorded is not None and recorded.status == refusal.status else refusal

    def _refusal(self, request: Request, now: float) -> Answer | None:
        if head_is_too_large(request, self._routers.bodies):
            return self._answers.bare(431, [("Connection", "close")])
        if request.path.lower().startswith("/socket.io/"):  # never comes to the body parsers
            return None
        fault = body_fault(request, self._routers.bodies)
        if fault is None:
            return None
        return self._answers.problem(request, now, fault.status, fault.detail, code=fault.code, parsed=False)


def exactly_recorded(recorded: Stage, request: Request, session: Session) -> Answer | None:
    """What was recorded of this very request, asked by the same user."""
    answer = DateStage().answer(request, session, lambda asked: recorded.answer(asked, session, lambda _: NOTHING))
    return answer if answer.source is Source.RECORDED and dict(answer.remark).get("match") != "tolerant" else None


def unsettled(rest: Rest) -> Rest:
    """For a stage that did more than what the rest knows of."""
    return lambda request: replace(rest(request), settled=None)
