"""What the cassettes hold that tells something of the world, in the order in which it was answered."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched

from peertape.cassettes.candidates import PAGE, Candidate
from peertape.cassettes.model import Exchange, State
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.twin.contract import Book, Contract


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded success that tells something of the world."""

    at: float
    cassette: Cassette
    candidate: Candidate
    contract: Contract
    params: Mapping[str, str]


@dataclass(slots=True)
class _Place:
    """How far a cassette was read."""

    last: int = 0  # the highest number that was seen
    open: list[int] = field(default_factory=list)  # those below it that had not ended
    count: int = 0


class Events:
    """Read once; while a cassette grows, only what is new. `all` is another list when more changed than its end."""

    def __init__(self, shelf: Shelf, book: Book) -> None:
        self._shelf = shelf
        self._book = book
        self._changes: tuple[int, ...] = ()
        self._places: dict[str, _Place] = {}
        self._unexplained: set[tuple[Cassette, str]] = set()  # tokens that were presented, and nobody knew whose
        self._origin: str | None = None
        self.all: list[Event] = []

    def look(self) -> None:
        """Reads what there is by now."""
        changes = tuple(cassette.changes() for cassette in self._shelf.cassettes)
        if changes == self._changes:
            return
        self._changes = changes
        new = None if self._says_more_of_the_past() else self._new()
        if new is None:
            self._places, self._unexplained, self.all = {}, set(), []
            self._origin = self._shelf.origin()
            new = self._new() or []
        if self.all and new and new[0].at < self.all[-1].at:
            self.all = sorted([*self.all, *new], key=_moment)
        else:
            self.all += new

    def until(self, moment: float) -> int:
        """How many there were by then."""
        return bisect_right(self.all, moment, key=_moment)

    def _says_more_of_the_past(self) -> bool:
        """Whether it is known by now what was not when the events were read."""
        explained = any(cassette.user_of(token) for cassette, token in self._unexplained)
        return explained or self._shelf.origin() != self._origin

    def _new(self) -> list[Event] | None:
        """Since the last look, in their order; None if something that was there is gone."""
        found: list[Event] = []
        for cassette in self._shelf.cassettes:
            place = self._places.setdefault(cassette.name, _Place())
            candidates = [*cassette.candidates(after=place.last), *cassette.candidates_of(place.open)]
            place.count += sum(candidate.id > place.last for candidate in candidates)
            if cassette.count() < place.count:
                return None
            place.last = max((place.last, *(candidate.id for candidate in candidates)))
            place.open = [candidate.id for candidate in candidates if candidate.state is State.OPEN]
            found += [event for candidate in candidates if (event := self._event(cassette, candidate))]
        return sorted(found, key=_moment)

    def _event(self, cassette: Cassette, candidate: Candidate) -> Event | None:
        event = event_of(self._book, cassette, candidate)
        if event and candidate.credential is not None and cassette.user_of(candidate.credential) is None:
            self._unexplained.add((cassette, candidate.credential))
        return event


def event_of(book: Book, cassette: Cassette, candidate: Candidate) -> Event | None:
    """What the recording tells, if it tells anything."""
    if not candidate.replayable or candidate.status is None or not 200 <= candidate.status < 300:
        return None
    found = book.routes.find(candidate.method, candidate.path)
    if found is None or not found.route.effects or candidate.answered_at is None:
        return None
    return Event(candidate.answered_at, cassette, candidate, found.route, found.params)


def with_exchanges(events: Sequence[Event]) -> Iterator[tuple[Event, Exchange]]:
    """Each with what was recorded, read page by page."""
    for page in batched(events, PAGE, strict=False):
        found: dict[tuple[Cassette, int], Exchange] = {}
        for cassette in {event.cassette for event in page}:
            numbers = [event.candidate.id for event in page if event.cassette is cassette]
            found.update({(cassette, exchange.id): exchange for exchange in cassette.whole(numbers)})
        for event in page:
            if exchange := found.get((event.cassette, event.candidate.id)):
                yield event, exchange


def _moment(event: Event) -> float:
    return event.at
