"""A miss names the nearest recordings and what differs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.proxy.engine.model import Source

Play = Callable[..., Any]


def document(answer: Any) -> Any:
    return json.loads(read(answer.body))


def test_a_miss_is_a_problem_that_a_browser_app_can_read(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/videos?sort=name")
    answer = play(tape).get("/api/v1/videos?sort=-name&nsfw=true")
    assert (answer.status, answer.reason, answer.source) == (501, "Not Implemented", Source.MISS)
    assert answer.headers.get("Content-Type") == "application/problem+json; charset=utf-8"
    assert answer.headers.get("Access-Control-Allow-Origin") == "*"
    assert answer.headers.get("Peertape-Source") == "miss"
    problem = document(answer)
    assert problem["type"] == "urn:peertape:miss"
    assert problem["nearest"] == [
        {
            "exchange": 1,
            "cassette": "tape",
            "request": "GET /api/v1/videos?sort=name",
            "differences": ["query nsfw: asked 'true', recorded none", "query sort: asked '-name', recorded 'name'"],
        }
    ]


@pytest.mark.parametrize(
    ("recorded", "asked", "difference"),
    [
        ({}, {"method": "POST"}, "method: asked POST, recorded GET"),
        ({"token": "a" * 40}, {}, "identity: asked as anonymous, recorded as user:alice"),
        (
            {"headers": (("X-Peertube-Video-Password", "right-one"),)},
            {},
            "header x-peertube-video-password: asked none, recorded ",
        ),
        ({}, {"headers": (("Range", "bytes=0-1"),), "method": "PUT"}, "header range: asked 'bytes=0-1', recorded none"),
    ],
)
def test_what_differs(tape: Any, play: Play, recorded: Any, asked: Any, difference: str) -> None:
    tape.login("alice", "a" * 40)
    tape.add("GET", "/api/v1/videos/x", **recorded)
    answer = play(tape).ask(asked.pop("method", "GET"), "/api/v1/videos/x", **asked)
    assert answer.source is Source.MISS
    assert any(line.startswith(difference) for line in answer.nearest[0].differences)


def test_members_of_the_body_that_differ(tape: Any, play: Play) -> None:
    tape.add("PUT", "/api/v1/users/me", "", 204, body={"a": 1, "b": "x", "password": "recorded-one"})
    answer = play(tape).ask("PUT", "/api/v1/users/me", body={"a": 2, "b": "x", "password": "presented-one"})
    lines = answer.nearest[0].differences
    assert lines[0] == "body a: asked '2', recorded '1'"
    assert lines[1] == "body password: another secret than the recorded one"
    assert "recorded-one" not in str(lines)
    assert "presented-one" not in str(lines)


def test_a_path_that_is_nearly_recorded(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/videos/categories")
    answer = play(tape).get("/api/v1/videos/categorie")
    assert answer.nearest[0].differences == (
        "path: asked /api/v1/videos/categorie, recorded /api/v1/videos/categories",
    )


def test_nothing_is_near(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/videos")
    answer = play(tape).get("/zzz")
    assert answer.nearest == ()
    assert "peertape record" in document(answer)["detail"]


def test_the_journal_has_the_explanation(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/videos?sort=name")
    player = play(tape)
    player.get("/api/v1/videos?sort=name")
    player.get("/api/v1/videos?sort=x&token=very-secret-token")
    hit, miss = player.session().journal.entries
    assert (hit.source, hit.exchange, hit.nearest) == ("recorded", 1, ())
    assert miss.nearest[0].exchange == 1
    assert "very-secret-token" not in miss.target
    assert player.session().journal.unmatched() == [miss]


def test_an_answer_that_is_not_exact_is_explained_too(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/videos", headers=(("Accept-Encoding", "gzip"),))
    player = play(tape)
    player.get("/API/v1/videos")
    entry = player.session().journal.entries[0]
    assert entry.source_text.endswith("match=tolerant")
    assert entry.nearest[0].exchange == 1
    assert entry.nearest[0].differences == (
        "path as spelled: asked /API/v1/videos, recorded /api/v1/videos",
        "header accept-encoding: asked none, recorded 'gzip'",
    )
