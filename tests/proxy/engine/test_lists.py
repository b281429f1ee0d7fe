"""Another window of a recorded list."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.cassettes.etags import express_etag
from peertape.proxy.engine.lists import window_of
from peertape.proxy.engine.model import Source

Play = Callable[..., Any]
ETAG = (("Content-Type", "application/json; charset=utf-8"), ("ETag", 'W/"x"'))


def page(start: int, stop: int, total: int = 40) -> dict[str, Any]:
    return {"total": total, "data": [{"id": n} for n in range(start, min(stop, total))]}


def ids(answer: Any) -> list[int]:
    return [item["id"] for item in json.loads(read(answer.body))["data"]]


def test_windows_of_recorded_pages(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/videos?start=0&count=20&sort=name", page(0, 20), response_headers=ETAG)
    tape.add("GET", "/api/v1/videos?sort=name&start=20&count=20", page(20, 40), response_headers=ETAG)
    player = play(tape)
    answer = player.get("/api/v1/videos?sort=name&start=15&count=10")
    assert (answer.status, answer.source, ids(answer)) == (200, Source.DERIVED, list(range(15, 25)))
    body = read(answer.body)
    assert answer.headers.get("ETag") == express_etag(body)
    assert answer.headers.get("Content-Length") == str(len(body))
    assert "derived=window" in answer.source_text
    assert ids(player.get("/api/v1/videos?sort=name")) == list(range(15))
    assert ids(player.get("/api/v1/videos?sort=name&start=35&count=100")) == list(range(35, 40))
    assert ids(player.get("/api/v1/videos?sort=name&start=90")) == []
    head = player.ask("HEAD", "/api/v1/videos?sort=name&start=1&count=3")
    assert (head.status, head.source, read(head.body)) == (200, Source.DERIVED, b"")


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/videos?start=10&count=20",  # not covered
        "/api/v1/videos?start=0&count=5&sort=name",  # another sort
        "/api/v1/videos?start=0&count=5&isLocal=true",  # another filter
        "/api/v1/videos?start=0&count=101",  # PeerTube refuses it
        "/api/v1/videos?start=0&count=x",
        "/api/v1/videos?start=-1&count=5",
    ],
)
def test_what_is_no_window(tape: Any, play: Play, target: str) -> None:
    tape.add("GET", "/api/v1/videos?start=0&count=20", page(0, 20))
    assert play(tape).get(target).source is Source.MISS


def test_the_list_of_another_user_is_no_page(tape: Any, play: Play) -> None:
    tape.login("alice", "a" * 40)
    tape.login("bob", "b" * 40)
    tape.add("GET", "/api/v1/users/me/videos?start=0&count=20", page(0, 20), token="a" * 40)
    player = play(tape)
    assert player.get("/api/v1/users/me/videos?count=5", token="a" * 40).source is Source.DERIVED
    assert player.get("/api/v1/users/me/videos?count=5", token="b" * 40).source is Source.MISS


def test_after_a_write_the_pages_after_it_count(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/videos?count=20", page(0, 20, 20))
    tape.add("DELETE", "/api/v1/videos/7", "", 204)
    tape.add("GET", "/api/v1/videos?count=20", {"total": 19, "data": page(5, 24)["data"]})
    player = play(tape)
    player.ask("DELETE", "/api/v1/videos/7")
    assert ids(player.get("/api/v1/videos?count=2")) == [5, 6]


@pytest.mark.parametrize(
    ("query", "window"),
    [("", (0, 15)), ("count=3", (0, 3)), ("start=4&count=3&count=9", (4, 3)), ("count=", None), ("start=1.5", None)],
)
def test_window_of(query: str, window: tuple[int, int] | None) -> None:
    assert window_of(query) == window


def test_a_window_beyond_all_lists_is_none() -> None:
    assert window_of("start=0&count=" + "9" * 5000) is None
