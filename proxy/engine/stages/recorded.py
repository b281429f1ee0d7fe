"""The recorded lookup, and HTTP's semantics over it: HEAD, conditional requests, ranges, windows of lists, lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from peertape.cassettes.bodyfields import fields
from peertape.cassettes.candidates import Candidate
from peertape.cassettes.codings import codings_of
from peertape.cassettes.paths import LOGIN, fold
from peertape.cassettes.redaction.recollection import Recollection
from peertape.cassettes.store import Cassette
from peertape.proxy.engine import choice, lives, semantics
from peertape.proxy.engine.acceptance import REFUSED, Acceptance
from peertape.proxy.engine.alternatives import liked_best
from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.choice import Repeat
from peertape.proxy.engine.conditional import CONDITIONS
from peertape.proxy.engine.echoes import restored
from peertape.proxy.engine.links import recorded_etags
from peertape.proxy.engine.lists import ListWindows
from peertape.proxy.engine.lives import RecordedLives
from peertape.proxy.engine.matching import Match, Matcher, Tier
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.outlinks import OutLinks
from peertape.proxy.engine.playback import replay
from peertape.proxy.engine.recoding import decoded_for, recoded
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.settled import Settled
from peertape.proxy.engine.shelf import Question, Shelf
from peertape.proxy.engine.tolerance import Ignored

RANGES = Ignored(headers=frozenset({"range", "if-range"}))
ANY_READ = Ignored(headers=frozenset({"range", *CONDITIONS}))
NOT_WHOLE = frozenset({206, 304, 412, 416})  # answers to ranges and conditions
ALL_TIERS = (Tier.EXACT, Tier.IDENTITY, Tier.TOLERANT)


class RecordedStage:
    """Answers what the cassettes can answer; the rest of the chain is asked for everything else.

    `known`: the secrets that clients of this run hold, which they get back for their pseudonyms.
    """

    def __init__(
        self,
        shelf: Shelf,
        matcher: Matcher,
        links: OutLinks = OutLinks(),
        repeat: Repeat = Repeat.SEQUENCE,
        known: Recollection | None = None,
    ) -> None:
        self._shelf = shelf
        self._known = known
        self._links = links
        self._matcher = matcher
        self._repeat = repeat
        self._windows = ListWindows(matcher)
        self._lives = RecordedLives()

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        question = self._shelf.ask(request)
        for cassette in self._shelf.cassettes:
            inward = self._links.inward(request, cassette)
            asked = question if inward is request else self._shelf.ask(inward)
            if answer := self._from(cassette, asked, session):
                return answer
        return rest(request)

    def _from(self, cassette: Cassette, question: Question, session: Session) -> Answer | None:
        if answer := self._live(cassette, question, session):
            return answer
        if not semantics.needs_derivation(question.request):
            return (
                self._recorded(cassette, question, session, ALL_TIERS)
                or self._window(cassette, question, session)
                or self._merged(cassette, question, session)
            )
        return (
            self._recorded(cassette, question, session, (Tier.EXACT, Tier.IDENTITY))
            or self._derived(cassette, question, session)
            or self._merged(cassette, question, session)
            or self._recorded(cassette, question, session, (Tier.TOLERANT,))
        )

    def _recorded(
        self, cassette: Cassette, question: Question, session: Session, tiers: Sequence[Tier], *, peek: bool = False
    ) -> Answer | None:
        key = question.keys(cassette).exact
        around = partial(choice.reached, session, cassette.name, key, question.identity)
        match = self._matcher.find(question, cassette, tiers, session.clock.known_until, around)
        if match is None:
            return None
        settled = Settled()
        if session.clock.timeline is None:
            chosen = choice.choose(match, key, question.identity, session, self._repeat, peek=peek)
            candidate = chosen.candidate
            if not peek:
                choice.written(candidate, cassette.name, _writer(question), session)
            settled = Settled(chosen.turns, () if peek else ((cassette.name, key, candidate.id),))
        else:
            candidate = choice.latest(match)
            if not peek:
                choice.played(candidate, key, cassette.name, _writer(question), session)
        if match.tier is not Tier.EXACT:
            candidate = liked_best(question.request, match, candidate)
        return self._kept(self._played(cassette, candidate, match.tier, question.request), settled, session)

    def _kept(self, answer: Answer, settled: Settled, session: Session) -> Answer:
        """Settled, unless it hangs on a timeline, or on what the run comes to know of an instance."""
        if session.clock.timeline is not None or self._known is not None:
            return answer
        return replace(answer, settled=settled)

    def _live(self, cassette: Cassette, question: Question, session: Session) -> Answer | None:
        """What a live's playlist holds at this moment, whatever the conditions and ranges of its recordings."""
        request = question.request
        by_clock = self._repeat is Repeat.SEQUENCE and session.clock.timeline is None
        if not by_clock or request.method not in ("GET", "HEAD"):
            return None
        if (live := self._lives.of(cassette, request.path)) is None:
            return None
        match = self._matcher.find(question, cassette, (Tier.EXACT,))
        if match is not None and (candidate := lives.repeated(live, match, question, session)):
            return self.give(cassette, candidate, request, session)
        plain = self._shelf.ask(semantics.plain(request))
        found = [c for c in self._matcher.alike(plain, cassette, ANY_READ) if c.status not in NOT_WHOLE]
        if not found:
            return None
        peek = request.method == "HEAD" or "range" in request.headers
        wide = Match(cassette, Tier.TOLERANT, tuple(found))
        candidate = lives.shown(live, wide, plain, session, peek=peek)
        if not peek:
            key = question.keys(cassette).exact
            choice.played(candidate, key, cassette.name, _writer(question), session)
        narrow = self._matcher.find(plain, cassette, (Tier.EXACT, Tier.IDENTITY))
        tier = narrow.tier if narrow is not None and candidate in narrow.candidates else Tier.TOLERANT
        if tier is not Tier.EXACT:
            candidate = liked_best(request, wide, candidate)
        base = self._played(cassette, candidate, tier, plain.request)
        return semantics.derive(request, base, known_as=self._recorded_etags(cassette, base))

    def give(self, cassette: Cassette, candidate: Candidate, request: Request, session: Session) -> Answer:
        """The answer of a recording that was found otherwise, which counts as played."""
        question = self._shelf.ask(request)
        key = question.keys(cassette).exact
        choice.played(candidate, key, cassette.name, _writer(question), session)
        return self.look(cassette, candidate, request)

    def look(self, cassette: Cassette, candidate: Candidate, request: Request) -> Answer:
        """The answer of a recording, as this client would get it."""
        return self._played(cassette, candidate, Tier.EXACT, request)

    def _played(self, cassette: Cassette, candidate: Candidate, tier: Tier, request: Request) -> Answer:
        answer = restored(request, replay(cassette, candidate, tier), cassette, self._known)
        answer = self._links.rewritten(request, answer, cassette)
        return recoded(request, answer, cassette.exchange(candidate.id).request.headers)

    def _derived(self, cassette: Cassette, question: Question, session: Session) -> Answer | None:
        """From the plain GET of the same resource; a conditional request moves on as that GET would."""
        request = question.request
        peek = request.method == "HEAD" or "range" in request.headers
        plain = self._shelf.ask(semantics.plain(request))
        base = self._recorded(cassette, plain, session, ALL_TIERS, peek=peek)
        if base is None and request.method in ("GET", "HEAD"):
            base = self._window(cassette, plain, session)
        return semantics.derive(request, base, known_as=self._recorded_etags(cassette, base)) if base else None

    @staticmethod
    def _recorded_etags(cassette: Cassette, base: Answer) -> Sequence[str]:
        """The ETag before links were rewritten: a client may know the body by that one."""
        response = cassette.exchange(base.exchange).response if base.exchange is not None else None
        return recorded_etags(replace(base, headers=response.headers)) if response is not None else ()

    def _window(self, cassette: Cassette, question: Question, session: Session) -> Answer | None:
        answer = self._windows.answer(cassette, question, session)
        if answer is None:
            return None
        answer = restored(question.request, answer, cassette, self._known)
        return self._kept(self._links.rewritten(question.request, answer, cassette), Settled(), session)

    def _merged(self, cassette: Cassette, question: Question, session: Session) -> Answer | None:
        """From partial recordings (206) of the same resource."""
        request = question.request
        if request.method not in ("GET", "HEAD"):
            return None
        plain = semantics.plain(request)
        acceptance = Acceptance.of(request.headers)
        by_coding = self._partials(cassette, plain, session.clock.known_until)
        for codings in sorted(by_coding, key=acceptance.quality, reverse=True):
            parts = by_coding[codings]
            if not codings or acceptance.quality(codings) > REFUSED:
                answer = semantics.from_partials(request, parts)
            else:
                whole = semantics.from_partials(plain, parts)
                whole = decoded_for(plain, whole) if whole else None
                answer = semantics.derive(request, whole) if whole else None
            if answer is not None:
                return self._kept(answer, Settled(), session)
        return None

    def _partials(self, cassette: Cassette, plain: Request, until: float | None) -> dict[tuple[str, ...], list[Answer]]:
        by_coding: dict[tuple[str, ...], list[Answer]] = {}
        for candidate in self._matcher.alike(self._shelf.ask(plain), cassette, RANGES, until):
            if candidate.status == 206:
                answer = replay(cassette, candidate, Tier.TOLERANT)
                by_coding.setdefault(codings_of(answer.headers), []).append(answer)
        return by_coding


def _writer(question: Question) -> str:
    """Whose reads a write divides: a login is a write of the user who logs in."""
    request = question.request
    if request.method == "POST" and fold(request.path) == LOGIN:
        name = fields(request.headers, request.body).get("username")
        return f"user:{name.lower()}" if name else question.identity
    return question.identity
