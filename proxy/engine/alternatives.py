"""The same content, recorded in several codings: a client gets the one that it likes best."""

from __future__ import annotations

from collections.abc import Iterator

from peertape.cassettes.candidates import Candidate
from peertape.cassettes.codings import codings_of, whole_text
from peertape.cassettes.model import RecordedResponse
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.acceptance import Acceptance
from peertape.proxy.engine.matching import Match
from peertape.proxy.engine.model import Request

NEAR = 8  # recordings before and behind the chosen one that are looked at
LARGEST_COMPARED = 8 * 1024 * 1024  # octets


def liked_best(request: Request, match: Match, chosen: Candidate) -> Candidate:
    """`chosen`, or what was recorded of the same content in a coding that the client prefers.

    Content first: a page that has changed since is another one, whatever its coding.
    """
    if len(match.candidates) == 1:
        return chosen
    acceptance = Acceptance.of(request.headers)
    first = _response(match.cassette, chosen)
    least = acceptance.quality(codings_of(first.headers))
    others = [(candidate, _response(match.cassette, candidate)) for candidate in _near(match, chosen)]
    rated = [(acceptance.quality(codings_of(response.headers)), other, response) for other, response in others]
    better = [(quality, other, response) for quality, other, response in rated if quality > least]
    if not better:
        return chosen
    content = _content(first)
    for _, other, response in sorted(better, key=lambda item: (-item[0], abs(item[1].id - chosen.id))):
        if response.status == first.status and content is not None and _content(response) == content:
            return other
    return chosen


def _near(match: Match, chosen: Candidate) -> Iterator[Candidate]:
    at = match.candidates.index(chosen)
    yield from match.candidates[max(0, at - NEAR) : at]
    yield from match.candidates[at + 1 : at + 1 + NEAR]


def _response(cassette: Cassette, candidate: Candidate) -> RecordedResponse:
    response = cassette.exchange(candidate.id).response
    if response is None:
        raise LookupError(f"exchange {candidate.id} has no response")
    return response


def _content(response: RecordedResponse) -> bytes | None:
    return whole_text(response.headers, response.body, LARGEST_COMPARED)
