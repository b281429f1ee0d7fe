"""The worlds of a run: what the cassettes tell in all, or had told by a moment of the timeline."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from peertape.cassettes.bodies import Body, read
from peertape.cassettes.codings import TooBigError, codings_of, decode
from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.store import Candidate, Cassette
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.twin import functions
from peertape.proxy.engine.twin.contract import Book, Contract
from peertape.proxy.engine.twin.effects import acting
from peertape.proxy.engine.twin.expressions import Evaluator, Expression, Functions
from peertape.proxy.engine.twin.facts import Entity, told
from peertape.proxy.engine.twin.given import given
from peertape.proxy.engine.twin.surroundings import in_development
from peertape.proxy.engine.twin.world import World

TOKEN = "token"  # the kind of entity
MOST_BYTES = 4 * 1024 * 1024  # of a body that is looked through


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded success that tells something of the world."""

    at: float
    cassette: Cassette
    candidate: Candidate
    contract: Contract
    params: Mapping[str, str]


@dataclass(slots=True)
class _Telling:
    """A world, and how many of the events it has been told."""

    world: World
    told: int = 0


class History:
    """Events are read once, and again only when a cassette grows."""

    def __init__(self, shelf: Shelf, book: Book) -> None:
        self._shelf = shelf
        self._book = book
        self._rules = functions.of_rules(book.roles)
        self._versions: tuple[tuple[int, ...], ...] = ()
        self._events: list[Event] = []
        self._whole: _Telling | None = None

    def world(self, session: Session) -> World:
        """As the session's timeline says; without one all that is known, with nothing removed."""
        until = session.clock.known_until  # first of all: the clock runs on while recordings are read
        self._look()
        if until is None:
            return self._of_all()
        wanted = bisect_right(self._events, until, key=lambda event: event.at)
        telling = session.memory.get(_Telling)
        if telling is None or telling.told > wanted:
            telling = _Telling(self._empty())
        session.memory[_Telling] = telling
        return self._tell(telling, wanted, removals=True).world

    def issued(self, token: str) -> bool:
        """Whether a recorded login gave out that token."""
        self._look()
        entity = self._of_all().known(TOKEN, token, "text")
        return entity is not None and entity.get("ends") is not None

    def _of_all(self) -> World:
        if self._whole is None:
            self._whole = self._tell(_Telling(self._empty()), len(self._events), removals=False)
        return self._whole.world

    def _look(self) -> None:
        versions = tuple(cassette.version() for cassette in self._shelf.cassettes)
        if versions == self._versions:
            return
        self._versions = versions
        found = [event for cassette in self._shelf.cassettes for event in self._of(cassette)]
        self._events = sorted(found, key=lambda event: event.at)
        self._whole = None

    def _of(self, cassette: Cassette) -> list[Event]:
        out = []
        for candidate in cassette.candidates():
            if not candidate.replayable or candidate.status is None or not 200 <= candidate.status < 300:
                continue
            found = self._book.routes.find(candidate.method, candidate.path)
            if found and found.route.effects and candidate.answered_at is not None:
                out.append(Event(candidate.answered_at, cassette, candidate, found.route, found.params))
        return out

    def _empty(self) -> World:
        def derive(entity: Entity, expression: Expression) -> Any:
            names = {"this": entity, "config": world.config}
            return Evaluator(names, {**self._rules, **functions.of_world(world)}).value(expression)

        world = World(self._book.kinds, self._book.configuration, derive)
        for settings in self._of_address():
            world.configure(settings)
        return world

    def _of_address(self) -> Iterator[Mapping[str, Any]]:
        """What the instance's address says of its settings; `host` has the port, unless that is the scheme's own."""
        origin = self._shelf.origin()
        if origin is None:
            return
        url = urlsplit(origin)
        yield {"webserver": {"scheme": url.scheme, "host": url.netloc, "hostname": url.hostname}}
        # An address alone proves nothing: its answers must look like those of PeerTube's test settings, too.
        of_tests = self._book.configuration.get("addresses", {})
        found = [settings for pattern, settings in of_tests.items() if re.fullmatch(pattern, url.netloc)]
        if found and in_development(self._shelf.cassettes):
            yield from found

    def _tell(self, telling: _Telling, until: int, *, removals: bool) -> _Telling:
        known = {**self._rules, **functions.of_world(telling.world), **functions.of_recording()}
        for event in self._events[telling.told : until]:
            _tell(telling.world, event, known, removals=removals)
        telling.told = until
        return telling


def _tell(world: World, event: Event, known: Functions, *, removals: bool) -> None:
    exchange = event.cassette.exchange(event.candidate.id)
    recorded, response = exchange.request, exchange.response
    if response is None:
        return
    body = _octets(recorded.headers, recorded.body)
    request = Request(recorded.method, recorded.target, recorded.headers, body)
    seen = given(request, event.params)
    token = event.candidate.credential
    user = event.cassette.user_of(token) if token else None
    if user is not None and not world.has_heard_of(TOKEN, token):
        world.learn(TOKEN, {"text": token, "user": user})  # of a login that was not recorded
    names = {
        "params": seen.params,
        "query": seen.query,
        "body": seen.body,
        "headers": seen.headers,
        "cookies": seen.cookies,
        "files": seen.files,
        "me": acting(world, user),
        "response": told(_value(response.headers, response.body)),
        "response_headers": {name.lower(): value for name, value in response.headers},
        "status": response.status,
        "now": event.at,
        "config": world.config,
        "request": {"method": recorded.method, "path": request.path, "target": recorded.target, "query": request.query},
        "token": token,
    }
    evaluator = Evaluator(names, known)
    for effect in event.contract.effects:
        if removals or effect.what != "forget":
            effect.apply(world, evaluator)


def _octets(headers: Headers, body: Body) -> bytes:
    """Decoded; nothing of a body that is too big or in a coding that cannot be undone."""
    if body.size > MOST_BYTES:
        return b""
    try:
        decoded = decode(read(body), codings_of(headers), MOST_BYTES)
    except TooBigError:
        return b""
    return decoded.octets if decoded else b""


def _value(headers: Headers, body: Body) -> Any:
    if "json" not in media_type(headers):
        return None
    try:
        return json.loads(_octets(headers, body))
    except (ValueError, RecursionError):
        return None
