"""The worlds of a run: what the cassettes tell in all, or had told by a moment of the timeline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.twin.contract import Book
from peertape.proxy.engine.twin.deeds import Deeds
from peertape.proxy.engine.twin.events import Events
from peertape.proxy.engine.twin.surroundings import in_development
from peertape.proxy.engine.twin.telling import TOKEN, Telling
from peertape.proxy.engine.twin.timelines import Timelines
from peertape.proxy.engine.twin.world import World


class History:
    """A world is told each event once: also while a cassette grows, and while a timeline moves on."""

    def __init__(self, shelf: Shelf, book: Book) -> None:
        self._shelf = shelf
        self._book = book
        self.events = Events(shelf, book)
        self._whole: Telling | None = None
        self._timelines = Timelines()
        self._read = self.events.all

    def world(self, session: Session) -> World:
        """As the session's timeline says (without one all that is known, nothing removed), with its own deeds."""
        below = self._below(session)
        deeds = session.memory.get(Deeds)
        return below if deeds is None else deeds.over(below, self._book)

    def _below(self, session: Session) -> World:
        until = session.clock.known_until  # first of all: the clock runs on while recordings are read
        self.events.look()
        if until is None:
            return self._of_all()
        if self.events.all is not self._read:
            self._read = self.events.all
            self._timelines.clear()
        wanted = self.events.until(until)
        return self._timelines.at(wanted, session.name, lambda: self._begun(removals=True)).world

    def issued(self, token: str) -> bool:
        """Whether a recorded login gave out that token."""
        self.events.look()
        entity = self._of_all().known(TOKEN, token, "text")
        return entity is not None and entity.get("ends") is not None

    def _of_all(self) -> World:
        if self._whole is None or self._whole.events is not self.events.all:
            self._whole = self._begun(removals=False)
        self._whole.go_on(len(self.events.all))
        return self._whole.world

    def _begun(self, *, removals: bool) -> Telling:
        return Telling(self._book, self.events.all, self._of_address(), removals=removals)

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
