"""Where recorded links lead: to the origin by which the client reached us, unless it came by the recorded Host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from peertape.cassettes.origin import Origin
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.hostlinks import Place
from peertape.proxy.engine.inlinks import body_inward, query_inward
from peertape.proxy.engine.links import origin_of, rewrite_answer, rewriter_of
from peertape.proxy.engine.model import Answer, Request


@dataclass(frozen=True, slots=True)
class OutLinks:
    """`public_url` is the origin to rewrite if the user names one; else each cassette has learned its own."""

    public_url: str | None = None

    def inward(self, request: Request, cassette: Cassette) -> Request:
        """Links that an app was given and hands back (oEmbed does), as the instance knows them."""
        origin = self.public_url or cassette.public_origin
        client = request.reached or self._client(request, cassette)
        if origin is None or client is None:
            return request
        target = query_inward(request.target, client, origin)
        body = body_inward(request.headers, request.body, client, origin)
        if target == request.target and body is request.body:
            return request
        return replace(request, target=target, body=body)

    def _client(self, request: Request, cassette: Cassette) -> str | None:
        """The origin by which it came, unless that is a recorded one."""
        host = request.host
        known = not host or host in cassette.authorities()
        return None if known else origin_of(request.scheme, host)

    def text(self, request: Request, text: str, cassette: Cassette) -> str:
        """A text that is no body of an answer: a message of a socket."""
        origin, host = self.public_url or cassette.public_origin, request.host
        if not host or origin is None or host == urlsplit(origin).netloc or host in cassette.authorities():
            return text
        client = origin_of(request.scheme, host)
        return text if client is None else rewriter_of(origin, client).text(text.encode(), "text/plain").decode()

    def rewritten(self, request: Request, answer: Answer, cassette: Cassette) -> Answer:
        origin = self.public_url or cassette.public_origin
        if request.reached is not None:
            return rewrite_answer(answer, origin or request.reached, request.reached, place=place_of(request))
        host = request.host
        if not host or origin is None or host in (answer.recorded_host, urlsplit(origin).netloc):
            return answer
        client = origin_of(request.scheme, host)
        if client is None:
            return answer
        # Through the forward proxy the app asks other hosts by their names, whatever it calls the instance.
        place = Place(Origin.parse(origin), request.target, request.method) if request.origin_form else None
        return rewrite_answer(answer, origin, client, place=place)


def place_of(request: Request) -> Place | None:
    """That of a request under the reserved path."""
    origin = Origin.of(request.scheme, request.host)
    return Place(origin, request.target, request.method, of_instance=False) if origin is not None else None
