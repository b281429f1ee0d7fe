"""The contract: what PeerTube refuses by its rules. Two places in the chain, one twin.

Without a timeline a recording knows better than the rules, so that they stand behind it. With the clock set, a
recorded success may be of before a change: then the rules are asked first whether PeerTube would still do it. What
they would have refused then as well, they refuse out of ignorance.
"""

from __future__ import annotations

from dataclasses import replace

from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.twin import tokens
from peertape.proxy.engine.twin.late import LateTwin
from peertape.proxy.engine.twin.verdict import Outcome


class ContractStage:
    """Stands behind what is recorded."""

    def __init__(self, twin: LateTwin) -> None:
        self._twin = twin

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        return self._twin().judge(request, session).answer or rest(request)


class StandingStage:
    """Stands before what is recorded: whether a success still holds, by the moment, the token and the Host."""

    def __init__(self, twin: LateTwin) -> None:
        self._twin = twin

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        answer = rest(request)
        is_played = answer.source in (Source.RECORDED, Source.DERIVED) and answer.status < 400
        at_once = is_played and (tokens.is_over(request, session) or self._twin.is_foreign(request))
        if is_played and (refusal := self._refusal(request, session, answer, at_once=at_once)):
            return refusal
        tokens.note(request, session, answer)
        if answer.settled is None:
            return answer
        ends = min(answer.settled.ends, tokens.ends_of(request, session))
        return replace(answer, settled=None if at_once else replace(answer.settled, ends=ends))

    def _refusal(self, request: Request, session: Session, answer: Answer, *, at_once: bool) -> Answer | None:
        if not at_once and session.clock.timeline is None:
            return None
        verdict = self._twin().judge(request, session)
        if verdict.outcome is not Outcome.REFUSED or verdict.answer is None:
            return None
        if at_once or not self._twin().refuses_out_of_ignorance(verdict.answer, answer):
            return verdict.answer
        return None
