"""What the world knows, and how effects change it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.proxy.engine.twin.facts import Entity, Kind
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.world import World
from tests.proxy.engine.conftest import Tape
from tests.proxy.engine.twin.conftest import Judge

UUID = "9c9de5e8-0a1e-484a-b099-e80766180a6d"
KINDS = {
    "video": Kind("video", keys=("id", "uuid"), defaults={"isLive": False}, parts={"account": "account"}),
    "account": Kind("account", keys=("id", "name")),
}


@pytest.fixture
def world() -> World:
    def derive(_entity: Entity, _expression: Any) -> Any:
        raise Undecided("nothing is derived here")

    return World(KINDS, {"live": {"enabled": False}}, derive)


def test_any_key_names_it_numbers_and_texts_alike(world: World) -> None:
    video = world.learn("video", {"id": 5, "uuid": UUID})
    assert world.known("video", "5") is world.known("video", 5) is world.known("video", UUID.upper()) is video


def test_a_key_can_be_chosen(world: World) -> None:
    world.learn("account", {"id": 7, "name": "5"})
    assert world.known("account", 5) is not None
    assert world.known("account", 5, by="id") is None


def test_what_is_told_again_is_joined(world: World) -> None:
    world.learn("video", {"id": 5, "name": "Old", "privacy": {"id": 1, "label": "Public"}})
    world.learn("video", {"id": 5, "uuid": UUID, "name": "New"})
    video = world.known("video", UUID)
    assert video is not None
    assert (video.tell("name"), video.tell("privacy")) == ("New", 1)


def test_two_that_turn_out_to_be_one_become_one(world: World) -> None:
    by_number, by_uuid = world.learn("video", {"id": 5}), world.learn("video", {"uuid": UUID, "name": "Film"})
    world.learn("video", {"id": 5, "uuid": UUID})
    assert by_number is not None
    assert by_uuid is not None
    assert by_number.tell("name") == by_uuid.tell("name") == "Film"
    assert len(world.all_of("video", {})) == 1


def test_parts_are_entities_themselves(world: World) -> None:
    video = world.learn("video", {"id": 5, "account": {"id": 2, "name": "ada"}})
    world.change("account", 2, {"name": "bea"})
    assert video is not None
    assert video.tell("account").tell("name") == "bea"


def test_what_is_not_told_is_not_known_unless_it_may_be_assumed(world: World) -> None:
    video = world.learn("video", {"id": 5})
    assert video is not None
    assert video.tell("isLive") is False
    with pytest.raises(Undecided):
        video.tell("name")


def test_what_is_forgotten_is_gone_until_it_is_told_again(world: World) -> None:
    video = world.learn("video", {"id": 5})
    assert video is not None
    world.forget([video])
    assert world.known("video", 5) is None
    assert world.has_heard_of("video", 5)
    world.learn("video", {"id": 5})
    assert world.known("video", 5) is video


def test_changing_makes_known(world: World) -> None:
    world.change("video", UUID, {"name": "Film"})
    found = world.known("video", UUID)
    assert found is not None
    assert found.tell("name") == "Film"


def test_the_configuration_is_joined(world: World) -> None:
    world.configure({"live": {"allow_replay": True}})
    assert world.config.tell("live").tell("enabled") is False
    assert world.config.tell("live").tell("allow_replay") is True


RULES: dict[str, Any] = {
    "kinds": {
        "user": {"keys": ["id", "username"]},
        "token": {"keys": ["text"]},
        "thing": {"missing": "Thing not found"},
    },
    "consequences": {"kept": [{"learn": {"thing": "response.data"}, "with": {"size": "this.size * 2"}}]},
    "routes": {
        "GET /api/v1/things": {"effects": [{"use": "kept"}]},
        "POST /api/v1/things": {
            "effects": [
                {"learn": {"thing": "response.thing"}, "with": {"name": "body.name", "by": "me.username"}},
                {"configure": "{'things': {'enabled': body.name == 'on'}}", "when": "exists(body.name)"},
            ]
        },
        "DELETE /api/v1/things/{id}": {"effects": [{"forget": {"thing": "params.id"}}]},
        "GET /api/v1/things/{id}": {
            "steps": [
                {"find": {"thing": "params.id"}},
                {"refuse": "True", "detail": "{thing.name} by {get(thing, 'by', '?')}, {get(thing, 'size', '?')}"},
            ]
        },
    },
}
Judging = Callable[..., Judge]


def said(judge: Judge, target: str) -> str:
    return str(json.loads(read(judge.answer("GET", target).body))["detail"])


def test_effects_tell_what_requests_and_answers_said(judging: Judging, tape: Tape) -> None:
    tape.login("ada", "ada-token")
    tape.add("GET", "/api/v1/users/me", {"id": 3, "username": "ada"}, token="ada-token")
    tape.add("POST", "/api/v1/things", {"thing": {"id": 8}}, token="ada-token", body={"name": "Lamp"})
    tape.add("GET", "/api/v1/things", {"total": 1, "data": [{"id": 9, "name": "Chair", "size": 4}]})
    judge = judging(**RULES)
    assert said(judge, "/api/v1/things/8") == "Lamp by ada, ?"
    assert said(judge, "/api/v1/things/9") == "Chair by ?, 8"
    assert said(judge, "/api/v1/things/10") == "Thing not found"


def test_a_refused_request_changes_nothing(judging: Judging, tape: Tape) -> None:
    tape.add("POST", "/api/v1/things", {"thing": {"id": 8}}, status=403, body={"name": "Lamp"})
    assert said(judging(**RULES), "/api/v1/things/8") == "Thing not found"


def test_the_timeline_says_what_had_happened(judging: Judging, tape: Tape) -> None:
    tape.add("GET", "/api/v1/users/me", {}, status=401)
    created = tape.add("POST", "/api/v1/things", {"thing": {"id": 8}}, body={"name": "Lamp"})
    removed = tape.add("DELETE", "/api/v1/things/8", "", status=204)
    judge = judging(**RULES)
    times = [tape.exchanges[number - 1].timing.answered for number in (created, removed)]
    for moment, expected in [
        (times[0] - 0.1, "Thing not found"),
        (times[0] + 0.1, "Lamp by ?, ?"),
        (times[1] + 0.1, "Thing not found"),
        (times[0] + 0.1, "Lamp by ?, ?"),  # back again
    ]:
        judge.session.clock.freeze(True)
        judge.session.clock.set(moment)
        assert said(judge, "/api/v1/things/8") == expected


def test_without_a_timeline_nothing_counts_as_removed(judging: Judging, tape: Tape) -> None:
    tape.add("POST", "/api/v1/things", {"thing": {"id": 8}}, body={"name": "Lamp"})
    tape.add("DELETE", "/api/v1/things/8", "", status=204)
    assert said(judging(**RULES), "/api/v1/things/8") == "Lamp by ?, ?"
