"""Which recordings answer a request: exact first, then the same user's, then tolerant ones by declared rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from peertape.cassettes.store import Candidate, Cassette
from peertape.proxy.engine import hosts
from peertape.proxy.engine.recoding import is_taken
from peertape.proxy.engine.shelf import Question, identity_of
from peertape.proxy.engine.tolerance import NOTHING, Ignored, Tolerance


class Tier(StrEnum):
    EXACT = "exact"
    IDENTITY = "identity"
    TOLERANT = "tolerant"


@dataclass(frozen=True, slots=True)
class Match:
    """The recordings that answer equally well, in recorded order; never empty."""

    cassette: Cassette
    tier: Tier
    candidates: tuple[Candidate, ...]


class Matcher:
    def __init__(self, tolerance: Tolerance) -> None:
        self.tolerance = tolerance

    def find(
        self, question: Question, cassette: Cassette, tiers: Sequence[Tier], until: float | None = None
    ) -> Match | None:
        """The first of the tiers that has recordings; `until` hides what was answered after that moment."""
        for tier in tiers:
            found = [candidate for candidate in self._tier(tier, question, cassette) if _counts(candidate, until)]
            if tier is not Tier.EXACT:
                found = [candidate for candidate in found if is_readable(question, cassette, candidate)]
            if found := hosts.of_host(question.request, found, cassette):
                return Match(cassette, tier, tuple(found))
        return None

    def alike(
        self, question: Question, cassette: Cassette, overlooked: Ignored, until: float | None = None
    ) -> list[Candidate]:
        """What the tolerant tier finds if it overlooks that as well: other pages of a list, other ranges of a file."""
        found = [c for c in self._tolerant(question, cassette, overlooked) if _counts(c, until)]
        return hosts.of_host(question.request, found, cassette)

    def _tier(self, tier: Tier, question: Question, cassette: Cassette) -> Iterator[Candidate]:
        keys = question.keys(cassette)
        match tier:
            case Tier.EXACT:
                yield from cassette.by_exact_key(keys.exact)
            case Tier.IDENTITY:
                for candidate in cassette.by_telling_key(keys.telling):
                    if _same_asker(question, cassette, candidate) and varies_alike(question, cassette, candidate):
                        yield candidate
            case Tier.TOLERANT:
                yield from self._tolerant(question, cassette)

    def _tolerant(self, question: Question, cassette: Cassette, overlooked: Ignored = NOTHING) -> Iterator[Candidate]:
        for_all = self.tolerance.same_for_all(question, cassette)

        def may_answer(candidate: Candidate) -> bool:
            return for_all or _same_asker(question, cassette, candidate)

        return self.tolerance.candidates(question, cassette, may_answer, overlooked)


def _same_asker(question: Question, cassette: Cassette, candidate: Candidate) -> bool:
    """Whether the same user asked. A refused token says something about that token, not about its user."""
    if candidate.status == 401 and candidate.credential != question.keys(cassette).credential:
        return False
    return identity_of(cassette, candidate) == question.identity


def varies_alike(question: Question, cassette: Cassette, candidate: Candidate) -> bool:
    """Whether the headers that the recorded answer varies by (RFC 9110 section 12.5.5) are the same."""
    exchange = cassette.exchange(candidate.id)
    if exchange.response is None:
        return False
    varying = {name.strip().lower() for value in exchange.response.headers.get_all("vary") for name in value.split(",")}
    return all(
        exchange.request.headers.get(name) == question.request.headers.get(name)
        for name in varying
        if name not in ("accept-encoding", "accept", "origin", "access-control-request-headers", "*", "")
    )


def is_readable(question: Question, cassette: Cassette, candidate: Candidate) -> bool:
    """A part of a coded body cannot be decoded: only a client that takes the coding has a use for it."""
    if candidate.status != 206:
        return True
    recorded = cassette.exchange(candidate.id)
    sent = recorded.response
    return sent is None or is_taken(question.request.headers, recorded.request.headers, sent.headers)


def _counts(candidate: Candidate, until: float | None) -> bool:
    """Whether it is whole, and was by then."""
    if not candidate.replayable or until is None:
        return candidate.replayable
    return candidate.answered_at is not None and candidate.answered_at <= until
