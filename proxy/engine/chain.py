"""The engine: a chain of stages, each one idea. A stage answers, or asks the rest and may change its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from peertape.cassettes.errors import CassetteError
from peertape.proxy.engine.model import SAFE, Answer, Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.state.interface import StateLostError

Rest = Callable[[Request], Answer]
Lost = Callable[[Request, Session, StateLostError | CassetteError], Answer]


class Stage(Protocol):
    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        """The answer to a request; `rest` is the chain behind this stage."""
        ...


class Engine:
    """Neither reads nor writes sockets: a lane hands requests in and takes answers out.

    `lost` answers where the session's state or a cassette does not; without it that is an error.
    """

    def __init__(self, stages: Sequence[Stage], lost: Lost | None = None) -> None:
        self._stages = tuple(stages)
        self._lost = lost

    def answer(self, request: Request, session: Session) -> Answer:
        try:
            with session.turn(alone=request.method not in SAFE):
                return self._from(0, request, session)
        except (StateLostError, CassetteError) as error:
            if self._lost is None:
                raise
            return self._lost(request, session, error)

    def _from(self, index: int, request: Request, session: Session) -> Answer:
        if index == len(self._stages):
            raise LookupError("the chain has no last stage that answers everything")
        return self._stages[index].answer(request, session, lambda changed: self._from(index + 1, changed, session))
