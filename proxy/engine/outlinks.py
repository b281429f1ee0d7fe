"""Where recorded links lead: to the origin by which the client reached us, unless it came by the recorded Host."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from peertape.cassettes.store import Cassette
from peertape.proxy.engine.links import rewrite_answer
from peertape.proxy.engine.model import Answer, Request


@dataclass(frozen=True, slots=True)
class OutLinks:
    """`public_url` is the origin to rewrite if the user names one; else each cassette has learned its own."""

    public_url: str | None = None

    def rewritten(self, request: Request, answer: Answer, cassette: Cassette) -> Answer:
        origin = self.public_url or cassette.public_origin
        host = request.host
        if not host or origin is None or host in (answer.recorded_host, urlsplit(origin).netloc):
            return answer
        return rewrite_answer(answer, origin, f"{request.scheme}://{host}")
