"""`Prefer: code=403, example=video_requires_password`: a documented error of the route, as the client wishes.

Two places in the chain. The 429 of the limits is made before they count. All others stand behind them, and so carry
their headers; there a wish that the route cannot fulfil is answered as ever, with a header that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.preferences import Preference, preference
from peertape.proxy.engine.session import Session

if TYPE_CHECKING:
    from peertape.proxy.engine.ondemand import OnDemand
    from peertape.proxy.engine.twin.catalogue import Choice

APPLIED = "Preference-Applied"  # RFC 7240, section 3
UNKNOWN = "Peertape-Preference"


class PreferenceStage:
    """Gives what was wished for, and passes on all the rest. `errors` is called when somebody wishes for one."""

    def __init__(self, errors: Callable[[], OnDemand]) -> None:
        self._errors = errors

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        wished = preference(request.headers)
        if wished is None:
            return rest(request)
        choice = self._errors().catalogue(request).pick(wished.status, wished.example)
        if choice is None or not self._gives(choice):
            return self._otherwise(request, wished, rest)
        return _applied(self._errors().answer(choice, request, session), wished, choice)

    def _gives(self, choice: Choice) -> bool:  # noqa: ARG002
        return True

    def _otherwise(self, request: Request, wished: Preference, rest: Rest) -> Answer:  # noqa: ARG002
        return rest(request)


class PreferredLimitStage(PreferenceStage):
    """Before the limits: theirs alone."""

    def _gives(self, choice: Choice) -> bool:
        return self._errors().is_limit(choice)


class PreferredErrorStage(PreferenceStage):
    """Behind the limits."""

    def _otherwise(self, request: Request, wished: Preference, rest: Rest) -> Answer:
        answer = rest(request)
        if wished.example is None and wished.status == answer.status:  # it would have been so anyway
            return replace(answer, headers=answer.headers.added(APPLIED, str(wished)))
        from peertape.proxy.engine.twin.catalogue import listed

        known = f"unknown; route has {listed(self._errors().catalogue(request))}"
        return replace(
            answer, headers=answer.headers.added(UNKNOWN, known), remark=(*answer.remark, ("prefer", "unknown"))
        )


def _applied(answer: Answer, wished: Preference, choice: Choice) -> Answer:
    headers = answer.headers.added(APPLIED, str(wished))
    return replace(answer, headers=headers, remark=(*answer.remark, ("prefer", choice.example)))
