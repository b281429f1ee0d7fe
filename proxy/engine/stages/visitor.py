"""What was answered to an anonymous visitor, a user sees as well, where nothing of the user's own was recorded."""

from __future__ import annotations

from dataclasses import replace

from peertape.cassettes.keys import query_credential
from peertape.proxy.engine.chain import Rest, Stage
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import USER, Shelf


class VisitorStage:
    """Stands behind the recorded lookup. Only reads, and only what the visitor got: a refusal says nothing of users.

    In the recordings, PeerTube told both the same, but for what a user has of his own (a stream key, muted accounts).
    The source says `as=anonymous`.
    """

    def __init__(self, shelf: Shelf, recorded: Stage) -> None:
        self._shelf = shelf
        self._recorded = recorded

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        if request.method in ("GET", "HEAD") and query_credential(request.query) is None and self._is_user(request):
            visitors = replace(request, headers=request.headers.without("authorization"))
            answer = self._recorded.answer(
                visitors, session, lambda _: Answer(501, request.headers, source=Source.MISS)
            )
            if answer.source is not Source.MISS and (200 <= answer.status < 300 or answer.status == 304):
                return replace(answer, remark=(*answer.remark, ("as", "anonymous")))
        return rest(request)

    def _is_user(self, request: Request) -> bool:
        return self._shelf.ask(request).identity.startswith(USER)
