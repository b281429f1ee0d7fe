"""Another window of a recorded list, as far as its recorded pages cover it."""

from __future__ import annotations

from urllib.parse import unquote_plus

from peertape.cassettes.codings import codings_of
from peertape.cassettes.headers import media_type
from peertape.cassettes.keys import MOST_DIGITS, WINDOW
from peertape.cassettes.store import Cassette
from peertape.config import facts
from peertape.proxy.engine.choice import last_write
from peertape.proxy.engine.matching import Matcher, Tier
from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.playback import replay
from peertape.proxy.engine.recoding import uncoded
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Question
from peertape.proxy.engine.tolerance import Ignored
from peertape.proxy.engine.windows import Page, window_answer

ANY_WINDOW = Ignored(query=WINDOW)
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
        written = last_write(session, cassette.name, question.identity)
        found: list[tuple[tuple[int, int], Answer]] = []
        for candidate in self._matcher.alike(question, cassette, ANY_WINDOW, session.clock.known_until):
            recorded = window_of(candidate.query)
            if candidate.status != 200 or recorded is None:
                continue
            answer = replay(cassette, candidate, Tier.TOLERANT)
            if "json" not in media_type(answer.headers) or answer.body.size > LARGEST_PAGE:
                continue
            plain = uncoded(answer) if codings_of(answer.headers) else answer
            if plain is not None and plain.body.size <= LARGEST_PAGE:
                found.append((recorded, plain))
        texts = cassette.contents([plain.body for _, plain in found])
        pages = [(Page(*place, text), plain) for (place, plain), text in zip(found, texts, strict=True)]
        after = [page for page in pages if (page[1].exchange or 0) > written]
        return after or pages


def window_of(query: str) -> tuple[int, int] | None:
    """start and count as PeerTube takes them; None if they are no numbers."""
    values = dict(facts.load().query_defaults)
    for pair in reversed(query.split("&")):
        name, _, value = pair.partition("=")
        if name in WINDOW:
            values[name] = unquote_plus(value)
    if not all(values[name].isdecimal() and len(values[name]) <= MOST_DIGITS for name in WINDOW):
        return None
    return int(values["start"]), int(values["count"])
