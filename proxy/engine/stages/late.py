"""A stage that is made when a request comes that is for it."""

from __future__ import annotations

from collections.abc import Callable

from peertape.proxy.engine.chain import Rest, Stage
from peertape.proxy.engine.late import Late
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session


class LateStage:
    """`make` imports what the stage needs: most requests, and so the first answers of a run, need nothing of it.

    `is_for`: whether the stage has a say in a request; all others pass it by.
    """

    def __init__(self, is_for: Callable[[Request], bool], make: Callable[[], Stage]) -> None:
        self._is_for = is_for
        self.made = Late(make)

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        return self.made().answer(request, session, rest) if self._is_for(request) else rest(request)
