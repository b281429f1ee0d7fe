"""Another window of a recorded list, as far as its recorded pages cover it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote_plus

from peertape.cassettes.bodies import read
from peertape.cassettes.headers import media_type
from peertape.cassettes.keys import sorted_query
from peertape.cassettes.store import Candidate, Cassette
from peertape.config import facts
from peertape.proxy.engine.matching import Matcher, Tier
from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.playback import replay
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Question
from peertape.proxy.engine.windows import Page, window_answer

WINDOW = ("start", "count")
LARGEST_PAGE = 4 * 1024 * 1024  # octets


class ListWindows:
    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher

    def answer(self, cassette: Cassette, question: Question, session: Session) -> Answer | None:
        request = question.request
        asked = window_of(request.query)
        if request.method != "GET" or asked is None or not 1 <= asked[1] <= facts.load().largest_count:
            return None
        pages = self._pages(cassette, question, session)
        return window_answer(*asked, pages) if pages else None

    def _pages(self, cassette: Cassette, question: Question, session: Session) -> list[tuple[Page, Answer]]:
        """The recorded pages of the same list, oldest first; after a write by the asker, those after it."""
        written = session.in_cassette(cassette.name).last_write.get(question.identity, 0)
        pages: list[tuple[Page, Answer]] = []
        for candidate in self._matcher.tolerance.on_path(question, cassette):
            recorded = window_of(candidate.query)
            if candidate.method != "GET" or candidate.status != 200 or not candidate.replayable or recorded is None:
                continue
            if not self._same_list(cassette, question, candidate, session.clock.timeline):
                continue
            answer = replay(cassette, candidate, Tier.TOLERANT)
            if "json" in media_type(answer.headers) and answer.body.size <= LARGEST_PAGE:
                pages.append((Page(*recorded, read(answer.body)), answer))
        after = [page for page in pages if (page[1].exchange or 0) > written]
        return after or pages

    def _same_list(self, cassette: Cassette, question: Question, candidate: Candidate, until: float | None) -> bool:
        """Whether the request, for that page, would have been answered by that recording."""
        request = question.request
        path, query = request.path, "&".join([*_filters(request.query), *_window(candidate.query)])
        asked = replace(request, target=f"{path}?{query}" if query else path)
        match = self._matcher.find(Question(asked, question.identity), cassette, (Tier.TOLERANT,), until)
        return match is not None and any(candidate.id == other.id for other in match.candidates)


def window_of(query: str) -> tuple[int, int] | None:
    """start and count as PeerTube takes them; None if they are no numbers."""
    values = dict(facts.load().query_defaults)
    for pair in reversed(query.split("&")):
        name, _, value = pair.partition("=")
        if name in WINDOW:
            values[name] = unquote_plus(value)
    if not all(values[name].isdecimal() for name in WINDOW):
        return None
    return int(values["start"]), int(values["count"])


def _filters(query: str) -> list[str]:
    return [pair for pair in sorted_query(query) if pair.partition("=")[0] not in WINDOW]


def _window(query: str) -> list[str]:
    return [pair for pair in sorted_query(query) if pair.partition("=")[0] in WINDOW]
