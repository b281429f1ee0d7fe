"""The end of the chain: nothing answers. A miss names the nearest recordings, and a browser app can read it."""

from __future__ import annotations

import json

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.nearest import Explainer
from peertape.proxy.engine.session import Session

TYPE = "urn:peertape:miss"
CORS = (("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Credentials", "true"))


class MissStage:
    def __init__(self, explainer: Explainer) -> None:
        self._explainer = explainer

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:  # noqa: ARG002 (nothing comes after)
        question = self._explainer.shelf.ask(request)
        nearest = self._explainer.nearest(question)
        document = {
            "type": TYPE,
            "title": "Not recorded",
            "status": 501,
            "detail": _detail(request, question.identity, bool(nearest)),
            "nearest": [near.as_json() for near in nearest],
        }
        body = json.dumps(document, ensure_ascii=False, indent=1).encode()
        headers = Headers(
            (*CORS, ("Content-Type", "application/problem+json; charset=utf-8"), ("Content-Length", str(len(body))))
        )
        empty = request.method == "HEAD"
        return Answer(501, headers, BytesBody(b"" if empty else body), "Not Implemented", Source.MISS, nearest=nearest)


def _detail(request: Request, identity: str, near: bool) -> str:
    asked = f"No cassette has an answer to {request.method} {request.asked.partition('?')[0]} asked as {identity}."
    if near:
        return f"{asked} `nearest` names the closest recordings and what differs."
    return f"{asked} Record it with `peertape record`, or name a cassette that has it."
