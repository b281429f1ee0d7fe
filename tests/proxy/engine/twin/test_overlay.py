"""What a session changes is laid over the world that all share."""

from __future__ import annotations

from typing import Any

import pytest

from peertape.proxy.engine.twin.facts import Entity, Kind
from peertape.proxy.engine.twin.overlay import Overlay
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.world import World

KINDS = {"video": Kind("video", keys=("id", "uuid")), "import": Kind("import", parts={"video": "video"})}


def nothing(_entity: Entity, _expression: Any) -> Any:
    raise Undecided("nothing is derived here")


@pytest.fixture
def below() -> World:
    world = World(KINDS, {}, nothing)
    world.learn("video", {"id": 1, "uuid": "a", "name": "One"})
    world.learn("video", {"id": 2, "uuid": "b", "name": "Two"})
    return world


def named(world: World, key: Any) -> Any:
    video = world.known("video", key)
    return None if video is None else video.get("name")


def test_what_is_below_shows_through_also_what_comes_later(below: World) -> None:
    world = Overlay(below, nothing)
    below.learn("video", {"id": 3, "name": "Three"})
    assert (named(world, "a"), named(world, 3), len(world.all_of("video", {}))) == ("One", "Three", 3)


def test_changes_stay_above(below: World) -> None:
    world = Overlay(below, nothing)
    world.change("video", "a", {"name": "Changed"})
    world.learn("video", {"id": 4, "name": "Four"})
    world.forget([video for video in [world.known("video", 2)] if video])
    assert (named(world, 1), named(world, "b"), named(world, 4)) == ("Changed", None, "Four")
    assert (named(below, 1), named(below, "b"), named(below, 4)) == ("One", "Two", None)
    assert sorted(video.get("name") for video in world.all_of("video", {})) == ["Changed", "Four"]
    assert world.has_heard_of("video", "b")


def test_a_changed_thing_is_the_same_thing(below: World) -> None:
    found = below.learn("import", {"id": 9, "video": {"id": 1}})
    world = Overlay(below, nothing)
    world.change("video", 1, {"name": "Changed"})
    assert found is not None
    assert found.get("video") == world.known("video", 1)
    assert world.known("video", 1) != world.known("video", 2)


def test_two_that_turn_out_to_be_one_are_one_above(below: World) -> None:
    world = Overlay(below, nothing)
    world.learn("video", {"id": 1, "uuid": "b"})
    assert world.known("video", "a") is world.known("video", 2) is world.known("video", "b")
    assert len(world.all_of("video", {})) == 1
    assert len(below.all_of("video", {})) == 2
