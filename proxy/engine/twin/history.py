"""The worlds of a run: what the cassettes tell in all, or had told by a moment of the timeline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from peertape.proxy.engine.model import Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.twin.contract import Book
from peertape.proxy.engine.twin.deeds import Deeds
from peertape.proxy.engine.twin.events import Event, Events
from peertape.proxy.engine.twin.excerpts import Excerpt, Excerpts
from peertape.proxy.engine.twin.needs import NOTHING, Needs
from peertape.proxy.engine.twin.surroundings import in_development
from peertape.proxy.engine.twin.telling import TOKEN, Telling
from peertape.proxy.engine.twin.timelines import Timelines
from peertape.proxy.engine.twin.world import World

LARGEST = 5000  # exchanges of cassettes of which all is read


class History:
    """A world is told each event once: also while a cassette grows, and while a timeline moves on.

    Of more exchanges than `largest` it is told excerpts.
    """

    def __init__(self, shelf: Shelf, book: Book, largest: int | None = None) -> None:
        self._shelf = shelf
        self._book = book
        self._largest = LARGEST if largest is None else largest
        self.events = Events(shelf, book)
        self._whole: Telling | None = None
        self._timelines = Timelines()
        self._read = self.events.all
        self._excerpts = Excerpts(shelf, book, self._begun)

    @property
    def is_excerpt(self) -> bool:
        """Whether the cassettes are too large to be told whole."""
        return sum(cassette.last for cassette in self._shelf.cassettes) > self._largest

    def world(self, session: Session, request: Request | None = None) -> World:
        """As the session's timeline says (without one all that is known, nothing removed), with its own deeds.

        `request`: what it is for.
        """
        below = self._below(session, request)
        deeds = session.memory.get(Deeds)
        return below if deeds is None else deeds.over(below, self._book)

    def judged(self, session: Session, request: Request, needs: Needs) -> World:
        """The world as the rules may ask it for a verdict on the request; raises Lacking where they need more."""
        if not self.is_excerpt:
            return self.world(session)
        until, deeds = session.clock.known_until, session.memory.get(Deeds)

        def seen(needs: Needs) -> tuple[Excerpt, World]:
            excerpt = self._excerpts.of(needs, until)
            return excerpt, excerpt.world if deeds is None else deeds.over(excerpt.world, self._book)

        return self._excerpts.judged(request, needs | self._excerpts.of_asker(request), seen)

    def _below(self, session: Session, request: Request | None) -> World:
        until = session.clock.known_until  # first of all: the clock runs on while recordings are read
        if self.is_excerpt:
            needs = NOTHING if request is None else self._excerpts.of_asker(request)
            return self._excerpts.of(needs, until).world
        self.events.look()
        if until is None:
            return self._of_all()
        if self.events.all is not self._read:
            self._read = self.events.all
            self._timelines.clear()
        wanted = self.events.until(until)
        begun = partial(self._begun, self.events.all, removals=True)
        return self._timelines.at(wanted, session.name, begun).world

    def issued(self, token: str) -> bool:
        """Whether a recorded login gave out that token."""
        if self.is_excerpt:
            world = self._excerpts.of(self._excerpts.of_token(token), None).world
        else:
            self.events.look()
            world = self._of_all()
        entity = world.known(TOKEN, token, "text")
        return entity is not None and entity.get("ends") is not None

    def _of_all(self) -> World:
        if self._whole is None or self._whole.events is not self.events.all:
            self._whole = self._begun(self.events.all, removals=False)
        self._whole.go_on(len(self.events.all))
        return self._whole.world

    def _begun(self, events: Sequence[Event], below: World | None = None, *, removals: bool) -> Telling:
        settings = self._of_address() if below is None else ()
        return Telling(self._book, events, settings, below, removals=removals)

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
