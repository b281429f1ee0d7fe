"""Which recordings answer a request: exact first, then the same user's, then tolerant ones by declared rules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import batched, islice

from peertape.cassettes.candidates import Asker, Candidate
from peertape.cassettes.keyed import LAST, Keyed
from peertape.cassettes.keys import MOST_DIGITS, WINDOW
from peertape.cassettes.store import Cassette
from peertape.config import facts
from peertape.proxy.engine import hosts
from peertape.proxy.engine.recoding import is_taken
from peertape.proxy.engine.shelf import Question, asker_of, identity_of
from peertape.proxy.engine.tolerance import Ignored, Tolerance

ANYWHERE = 10**MOST_DIGITS  # beyond every window
BESIDE = 10  # recordings of very many, in each direction

Passing = Callable[[Iterable[Candidate]], list[Candidate]]
Numbers = Callable[[], Collection[int]]


class Tier(StrEnum):
    EXACT = "exact"
    IDENTITY = "identity"
    TOLERANT = "tolerant"


Around = Callable[[Tier], Collection[int]]  # the numbers of exchanges beside which a choice can fall


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
        self,
        question: Question,
        cassette: Cassette,
        tiers: Sequence[Tier],
        until: float | None = None,
        around: Around | None = None,
    ) -> Match | None:
        """The first of the tiers that has recordings; `until` hides what was answered after that moment.

        Of very many that answer equally well it has the first, the last, and those beside the numbers `around`.
        """
        for tier in tiers:
            if found := tuple(self._found(tier, question, cassette, until, around)):
                return Match(cassette, tier, found)
        return None

    def alike(
        self, question: Question, cassette: Cassette, overlooked: Ignored, until: float | None = None
    ) -> list[Candidate]:
        """What the tolerant tier finds if it overlooks that as well: other pages of a list, other ranges of a file.

        Of a list the pages that may cover the window.
        """
        paths, meaning = self.tolerance.paths(question, cassette), question.keys(cassette).meaning
        ignored = self.tolerance.ignored(question.request, overlooked)
        candidates: Iterable[Candidate]
        if ignored.query == WINDOW:
            candidates = cassette.windows(paths, meaning, facts.load().largest_count)
            candidates = candidates or cassette.windows(paths, meaning, ANYWHERE)
        elif ignored.query:
            candidates = cassette.by_path(paths)
        else:
            asker = self._asker(question, cassette)
            candidates = cassette.by_meaning(paths, meaning, asker).after(0) if _has_asked(asker, cassette) else ()
        found = [c for c in self._tolerant(question, cassette, candidates, ignored) if _counts(c, until)]
        return hosts.of_host(question.request, found, cassette)

    def _found(
        self, tier: Tier, question: Question, cassette: Cassette, until: float | None, around: Around | None
    ) -> Sequence[Candidate]:
        ignored = self.tolerance.ignored(question.request)

        def passing(candidates: Iterable[Candidate]) -> list[Candidate]:
            found = [candidate for candidate in candidates if _counts(candidate, until)]
            if tier is Tier.IDENTITY:
                found = [candidate for candidate in found if _same_asker(question, cassette, candidate)]
                cassette.look_at(candidate.id for candidate in found)
                found = [candidate for candidate in found if varies_alike(question, cassette, candidate)]
            elif tier is Tier.TOLERANT:
                found = [*self._tolerant(question, cassette, found, ignored)]
            if tier is not Tier.EXACT:
                found = [candidate for candidate in found if is_readable(question, cassette, candidate)]
            return hosts.of_host(question.request, found, cassette)

        keys = question.keys(cassette)
        asker = self._asker(question, cassette) if tier is Tier.TOLERANT else asker_of(question)
        if tier is Tier.IDENTITY and not cassette.has_path(keys.folded_path):
            return ()
        if tier is not Tier.EXACT and not _has_asked(asker, cassette):
            return ()
        numbers = None if around is None else partial(around, tier)
        match tier:
            case Tier.EXACT:
                few = None if around is None else BESIDE  # of those that are exactly alike, a choice needs no more
                return _of_keyed(cassette.by_exact_key(keys.exact, few), passing, numbers)
            case Tier.IDENTITY:
                return _of_keyed(cassette.by_telling_key(keys.telling, asker), passing, numbers)
            case Tier.TOLERANT if ignored.query or ignored.json:  # the meaning heeds what is ignored
                paths = self.tolerance.paths(question, cassette)
                return _of_keyed(cassette.on_paths(paths, asker), passing, numbers)
            case Tier.TOLERANT:
                paths = self.tolerance.paths(question, cassette)
                return _of_keyed(cassette.by_meaning(paths, keys.meaning, asker), passing, numbers)

    def _asker(self, question: Question, cassette: Cassette) -> Asker | None:
        """Whose recordings may answer; None: everybody's."""
        return None if self.tolerance.same_for_all(question, cassette) else asker_of(question)

    def _tolerant(
        self, question: Question, cassette: Cassette, candidates: Iterable[Candidate], ignored: Ignored
    ) -> Iterator[Candidate]:
        for_all = self.tolerance.same_for_all(question, cassette)

        def may_answer(candidate: Candidate) -> bool:
            return for_all or _same_asker(question, cassette, candidate)

        return self.tolerance.of(question, cassette, candidates, may_answer, ignored)


def _has_asked(asker: Asker | None, cassette: Cassette) -> bool:
    """Whether a token that no login explains was presented at all, before that is looked for among all others."""
    return asker is None or asker.token is None or cassette.token(asker.token) is not None


def _of_keyed(keyed: Keyed[Candidate], passing: Passing, around: Numbers | None) -> Sequence[Candidate]:
    """All of a few; of many those that a choice can fall on."""
    if keyed.few:
        return passing(keyed.first)
    numbers = {*around()} - {0} if around is not None else set()
    ways = [*map(keyed.after, {0, *numbers}), *map(keyed.until, {LAST, *numbers})]
    found = {one.id: one for way in ways for one in islice(_through(way, passing), BESIDE)}
    return [found[number] for number in sorted(found)]


def _through(candidates: Iterator[Candidate], passing: Passing) -> Iterator[Candidate]:
    for page in batched(candidates, BESIDE, strict=False):
        kept = {one.id for one in passing(page)}
        yield from (one for one in page if one.id in kept)


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
