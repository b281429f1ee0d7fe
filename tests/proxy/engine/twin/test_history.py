"""Worlds while a cassette grows: what is new is told to the world that there is, as far as that is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedResponse, State
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter
from peertape.config.contracts import Contracts
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.twin.contract import compiled
from peertape.proxy.engine.twin.history import History
from peertape.proxy.engine.twin.telling import Telling
from peertape.proxy.engine.twin.timelines import Timelines
from peertape.proxy.engine.twin.world import World
from tests.proxy.engine.conftest import Tape
from tests.proxy.engine.twin.conftest import RIGHTS

RULES = {
    "kinds": {"user": {"keys": ["id", "username"]}, "token": {"keys": ["text"]}, "thing": {}},
    "routes": {
        "GET /api/v1/users/me": {"effects": [{"learn": {"user": "response"}}]},
        "POST /api/v1/things": {"effects": [{"learn": {"thing": "response"}, "with": {"by": "me.username"}}]},
        "GET /api/v1/things/{id}": {"effects": [{"learn": {"thing": "response"}}]},
        "DELETE /api/v1/things/{id}": {"effects": [{"forget": {"thing": "params.id"}}]},
    },
}
JSON = Headers((("Content-Type", "application/json"),))


class Growing:
    """A tape that is recorded while a history reads it."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.writer = CassetteWriter(tape.path, RedactionRules.default())
        self._written = 0
        self.cassette = Cassette(tape.path)
        self.history = History(Shelf([self.cassette]), compiled(Contracts.model_validate(RULES), RIGHTS))
        self.session = Session("default")
        self.session.clock.freeze(True)

    def world(self) -> World:
        """After all that the tape has by now."""
        for exchange in self.tape.exchanges[self._written :]:
            self.write(exchange)
        self._written = len(self.tape.exchanges)
        self.writer.commit()
        return self.history.world(self.session)

    def write(self, exchange: Exchange) -> None:
        self.writer.add(exchange)


@pytest.fixture
def growing(tape: Tape) -> Iterator[Growing]:
    with ExitStack() as stack:
        made = Growing(tape)
        stack.callback(made.writer.close)
        stack.callback(made.cassette.close)
        yield made


def names(world: World) -> set[object]:
    return {thing.get("name") for thing in world.all_of("thing", {})}


def test_what_is_new_is_told_to_the_same_world(growing: Growing, tape: Tape) -> None:
    tape.add("POST", "/api/v1/things", {"id": 1, "name": "Lamp"})
    world = growing.world()
    assert names(world) == {"Lamp"}
    tape.add("POST", "/api/v1/things", {"id": 2, "name": "Chair"})
    assert growing.world() is world
    assert names(world) == {"Lamp", "Chair"}
    assert growing.world() is world


def test_an_exchange_that_ends_later(growing: Growing, tape: Tape) -> None:
    tape.add("POST", "/api/v1/things", {"id": 1, "name": "Lamp"})
    whole = tape.exchanges.pop()
    entry = growing.writer.begin(whole.request, whole.timing.started)
    entry.request_end(whole.timing.sent)
    assert names(growing.world()) == set()
    response = whole.response
    assert response is not None
    entry.response_head(RecordedResponse(200, "OK", "HTTP/1.1", JSON), whole.timing.answering)
    entry.response_data(b'{"id": 1, "name": "Lamp"}')
    entry.end(State.COMPLETE, whole.timing.answered)
    assert names(growing.world()) == {"Lamp"}


def test_what_was_answered_earlier_is_told_in_its_place(growing: Growing, tape: Tape) -> None:
    for name in ("First", "Second"):
        tape.add("GET", "/api/v1/things/1", {"id": 1, "name": name})
    first = tape.exchanges.pop(0)
    assert names(growing.world()) == {"Second"}
    growing.write(first)
    assert names(growing.world()) == {"Second"}
    tape.add("GET", "/api/v1/things/1", {"id": 1, "name": "Third"})
    assert names(growing.world()) == {"Third"}


def test_whose_a_token_is_may_turn_out_later(growing: Growing, tape: Tape) -> None:
    tape.add("POST", "/api/v1/things", {"id": 1, "name": "Lamp"}, token="ada-token")
    assert [thing.get("by") for thing in growing.world().all_of("thing", {})] == [None]
    tape.add("GET", "/api/v1/users/me", {"id": 3, "username": "ada"}, token="ada-token")
    assert [thing.get("by") for thing in growing.world().all_of("thing", {})] == ["ada"]


def test_a_cassette_that_begins_anew(growing: Growing, tape: Tape) -> None:
    tape.add("POST", "/api/v1/things", {"id": 1, "name": "Lamp"})
    tape.add("POST", "/api/v1/things", {"id": 2, "name": "Chair"})
    assert names(growing.world()) == {"Lamp", "Chair"}
    growing.writer.forget_everything()
    tape.add("POST", "/api/v1/things", {"id": 3, "name": "Table"})
    assert names(growing.world()) == {"Table"}


def test_a_timeline_that_moves_on_keeps_its_world(growing: Growing, tape: Tape) -> None:
    tape.add("POST", "/api/v1/things", {"id": 1, "name": "Lamp"})
    tape.add("DELETE", "/api/v1/things/1", "", status=204)
    times = [exchange.timing.answered or 0.0 for exchange in tape.exchanges]
    growing.session.clock.set(times[0])
    world = growing.world()
    assert names(world) == {"Lamp"}
    growing.session.clock.set(times[1])
    assert growing.world() is world
    assert names(world) == set()
    tape.add("POST", "/api/v1/things", {"id": 2, "name": "Chair"})
    assert names(growing.world()) == set()  # not yet, by the session's clock
    growing.session.clock.set(times[0])
    assert names(growing.world()) == {"Lamp"}


def test_sessions_at_the_same_moment_share_a_world(growing: Growing, tape: Tape) -> None:
    tape.add("POST", "/api/v1/things", {"id": 1, "name": "Lamp"})
    tape.add("POST", "/api/v1/things", {"id": 2, "name": "Chair"})
    first, second = (exchange.timing.answered or 0.0 for exchange in tape.exchanges)
    other = Session("other")
    growing.session.clock.set(first)
    other.clock.set(first)
    world = growing.world()
    assert growing.history.world(other) is world
    other.clock.set(second)
    assert names(growing.history.world(other)) == {"Lamp", "Chair"}
    assert growing.world() is world
    assert names(world) == {"Lamp"}


def test_only_so_many_worlds_are_kept(growing: Growing, tape: Tape) -> None:
    for number in range(4):
        tape.add("POST", "/api/v1/things", {"id": number, "name": f"Thing {number}"})
    growing.world()
    book, events = compiled(Contracts.model_validate(RULES), RIGHTS), growing.history.events.all
    begun: list[Telling] = []

    def begin() -> Telling:
        begun.append(Telling(book, events, (), removals=True))
        return begun[-1]

    kept = Timelines(most=5)
    worlds = {told: kept.at(told, f"session {told}", begin).world for told in (3, 1, 2, 4)}
    assert {told: len(names(world)) for told, world in worlds.items()} == {3: 3, 1: 1, 2: 2, 4: 4}
    assert len(begun) == 4
    assert kept.at(4, "another", begin).world is worlds[4]
    assert kept.at(3, "another", begin).world is not worlds[3]
