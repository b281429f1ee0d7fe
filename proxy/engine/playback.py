"""From a recording to an answer."""

from __future__ import annotations

from peertape.cassettes.store import Candidate, Cassette
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
        response.headers,
        response.body,
        response.reason,
        Source.RECORDED,
        candidate.id,
        cassette.name,
        () if tier is Tier.EXACT else (("match", tier.value),),
        response.trailers,
        recorded_host=exchange.request.authority,
    )
