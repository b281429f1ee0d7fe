"""Processes that answer together are one server: workers at one address, and processes behind nginx with one Redis."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support import samples
from support.nginx import Nginx
from support.process import Peertape
from support.redis import RedisServer
from support.wire import Head, connect

TOKEN = "the-control-token"
JOB = "/api/v1/jobs/1"
PLAYED = ("first", "second", "third", "fourth")
CLIENT = "203.0.113.7"
AT_A_TIME = 8


@dataclass(frozen=True)
class Place:
    """Where several processes answer."""

    host: str
    port: int
    count: int
    folder: Path

    def ask(self, target: str, session: str, method: str = "GET", text: str = "", **more: str) -> tuple[Head, bytes]:
        """On a connection of its own."""
        data = text.encode()
        told = {"Host": f"{self.host}:{self.port}", "Peertape-Session": session, "X-Forwarded-For": CLIENT, **more}
        if data:
            told["Content-Length"] = str(len(data))
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
        with closing(connect(self.host, self.port)) as wire:
            wire.send("\r\n".join([*lines, "Connection: close", "", ""]))
            wire.send(data)
            return wire.message()

    def value(self, target: str, session: str) -> Any:
        return json.loads(self.ask(target, session)[1])

    def told(self, name: str, session: str) -> Any:
        return self.value(f"/__peertape__/{name}", session)

    def control(self, name: str, session: str, **message: object) -> Any:
        more = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        head, body = self.ask(f"/__peertape__/{name}", session, "POST", json.dumps(message), **more)
        assert head.status == 200, body
        return json.loads(body)

    def from_all[T](self, look: Callable[[], T]) -> list[T]:
        """So often that every process has been asked."""
        return [look() for _ in range(8 * self.count)]


@pytest.fixture(scope="module")
def cassette(tmp_path_factory: pytest.TempPathFactory) -> Path:
    asked = [
        *(samples.made(number, "GET", JOB, 200, answer) for number, answer in enumerate(PLAYED, 1)),
        samples.made(9, "GET", "/api/v1/config/about", 200, {"instance": {}}),
    ]
    return samples.record(tmp_path_factory.mktemp("tape") / "c.cassette", asked)


@pytest.fixture(scope="module", params=["workers", "nginx"])
def place(request: pytest.FixtureRequest, cassette: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("together")
    with ExitStack() as stack:

        def serve(*arguments: str) -> Peertape:
            given = ("serve", cassette, "--listen", "127.0.0.1:0", *arguments)
            process = Peertape(folder, *given, environment={"PEERTAPE_TOKEN": TOKEN})
            stack.callback(process.kill)
            return process

        if request.param == "workers":
            process = serve("--workers", "2", "--journal", "j.jsonl")
            yield Place(process.host, process.port, 2, folder)
        else:
            redis = stack.enter_context(RedisServer())
            processes = [serve("--state", redis.url, "--workers", count) for count in ("1", "2")]
            nginx = stack.enter_context(Nginx([f"{process.host}:{process.port}" for process in processes]))
            yield Place(nginx.host, nginx.port, 2, folder)


@pytest.fixture
def session() -> str:
    return uuid4().hex


def test_all_of_them_answer(place: Place, session: str) -> None:
    told = place.from_all(lambda: place.told("health", session)["process"])
    assert len(set(told)) >= place.count


def test_a_limit_of_50_is_50_over_all(place: Place, session: str) -> None:
    place.control("clock", session, freeze=True)
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        heads = [head for head, _ in threads.map(lambda _: place.ask("/api/v1/config/about", session), range(80))]
    assert Counter(head.status for head in heads) == {200: 50, 429: 30}
    left = sorted(int(head.get("x-ratelimit-remaining") or -1) for head in heads if head.status == 200)
    assert left == list(range(50))
    assert place.ask("/api/v1/config/about", session, **{"X-Forwarded-For": "203.0.113.8"})[0].status == 200
    place.control("clock", session, advance=11)
    assert set(place.from_all(lambda: place.ask("/api/v1/config/about", session)[0].status)) == {200}


def test_a_sequence_plays_in_order(place: Place, session: str) -> None:
    played = [place.value(JOB, session) for _ in range(6)]
    assert played == [*PLAYED, PLAYED[-1], PLAYED[-1]]


def test_many_at_once_get_each_answer_of_a_sequence_once(place: Place, session: str) -> None:
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        played = Counter(threads.map(lambda _: place.value(JOB, session), range(20)))
    assert played == {**dict.fromkeys(PLAYED, 1), PLAYED[-1]: 17}


def test_all_have_one_clock(place: Place, session: str) -> None:
    place.control("clock", session, at="2026-11-23T08:00:00Z", freeze=True)
    clocks = place.from_all(lambda: place.told("health", session)["clock"])
    assert {(clock["now"], clock["frozen"]) for clock in clocks} == {("2026-11-23T08:00:00+00:00", True)}


def test_a_reset_is_a_reset_of_all(place: Place, session: str) -> None:
    for _ in range(2):
        place.control("clock", session, freeze=True)
        statuses = Counter(place.ask(JOB, session)[0].status for _ in range(51))
        assert statuses == {200: 50, 429: 1}
        assert place.control("reset", session) == {"session": session}
        assert place.value(JOB, session) == PLAYED[0]
        assert len(place.told("journal", session)["entries"]) == 1
        place.control("reset", session)


def test_each_tells_of_all(place: Place, session: str) -> None:
    for number in range(12):
        place.ask(f"/nothing/{number}.js", session)
    wanted = [f"/nothing/{number}.js" for number in range(12)]
    for name in ("journal", "unmatched"):
        told = place.from_all(lambda name=name: place.told(name, session)["entries"])
        assert [entry["target"] for entry in told[0]] == wanted
        assert all(entries == told[0] for entries in told)
    summaries = place.from_all(lambda: place.told("summary", session))
    assert {(summary["answers"], summary["sources"]["miss"]) for summary in summaries} == {(12, 12)}
    assert all(session in summary["run"]["sessions"] for summary in summaries)


def test_faults_strike_so_often_over_all(place: Place, session: str) -> None:
    place.control("faults", session, faults=["503*3@GET /api/v1/config/about"])
    statuses = Counter(place.ask("/api/v1/config/about", session)[0].status for _ in range(12))
    assert statuses == {503: 3, 200: 9}


def test_polls_of_a_socket_come_over_any_connection(place: Place, session: str) -> None:
    """It is in the memory of one worker."""
    polls = "/socket.io/?EIO=4&transport=polling"
    opening = json.loads(place.ask(polls, session)[1].removeprefix(b"0"))
    own = f"{polls}&sid={opening['sid']}"
    for _ in range(6):
        head, _ = place.ask(own, session, "POST", text="40/user-notifications,")
        assert head.status == 200
        told = place.ask(own, session)[1]
        assert told == b'44/user-notifications,{"message":"No access token provided"}'
