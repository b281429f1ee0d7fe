"""Links lead where the client reached us; with the recorded Host nothing changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from peertape.cassettes.bodies import read
from peertape.cassettes.etags import express_etag

Play = Callable[..., Any]
VIDEO = {"uuid": "23febe54-7704-4ef9-8bbc-0d205abb6ec2", "isLocal": True, "url": "https://tube.example/w/x"}


def recorded(tape: Any) -> None:
    body = json.dumps(VIDEO, separators=(",", ":")).encode()
    headers = (("Content-Type", "application/json; charset=utf-8"), ("ETag", express_etag(body)))
    tape.add("GET", "/api/v1/videos/x", body, response_headers=headers)


def test_links_are_rewritten_to_the_clients_origin(tape: Any, play: Play) -> None:
    recorded(tape)
    player = play(tape)
    answer = player.get("/api/v1/videos/x", host="10.0.2.2:8990")
    body = read(answer.body)
    assert json.loads(body)["url"] == "http://10.0.2.2:8990/w/x"
    assert answer.headers.get("ETag") == express_etag(body)
    assert answer.headers.get("Content-Length") == str(len(body))


def test_with_the_recorded_host_nothing_changes(tape: Any, play: Play) -> None:
    recorded(tape)
    assert json.loads(read(play(tape).get("/api/v1/videos/x").body)) == VIDEO


def test_both_etags_are_understood(tape: Any, play: Play) -> None:
    recorded(tape)
    player = play(tape)
    rewritten = player.get("/api/v1/videos/x", host="localhost:1").headers.get("ETag")
    original = express_etag(json.dumps(VIDEO, separators=(",", ":")).encode())
    assert rewritten != original
    for etag in (rewritten, original):
        again = player.get("/api/v1/videos/x", host="localhost:1", headers=(("If-None-Match", etag),))
        assert (again.status, again.headers.get("ETag")) == (304, rewritten)


def test_the_public_url_of_the_user_wins(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/a", {"url": "https://other.example/w/x"})
    player = play(tape, public_url="https://other.example")
    assert player.value("/api/v1/a", host="localhost:1") == {"url": "http://localhost:1/w/x"}


def test_a_link_that_the_app_hands_back_is_turned_back(tape: Any, play: Play) -> None:
    recorded(tape)
    number = tape.add("GET", "/services/oembed?url=https%3A%2F%2Ftube.example%2Fw%2Fx&format=json", {"type": "video"})
    player = play(tape)
    mine = "/services/oembed?url=http%3A%2F%2F127.0.0.1%3A8990%2Fw%2Fx&format=json"
    answer = player.get(mine, host="127.0.0.1:8990")
    assert answer.source_text == f"recorded; exchange={number}"
    assert player.get(mine.replace("%3A", ":").replace("%2F", "/"), host="127.0.0.1:8990").exchange == number
    assert player.get(mine, host="localhost:1").status == 501
