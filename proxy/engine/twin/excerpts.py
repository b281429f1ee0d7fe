"""Worlds of very large cassettes: told of what many requests hang on, and of what one request names; never of all.

What is not told may still be recorded. So whoever asks for something that is not known gets no answer but where the
cassettes prove that there is none: a miss then, but nothing that is wrong.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from peertape.cassettes.candidates import Candidate
from peertape.cassettes.paths import fold, spellings, uuid_of
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.twin.contract import Book, Contract
from peertape.proxy.engine.twin.effects import Effect
from peertape.proxy.engine.twin.events import Event, event_of
from peertape.proxy.engine.twin.facts import Entity
from peertape.proxy.engine.twin.overlay import Overlay
from peertape.proxy.engine.twin.telling import Begun
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.values import text_of
from peertape.proxy.engine.twin.world import Key, World

OF_A_ROUTE = 30  # recordings of a route without parameters, the last ones
OF_A_THING = 30  # of the path that names it
BELOW_A_THING = 100  # paths behind that one
OF_A_PATH = 5  # recordings of each of these
MOST_WORLDS = 200  # that are remembered
_NUMBERED = ("video", "playlist")  # kinds of which cassettes list all that they know


@dataclass
class Excerpts:
    """`begun` makes a world that was told nothing."""

    shelf: Shelf
    book: Book
    begun: Begun
    _changes: tuple[int, ...] = ()
    _general: list[Event] = field(default_factory=list)
    _untold: frozenset[str] = frozenset()  # kinds of which there may be more
    _of_things: dict[tuple[str, ...], list[Event]] = field(default_factory=dict)
    _worlds: OrderedDict[tuple[object, ...], World] = field(default_factory=OrderedDict)

    def world(self, request: Request | None, until: float | None) -> World:
        """What is known for the request; `until`: by that moment."""
        self._look()
        general = [event for event in self._general if until is None or event.at <= until]
        below = self._told((), general, None, removals=until is not None)
        things = () if request is None else tuple(self._named(request))
        if not things:
            return below
        special = [event for event in self._about(things) if until is None or event.at <= until]
        return self._told(things, special, below, removals=until is not None) if special else below

    def guarded(self, general: World, told: Callable[[], World]) -> World:
        """For the rules, which get no answer where it is not told enough.

        `told`: of what it is about, called when they first ask for a thing; most refuse before.
        """
        return _Guarded(general, told, self.shelf.cassettes, self._untold)

    def _look(self) -> None:
        changes = tuple(cassette.changes() for cassette in self.shelf.cassettes)
        if changes == self._changes:
            return
        self._changes = changes
        self._worlds.clear()
        self._of_things.clear()
        events: list[Event] = []
        untold: set[str] = set()
        for contract in self.book.contracts:
            if not contract.effects:
                continue
            path = fold(contract.name.partition(" ")[2])
            start, has_parameters, _ = path.partition("{")
            is_whole = True
            for cassette in self.shelf.cassettes:
                if has_parameters:
                    is_whole &= not any(found.startswith(start) for found in cassette.paths_from(start, 1))
                    continue
                recorded = cassette.newest([path], OF_A_ROUTE + 1)
                is_whole &= len(recorded) <= OF_A_ROUTE
                events += self._events(cassette, recorded[-OF_A_ROUTE:], contract)
            if not is_whole:
                untold |= _taught(contract.effects, self.book)
        self._general = sorted(events, key=lambda event: event.at)
        self._untold = frozenset(untold)

    def _told(self, things: tuple[str, ...], events: Sequence[Event], below: World | None, *, removals: bool) -> World:
        key = (things, len(events), None if below is None else id(below), removals)
        if key not in self._worlds:
            telling = self.begun(events, below, removals=removals)
            telling.go_on(len(events))
            self._worlds[key] = telling.world
            if len(self._worlds) > MOST_WORLDS:
                self._worlds.popitem(last=False)
        self._worlds.move_to_end(key)
        return self._worlds[key]

    def _named(self, request: Request) -> Iterator[str]:
        """The folded paths of the things that a request's path names."""
        found = self.book.routes.find(request.method, request.path)
        if found is None:
            return
        template = [part for part in found.route.name.partition(" ")[2].split("/") if part]
        given = [part for part in fold(request.path).split("/") if part]
        for place, part in enumerate(template, 1):
            if "{" in part and place <= len(given):
                yield "/" + "/".join(given[:place])

    def _about(self, things: tuple[str, ...]) -> list[Event]:
        if things not in self._of_things:
            if len(self._of_things) >= MOST_WORLDS:
                self._of_things.clear()
            self._of_things[things] = sorted(self._recorded_of(things), key=lambda event: event.at)
        return self._of_things[things]

    def _recorded_of(self, things: Iterable[str]) -> Iterator[Event]:
        for cassette in self.shelf.cassettes:
            found: dict[int, Candidate] = {}
            for thing in things:
                for path in spellings(thing, cassette.numbers, cassette.uuid):
                    below = islice(cassette.paths_below(path), BELOW_A_THING)
                    recorded = (*cassette.newest([path], OF_A_THING), *cassette.newest(below, OF_A_PATH))
                    found |= {candidate.id: candidate for candidate in recorded}
            yield from self._events(cassette, found.values())

    def _events(
        self, cassette: Cassette, recorded: Iterable[Candidate], contract: Contract | None = None
    ) -> Iterator[Event]:
        for candidate in recorded:
            event = event_of(self.book, cassette, candidate)
            if event is not None and contract in (None, event.contract):
                yield event


class _Guarded(Overlay):
    def __init__(
        self, general: World, told: Callable[[], World], cassettes: Sequence[Cassette], untold: frozenset[str]
    ) -> None:
        super().__init__(general, general.derive)
        self._told = told
        self._is_told = False
        self._cassettes = cassettes
        self._untold = untold

    def at(self, key: Key) -> Entity | None:
        self._be_told()
        return super().at(key)

    def of_kind(self, kind: str) -> Iterable[Entity]:
        self._be_told()
        return super().of_kind(kind)

    def _be_told(self) -> None:
        if not self._is_told:
            self._is_told, self.below = True, self._told()

    def known(self, kind: str, key: Any, by: str | None = None) -> Entity | None:
        entity = super().known(kind, key, by)
        is_asked_by_rules = by != "text"  # else it is asked what became of a token, by those who know what they lack
        if entity is None and is_asked_by_rules and not isinstance(key, Entity) and self._may_be(kind, text_of(key)):
            raise Undecided(f"{kind} {key}")
        return entity

    def all_of(self, kind: str, wanted: Any) -> list[Entity]:
        found = super().all_of(kind, wanted)
        if kind in self._untold and not (found and self.kinds[kind].single):
            raise Undecided(f"all of {kind}")
        return found

    def _may_be(self, kind: str, key: str) -> bool:
        if kind not in self._untold:
            return False
        if kind not in _NUMBERED:
            return True
        uuid = uuid_of(key) or key.lower()
        return any(
            cassette.uuid(kind, key) if key.isdecimal() else cassette.numbers(kind, uuid)
            for cassette in self._cassettes
        )


def _taught(effects: Sequence[Effect], book: Book) -> set[str]:
    """The kinds of things that the effects may make known, with all their parts."""
    kinds = {effect.kind for effect in effects if effect.kind and effect.what != "forget"}
    while more := {part for kind in kinds for part in book.kinds[kind].parts.values()} - kinds:
        kinds |= more
    return kinds
