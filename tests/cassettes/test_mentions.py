"""By which names exchanges are found that tell of something."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from peertape.cassettes import schema
from peertape.cassettes.mentions import writer as mentions
from peertape.cassettes.mentions.names import number_of, route_number, shape_of
from peertape.cassettes.model import Exchange, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

UUID = "9c9de5e8-0a1e-484a-b099-e80766180a6d"
CHANNEL = {"id": 4, "name": "Films", "host": "tube.example"}
JSON = (("Content-Type", "application/json"),)
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)

type Make = Callable[..., Exchange]
type Wrote = Callable[..., Cassette]


@pytest.fixture
def wrote(make_exchange: Make, tmp_path: Path) -> Iterator[Wrote]:
    """A cassette of exchanges: each is a target with what `make_exchange` takes; `value` is answered as JSON."""
    path, opened = tmp_path / "made.cassette", []

    def write(*asked: dict[str, Any]) -> Cassette:
        writer = CassetteWriter(path, RedactionRules.default())
        for at, one in enumerate(asked, 1000):
            timing = Timing(at, at, at, at + 0.5)
            body = json.dumps(one.pop("value")).encode() if "value" in one else b""
            writer.add(make_exchange(body=body, response=JSON, timing=timing, **one))
        writer.close()
        opened.append(Cassette(path))
        return opened[-1]

    yield write
    for cassette in opened:
        cassette.close()


def telling(cassette: Cassette, word: str, value: str) -> list[int]:
    return sorted(cassette.telling(number_of(word, value), 100))


def test_things_in_an_answer(wrote: Wrote) -> None:
    video = {"id": 7, "uuid": UUID.upper(), "isLive": False, "channel": CHANNEL}
    comment = {"id": 9, "threadId": 9, "account": {"id": 5, "name": "alice", "host": "tube.example"}}
    cassette = wrote(
        {"target": "/api/v1/videos", "value": {"data": [video]}},
        {"target": f"/api/v1/videos/{UUID}/comment-threads", "value": {"data": [comment]}},
        {"target": "/api/v1/users/me", "value": {"id": 3, "username": "Alice", "email": "a@tube.example"}},
    )
    assert telling(cassette, "uuid", UUID) == [1]
    assert telling(cassette, "actor", "films") == telling(cassette, "actor number", "4") == [1]
    assert telling(cassette, "comment", "9") == telling(cassette, "actor", "alice") == [2]
    assert telling(cassette, "user", "alice") == telling(cassette, "email", "A@tube.example") == [3]
    assert telling(cassette, "user", "nobody") == telling(cassette, "uuid", UUID[::-1]) == []


def test_what_is_written(wrote: Wrote) -> None:
    bearer = (("Authorization", "Bearer TOKEN"),)
    cassette = wrote(
        {
            "target": "/api/v1/users/token",
            "method": "POST",
            "request": FORM,
            "sent": b"username=Alice&password=P&grant_type=password",
            "value": {"access_token": "TOKEN", "refresh_token": "REFRESH"},
        },
        {"target": "/api/v1/users/me", "method": "PUT", "request": (*bearer, *JSON), "sent": b'{"nsfwPolicy":"blur"}'},
        {"target": "/api/v1/video-channels/films@tube.example", "method": "DELETE", "request": bearer},
        {"target": f"/api/v1/videos/{UUID.upper()}/comments/12", "method": "DELETE", "request": bearer},
        {"target": "/api/v1/videos/7", "method": "DELETE", "request": bearer, "status": 403},
    )
    assert telling(cassette, "user", "alice") == [1, 2, 3, 4]  # who acts is told by the token
    assert telling(cassette, "actor", "films") == [3]
    assert telling(cassette, "uuid", UUID) == telling(cassette, "comments", "12") == [4]
    assert telling(cassette, "videos", "7") == []  # that was refused
    issued = cassette.pseudonyms.of("TOKEN", guessable=False)
    assert telling(cassette, "token", issued) == [1]
    assert telling(cassette, "token", "TOKEN") == []


def test_only_what_is_new(wrote: Wrote) -> None:
    asked = {"target": "/api/v1/video-channels/films", "value": CHANNEL}
    other = {"target": "/api/v1/video-channels/films", "value": {**CHANNEL, "name": "films", "id": 4}}
    cassette = wrote({**asked}, {**asked}, {**other}, {**other}, {**asked})
    assert telling(cassette, "actor", "films") == [1, 3, 5]


def test_the_first_of_a_route(wrote: Wrote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mentions, "FEW", 2)
    of_one = [{"target": f"/api/v1/accounts/a{number}", "value": {}} for number in range(3)]
    wrote(of_one[0], {"target": "/api/v1/accounts/a0/videos", "value": {}})
    cassette = wrote(*of_one[1:])  # the writer after that one counts on
    route = route_number("GET", shape_of("/api/v1/accounts/{name}"))
    assert cassette.of_route(route, 2) == cassette.telling(route, 9) == [1, 3]
    assert cassette.of_route(route, 1) is None
    assert cassette.of_route(route_number("GET", shape_of("/api/v1/accounts/{name}/videos")), 1) == [2]
    assert cassette.of_route(route_number("POST", shape_of("/api/v1/accounts/{name}")), 1) == []


def test_the_last_of_each_way_to_tell(wrote: Wrote) -> None:
    asked = [
        {"target": f"/api/v1/{path}", "value": {**CHANNEL, "followersCount": count}}
        for count in range(4)
        for path in ("video-channels/films", "video-channels/films/again")
    ]
    cassette, name = wrote(*asked), number_of("actor", "films")
    assert sorted(cassette.telling(name, 1)) == [7, 8]
    assert sorted(cassette.telling(name, 2)) == [5, 6, 7, 8]
    assert sorted(cassette.telling(name, 1, until=1003.9)) == [3, 4]
    assert sorted(cassette.telling(name, 9, until=1003.9)) == [1, 2, 3, 4]
    assert cassette.telling(name, 9, until=0) == []


@pytest.mark.parametrize("value", [[[[]]], {"id": 10**30, "uuid": 7, "name": None, "host": 1}, "text", None, 7.5])
def test_what_nobody_expects(wrote: Wrote, value: Any) -> None:
    cassette = wrote({"target": "/api/v1/%ff", "value": value}, {"target": "/", "value": {"uuid": "\ud800", "id": 1}})
    assert cassette.count() == 2


def test_an_older_cassette_gets_the_same(wrote: Wrote) -> None:
    cassette = wrote(
        {"target": "/api/v1/videos", "value": {"data": [{"uuid": UUID, "id": 7}]}},
        {"target": "/api/v1/accounts/alice", "value": {"name": "alice", "host": "x"}},
        {"target": "/api/v1/videos/7", "method": "DELETE"},
    )
    written = cassette.query(select(schema.mentions))
    assert written
    engine = cassette.place.open_writer()
    with engine.connect() as connection, connection.begin():
        connection.execute(schema.mentions.delete())
        mentions.note_all(connection)
    cassette.place.close_writer(engine)
    with closing(Cassette(cassette.place)) as again:
        assert again.query(select(schema.mentions)) == written
