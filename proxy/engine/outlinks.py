"""Where recorded links lead: to the origin by which the client reached us, unless it came by the recorded Host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from peertape.cassettes.store import Cassette
from peertape.proxy.engine.links import origin_of, rewrite_answer, rewriter_of, with_query_to
from peertape.proxy.engine.model import Answer, Request


@dataclass(frozen=True, slots=True)
class OutLinks:
    """`public_url` is the origin to rewrite if the user names one; else each cassette has learned its own."""

    public_url: str | None = None

    def inward(self, request: Request, cassette: Cassette) -> Request:
        """Links that an app was given and hands back in a query (oEmbed does), as the instance knows them."""
        origin = self.public_url or cassette.public_origin
        if origin is None or request.host in ("", urlsplit(origin).netloc) or request.host in cassette.authorities():
            return request
        if (client := origin_of(request.scheme, request.host)) is None:
            return request
        target = with_query_to(request.target, client, origin)
        return request if target == request.target else replace(request, target=target)

    def text(self, request: Request, text: str, cassette: Cassette) -> str:
        """A text that is no body of an answer: a message of a socket."""
        origin, host = self.public_url or cassette.public_origin, request.host
        if not host or origin is None or host == urlsplit(origin).netloc or host in cassette.authorities():
            return text
        client = origin_of(request.scheme, host)
        return text if client is None else rewriter_of(origin, client).text(text.encode(), "text/plain").decode()

    def rewritten(self, request: Request, answer: Answer, cassette: Cassette) -> Answer:
        origin = self.public_url or cassette.public_origin
        host = request.host
        if not host or origin is None or host in (answer.recorded_host, urlsplit(origin).netloc):
            return answer
        client = origin_of(request.scheme, request.host)
        return answer if client is None else rewrite_answer(answer, origin, client)
