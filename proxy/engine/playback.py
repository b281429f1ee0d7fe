"""From a recording to an answer."""

from __future__ import annotations

from peertape.cassettes.candidates import Candidate
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import RecordedResponse, Timing
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.matching import Tier
from peertape.proxy.engine.model import Answer, Source


def replay(cassette: Cassette, candidate: Candidate, tier: Tier) -> Answer:
    """The recorded answer as it was."""
    exchange = cassette.exchange(candidate.id)
    response = exchange.response
    if response is None:
        raise LookupError(f"exchange {candidate.id} has no response")
    return Answer(
        response.status,
        _framed(exchange.request.method, response),
        response.body,
        response.reason,
        Source.RECORDED,
        candidate.id,
        cassette.name,
        () if tier is Tier.EXACT else (("match", tier.value),),
        response.trailers,
        took=took(exchange.timing),
        recorded_host=exchange.request.authority,
    )


def _framed(method: str, response: RecordedResponse) -> Headers:
    """With the length of the body that there is: some recordings were shortened after they were made."""
    length = response.headers.get("content-length")
    if length is None or method == "HEAD" or response.status == 304 or length == str(response.body.size):
        return response.headers
    return response.headers.replaced("Content-Length", str(response.body.size))


def took(timing: Timing) -> float | None:
    """Seconds from the request's end to the answer's beginning; what was imported may not know these two."""
    begun = timing.answering if timing.answering is not None else timing.answered
    asked = timing.sent if timing.sent is not None else timing.started
    return None if begun is None else max(0.0, begun - asked)
