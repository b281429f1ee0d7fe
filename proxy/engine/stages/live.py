"""The end of the chain where there is an instance: what nothing else answers is asked there."""

from __future__ import annotations

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session


class LiveStage:
    """Gives no answer of its own: a lane that gets source `live` asks the instance."""

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:  # noqa: ARG002 (nothing comes after)
        return Answer(0, Headers(), source=Source.LIVE)
