"""What PeerTube answers where it has no route: an empty 400 below /api/v1, and elsewhere the web client's page.

Stands behind all that knows an answer, and before the miss.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property

from peertape.cassettes.store import Cassette
from peertape.config.patterns import Pattern, pattern
from peertape.config.routers import Routers
from peertape.proxy.engine.chain import Rest, Stage
from peertape.proxy.engine.conditional import field_value
from peertape.proxy.engine.limits.negotiation import preferred
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.stages.parsing import NOTHING
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.mounts import is_in_the_api
from peertape.proxy.engine.twin.socketio import handshake_refusal

_CLIENT_FILE = re.compile(r"/client/([^/]+\.[^/]+)", re.IGNORECASE)
_PAGE = "text/html"
_TRIED = 400  # paths among which pages are looked for
_OF_A_FOLDER = 20
_OF_A_PATH = 2  # recordings
_REMEMBERED_LANGUAGE = "clientLanguage="  # the cookie by which PeerTube chooses the page

Knows = Callable[[str, str], bool]


class UnknownStage:
    """`knows`: whether PeerTube has a route for a method and a path."""

    def __init__(self, routers: Routers, answers: Answers, knows: Knows, shelf: Shelf, recorded: Stage) -> None:
        self._routers = routers
        self._answers = answers
        self._knows = knows
        self._shelf = shelf
        self._recorded = recorded

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        if request.method == "OPTIONS" or not request.path.startswith("/"):
            return rest(request)
        path = request.path
        if path.startswith("/socket.io/"):
            found = handshake_refusal(self._answers, request, session.clock.now())
        elif is_in_the_api(path):
            found = self._in_the_api(request, path, session.clock.now())
        else:
            found = self._page(request, path, session)
        return found or rest(request)

    def _in_the_api(self, request: Request, path: str, now: float) -> Answer | None:
        if is_in_the_api(path, "ping"):  # for any method, and whatever stands behind it
            return self._answers.text(request, now, 200, "pong", "text/html; charset=utf-8")
        if self._knows(request.method, path):
            return None
        return self._answers.empty(request, now, 400, "application/json; charset=utf-8")

    def _page(self, request: Request, path: str, session: Session) -> Answer | None:
        if (file := _CLIENT_FILE.fullmatch(path)) and file[1] not in self._routers.document.pages.client_files:
            return self._answers.empty(request, session.clock.now(), 404)
        if self._is_elsewhere(request.method, path) or self._knows(request.method, path):
            return None
        accept = field_value(request.headers, "accept") or None
        if preferred(accept, self._routers.document.pages.accepted) != _PAGE:
            return self._answers.empty(request, session.clock.now(), 406)
        return self._client(request, path, session)

    def _client(self, request: Request, path: str, session: Session) -> Answer | None:
        """The web client's page, as it was recorded under any other path: it is the same for all."""
        if self._names_a_language(path) or _REMEMBERED_LANGUAGE in (request.headers.get("cookie") or ""):
            return None
        for known in ("/", *self._pages):
            answer = self._recorded.answer(replace(request, target=known), session, lambda _: NOTHING)
            if answer.source is not Source.MISS and answer.status in (200, 304):
                remark = (*answer.remark, ("derived", "page"))
                return replace(
                    answer, source=Source.DERIVED, remark=remark, settled=None
                )  # others may have been played
        return None

    @cached_property
    def _elsewhere(self) -> tuple[Pattern, ...]:
        return tuple(map(pattern, self._routers.document.pages.elsewhere))

    @cached_property
    def _pages(self) -> tuple[str, ...]:
        """Some of the paths under which the page was recorded, the newest first."""
        return tuple(dict.fromkeys(page for cassette in self._shelf.cassettes for page in self._pages_of(cassette)))

    def _pages_of(self, cassette: Cassette) -> Iterator[str]:
        for candidate in reversed(cassette.newest(self._may_be_pages(cassette), _OF_A_PATH)):
            if candidate.status == 200 and candidate.method in ("GET", "HEAD"):
                response = cassette.exchange(candidate.id).response
                if response is not None and (response.headers.get("content-type") or "").startswith(_PAGE):
                    yield candidate.path

    def _may_be_pages(self, cassette: Cassette) -> Iterator[str]:
        """Recorded paths: a few of each folder, however many it has."""
        start, looked_at = "/", 0
        while looked_at < _TRIED and (found := cassette.paths_from(start, _OF_A_FOLDER)):
            folder = "/".join(found[0].split("/", 2)[:2])
            begin_alike = [path for path in found if path == folder or path.startswith(f"{folder}/")]
            looked_at += len(begin_alike)
            for path in begin_alike:
                if not self._is_elsewhere("GET", path) and not self._names_a_language(path):
                    yield path
            last = begin_alike[-1]
            start = f"{last}\x00" if last == folder else f"{folder}0"  # the character after the slash

    def _is_elsewhere(self, method: str, path: str) -> bool:
        return any(known.matches(method, path) for known in self._elsewhere)

    def _names_a_language(self, path: str) -> bool:
        return path.strip("/").partition("/")[0] in self._routers.document.pages.languages
