"""OPTIONS: a browser's preflight, answered as PeerTube's CORS layer does; exceptions stand in `routers.yaml`.

A recording of just this preflight wins. With `--on-miss error` this stage is not in the chain: what was not recorded is
then a miss, preflights too.
"""

from __future__ import annotations

from dataclasses import replace

from peertape.config.routers import Routers
from peertape.proxy.engine.chain import Rest, Stage
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.stages.parsing import exactly_recorded, unsettled
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.socketio import handshake_refusal
from peertape.proxy.engine.twin.wire import http_date

_REQUESTED = "access-control-request-headers"


class PreflightStage:
    def __init__(self, routers: Routers, answers: Answers, recorded: Stage) -> None:
        self._routers = routers
        self._answers = answers
        self._recorded = recorded

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        if request.method != "OPTIONS" or not request.path.startswith("/"):
            return rest(request)
        recorded = exactly_recorded(self._recorded, request, session)
        # What was not recorded of just this preflight was played all the same.
        return recorded or self._emulated(request, session.clock.now(), unsettled(rest))

    def _emulated(self, request: Request, now: float, rest: Rest) -> Answer:
        router = self._routers.router(request.method, request.path)
        match router.options:
            case "socket":
                return handshake_refusal(self._answers, request, now) or rest(request)
            case _ if self._routers.development:
                pass
            case "get":
                plain = request.headers.without("access-control-request-method", "access-control-request-headers")
                return _as_options(rest(replace(request, method="GET", headers=plain)))
            case [*methods]:
                allowed = ",".join(methods)
                return self._answers.text(request, now, 200, allowed, "text/html; charset=utf-8", [("Allow", allowed)])
        requested = ", ".join(request.headers.get_all(_REQUESTED)) or None
        headers = [*self._routers.preflight(router, requested), ("Date", http_date(now))]
        return self._answers.bare(204, headers)


def _as_options(answer: Answer) -> Answer:
    """What a GET is answered, played as the answer to OPTIONS."""
    if answer.source is not Source.RECORDED:
        return answer
    return replace(answer, source=Source.DERIVED, remark=(*answer.remark, ("derived", "options")))
