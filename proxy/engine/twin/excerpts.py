"""Worlds of very large cassettes: told of what a question needs, found by name, and of what all hang on; never of all.

A world is told in the order of time as a whole one is, only of fewer events. Where the cassettes cannot say that there
are no more of them, whoever asks for something that is not known gets no answer: a miss then, but nothing wrong.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from peertape.cassettes.candidates import Candidate
from peertape.cassettes.mentions.names import route_number, shape_of
from peertape.cassettes.paths import fold, spellings
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.shelf import USER, Shelf
from peertape.proxy.engine.twin.contract import Book, Contract
from peertape.proxy.engine.twin.events import Event, event_of
from peertape.proxy.engine.twin.facts import Entity
from peertape.proxy.engine.twin.needs import NOTHING, Lacking, Namer, Need, Needs, Scope, Teachers, is_named
from peertape.proxy.engine.twin.overlay import Overlay
from peertape.proxy.engine.twin.telling import TOKEN, Begun
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.values import exists
from peertape.proxy.engine.twin.world import Key, World

OF_A_ROUTE = 30  # recordings of a route that tells of the instance as a whole, the last ones
OF_A_WAY = 4  # to tell of a thing, the last recordings
MOST_OF_A_KIND = 300  # recordings that teach a kind of which all is told
OF_A_THING = 30  # recordings of the path that names it
BELOW_A_THING = 100  # paths behind that one
OF_A_PATH = 5  # recordings of each of these
MOST_WORLDS = 200  # that are remembered, and needs
ROUNDS = 6  # in which what was told makes more be needed


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A world, and what it was told of."""

    world: World
    told: Needs


# For these needs, and with what a session has done.
type Seen = Callable[[Needs], tuple[Excerpt, World]]


@dataclass
class Excerpts:
    """`begun` makes a world that was told nothing."""

    shelf: Shelf
    book: Book
    begun: Begun
    _changes: tuple[int, ...] = ()
    _whole: dict[str, list[Event] | None] = field(default_factory=dict)
    _found: dict[tuple[Need, float], list[Event]] = field(default_factory=dict)
    _excerpts: OrderedDict[tuple[Needs, float | None], Excerpt] = field(default_factory=OrderedDict)
    _worlds: OrderedDict[tuple[object, ...], tuple[World, Needs]] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.namer = Namer(self.shelf.cassettes)
        self._teachers = Teachers(self.book)

    def of(self, needs: Needs, until: float | None) -> Excerpt:
        """What is known for these needs; `until`: by that moment."""
        self._look()
        key = (needs, until)
        if (known := self._excerpts.get(key)) is None:
            known = self._made(needs, until)
            for kept in (key, (known.told, until)):
                self._excerpts[kept] = known
            while len(self._excerpts) > MOST_WORLDS:
                self._excerpts.popitem(last=False)
        self._excerpts.move_to_end(key)
        return known

    def of_asker(self, request: Request) -> Needs:
        """Who presents its token."""
        question = self.shelf.ask(request)
        needs = NOTHING
        if question.identity.startswith(USER):
            needs |= self.namer.of_key("user", question.identity.removeprefix(USER), "username")
        if "authorization" in request.headers:
            for cassette in self.shelf.cassettes:
                if (token := question.keys(cassette).credential) is not None:
                    needs |= self.of_token(token)
        return needs

    def of_token(self, token: str) -> Needs:
        return self.namer.of_key(TOKEN, token, "text")

    def judged(self, request: Request, needs: Needs, seen: Seen) -> World:
        """For the rules, who are told more when they ask for more."""
        return Judged(self, request, needs, seen)

    def needs_of(self, kind: str, names: Needs, request: Request) -> Needs:
        """Of whoever asks for things of that kind which have the names."""
        if is_named(kind) and names:
            return names | {Need(Scope.UNNAMED, kind)}
        if self.has_all(kind):
            return frozenset({Need(Scope.KIND, kind)})
        return frozenset(Need(Scope.PATH, path) for path in self._named(request))

    def has_all(self, kind: str) -> bool:
        """Whether all can be told that the cassettes hold of the kind."""
        return self._events_of_kind(kind) is not None

    def _look(self) -> None:
        changes = tuple(cassette.changes() for cassette in self.shelf.cassettes)
        if changes == self._changes:
            return
        self._changes = changes
        self._whole.clear()
        self._found.clear()
        self._excerpts.clear()
        self._worlds.clear()

    def _made(self, needs: Needs, until: float | None) -> Excerpt:
        latest = math.inf if until is None else until
        if not needs:
            general = _in_order(
                event for event in self._latest_of(self._teachers.general, latest) if event.at <= latest
            )
            telling = self.begun(general, None, removals=until is not None)
            telling.go_on(len(general))
            return Excerpt(telling.world, needs)
        below = self.of(NOTHING, until).world
        told = needs
        for _ in range(ROUNDS):
            world, missed = self._told_of(self._events_for(told, latest), below, until)
            more = (missed | self._of_told(world, told)) - told
            if not more:
                break
            told |= more
        return Excerpt(world, told)

    def _told_of(self, events: Sequence[Event], below: World, until: float | None) -> tuple[World, Needs]:
        """A world that was told these events, which several needs may come to, and what it missed."""
        key = (until, *((event.cassette.name, event.candidate.id) for event in events))
        if key not in self._worlds:
            telling = self.begun(events, below, removals=until is not None)
            missed = telling.world.missed = _Missed(self.namer)
            telling.go_on(len(events))
            telling.world.missed = None
            self._worlds[key] = telling.world, missed.needs
            if len(self._worlds) > MOST_WORLDS:
                self._worlds.popitem(last=False)
        self._worlds.move_to_end(key)
        return self._worlds[key]

    def _of_told(self, world: World, told: Needs) -> Needs:
        """What is needed is so by all its names."""
        needed = (entity for entity in world.told() if self.namer.is_among(entity, told))
        return NOTHING.union(*map(self.namer.of_entity, needed))

    def parts_of(self, excerpt: Excerpt) -> Needs:
        """Of what it was told of."""
        found = NOTHING
        for entity in excerpt.world.told():
            if self.namer.is_among(entity, excerpt.told):
                held = (entity.members.get(part) for part in entity.kind.parts)
                found = found.union(*(self.namer.of_entity(part) for part in held if isinstance(part, Entity)))
        return found - excerpt.told

    def _events_for(self, needs: Needs, until: float) -> list[Event]:
        return _in_order(event for need in needs for event in self._of(need, until))

    def _of(self, need: Need, until: float) -> list[Event]:
        key = (need, until)
        if key not in self._found:
            if len(self._found) > 10 * MOST_WORLDS:
                self._found.clear()
            self._found[key] = [event for event in self._recorded_for(need, until) if event.at <= until]
        return self._found[key]

    def _recorded_for(self, need: Need, until: float) -> Iterable[Event]:
        match need.scope, need.what:
            case Scope.NAME, int(name):
                return self._of_name(name, need.kind, until)
            case Scope.KIND, str(kind):
                return self._events_of_kind(kind) or ()
            case Scope.UNNAMED, str(kind):
                return self._latest_of(self._teachers.unnamed[kind], until)
            case _:
                return self._below(str(need.what))

    def _of_name(self, name: int, kind: str, until: float) -> Iterator[Event]:
        teachers = {contract.name for contract in self._teachers.of_kind[kind]}
        for cassette in self.shelf.cassettes:
            recorded = cassette.candidates_of(cassette.telling(name, OF_A_WAY, until))
            yield from (event for event in self._events(cassette, recorded) if event.contract.name in teachers)

    def _events_of_kind(self, kind: str) -> list[Event] | None:
        """None if they are too many."""
        if kind not in self._whole:
            self._whole[kind] = self._of_contracts(self._teachers.of_kind[kind])
        return self._whole[kind]

    def _of_contracts(self, contracts: Iterable[Contract]) -> list[Event] | None:
        found: list[Event] = []
        for contract in contracts:
            for cassette in self.shelf.cassettes:
                recorded = self._of_route(cassette, contract)
                if recorded is None or len(found) + len(recorded) > MOST_OF_A_KIND:
                    return None
                found += self._events(cassette, recorded, contract)
        return found

    def _latest_of(self, contracts: Iterable[Contract], until: float) -> Iterator[Event]:
        """The last ones of each contract by that moment."""
        for contract in contracts:
            for cassette in self.shelf.cassettes:
                if until == math.inf and "{" not in contract.name:
                    recorded = cassette.newest([fold(contract.name.partition(" ")[2])], OF_A_ROUTE)
                else:
                    names = _routes(contract)
                    numbers = {number for name in names for number in cassette.telling(name, OF_A_ROUTE, until)}
                    recorded = cassette.candidates_of(list(numbers))
                yield from self._events(cassette, recorded, contract)

    def _of_route(self, cassette: Cassette, contract: Contract) -> list[Candidate] | None:
        """Its successes; None if they are too many."""
        folded = fold(contract.name.partition(" ")[2])
        if "*}" in folded:  # of any number of segments
            start, most = folded.partition("{")[0], MOST_OF_A_KIND
            paths = [path for path in cassette.paths_from(start, most + 1) if path.startswith(start)]
            found = cassette.newest(paths, most + 1) if len(paths) <= most else []
            return None if len(paths) > most or len(found) > most else found
        numbers: list[int] = []
        for name in _routes(contract):
            of_name = cassette.of_route(name, MOST_OF_A_KIND)
            if of_name is None:
                return None
            numbers += of_name
        return cassette.candidates_of(sorted(numbers))

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

    def _below(self, thing: str) -> Iterator[Event]:
        for cassette in self.shelf.cassettes:
            found: dict[int, Candidate] = {}
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


class _Missed:
    """Notes what effects ask for and do not find."""

    def __init__(self, namer: Namer) -> None:
        self._namer = namer
        self.needs = NOTHING

    def known(self, kind: str, key: Any, by: str | None) -> None:
        self.needs |= self._namer.of_key(kind, key, by) or {Need(Scope.KIND, kind)}

    def all_of(self, kind: str, wanted: Mapping[str, Any]) -> None:
        self.needs |= self._namer.of_members(kind, wanted)


class Judged(Overlay):
    """A world as the rules see it. When they ask for more than it was told, it is laid over one that was told more.

    Once they have seen something of it, it raises Lacking instead: what they have seen would be of another world.
    """

    def __init__(self, excerpts: Excerpts, request: Request, needs: Needs, seen: Seen) -> None:
        self._excerpt, below = seen(needs)
        super().__init__(below, below.derive)
        self._excerpts = excerpts
        self._request = request
        self._seen = seen
        self._is_seen = False

    def at(self, key: Key) -> Entity | None:
        self._is_seen = True
        return super().at(key)

    def of_kind(self, kind: str) -> Iterable[Entity]:
        self._is_seen = True
        return super().of_kind(kind)

    def known(self, kind: str, key: Any, by: str | None = None) -> Entity | None:
        is_asked_by_rules = by != "text"  # else it is asked what became of a token, by those who know what they lack
        if isinstance(key, Entity) or not exists(key) or not is_asked_by_rules:
            return super().known(kind, key, by)
        names = self._excerpts.namer.of_key(kind, key, by)
        self._demand(self._excerpts.needs_of(kind, names, self._request))
        entity = super().known(kind, key, by)
        if entity is None and not names and not self._excerpts.has_all(kind):
            raise Undecided(f"{kind} {key}")
        return entity

    def all_of(self, kind: str, wanted: Mapping[str, Any]) -> list[Entity]:
        names = self._excerpts.namer.of_members(kind, wanted)
        self._demand(self._excerpts.needs_of(kind, names, self._request))
        found = super().all_of(kind, wanted)
        if not names and not self._excerpts.has_all(kind) and not (found and self.kinds[kind].single):
            raise Undecided(f"all of {kind}")
        return found

    def _demand(self, needs: Needs) -> None:
        if needs <= self._excerpt.told:
            return
        more = self._excerpt.told | needs
        if self._is_seen:
            raise Lacking(more)
        excerpt, below = self._seen(more)
        if below.config != self.config:
            raise Lacking(more)
        self._excerpt, self.below, self.derive = excerpt, below, below.derive

    def parts(self) -> Needs:
        """What was not told, and may leave the rules undecided."""
        return self._excerpts.parts_of(self._excerpt)


def _routes(contract: Contract) -> list[int]:
    methods, _, path = contract.name.partition(" ")
    return [route_number(method, shape_of(fold(path))) for method in methods.split("|")]


def _in_order(events: Iterable[Event]) -> list[Event]:
    """Each once."""
    found = {(event.cassette.name, event.candidate.id): event for event in events}
    return sorted(found.values(), key=lambda event: event.at)
