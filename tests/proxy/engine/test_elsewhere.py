"""What is asked of other hosts in a replay: by the reserved path, and through the forward proxy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.chain import Engine, Rest
from peertape.proxy.engine.matching import Matcher
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.nearest import Explainer
from peertape.proxy.engine.outlinks import OutLinks
from peertape.proxy.engine.session import Session, session_name
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.stages.elsewhere import ElsewhereStage, permits_known
from peertape.proxy.engine.stages.miss import MissStage
from peertape.proxy.engine.stages.recorded import RecordedStage
from peertape.proxy.engine.stages.source import SourceStage
from peertape.proxy.engine.tolerance import Tolerance
from tests.proxy.engine.conftest import Tape, request

FILES = "files.example"
PREFIX = f"/__peertape__/host/https/{FILES}"
CLIENT = "127.0.0.1:8990"
HLS = (("Content-Type", "application/vnd.apple.mpegurl"), ("ETag", '"of-a-file"'))
FILM = (("Content-Type", "video/mp4"), ("Set-Cookie", "a=b"), ("Accept-Ranges", "bytes"), ("ETag", '"film"'))
VIDEO = {"isLocal": True, "url": "https://tube.example/w/1", "fileUrl": f"https://{FILES}/film.mp4"}


class OnlyOfInstance:
    """Stands for limits, rules and the twin."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:  # noqa: ARG002
        self.asked.append(request.target)
        return rest(request)


@dataclass
class Replay:
    engine: Engine
    rules: OnlyOfInstance
    session: Session = field(default_factory=lambda: Session("default"))

    def ask(self, method: str, target: str, *, host: str = CLIENT, origin_form: bool = True, **more: Any) -> Answer:
        asked = replace(request(method, target, host=host, **more), origin_form=origin_form)
        return self.engine.answer(asked, self.session)

    def get(self, target: str, *headers: tuple[str, str], **more: Any) -> Answer:
        return self.ask("GET", target, headers=headers, **more)


@pytest.fixture
def replay(tape: Tape) -> Iterator[Callable[[], Replay]]:
    opened: list[Cassette] = []

    def start() -> Replay:
        opened.append(tape.cassette())
        shelf, tolerance = Shelf(opened), Tolerance()
        explainer = Explainer(shelf, tolerance)
        recorded, source = RecordedStage(shelf, Matcher(tolerance), OutLinks()), SourceStage(explainer)
        miss, rules = MissStage(explainer), OnlyOfInstance()
        elsewhere = ElsewhereStage(shelf, permits_known(shelf), source, [recorded, miss])
        return Replay(Engine([elsewhere, source, rules, recorded, miss]), rules)

    yield start
    for cassette in opened:
        cassette.close()


def value(answer: Answer) -> Any:
    return json.loads(read(answer.body))


def test_a_file_of_another_host(tape: Tape, replay: Callable[[], Replay]) -> None:
    tape.add("GET", "/api/v1/videos/1", VIDEO)
    tape.add("GET", "/film.mp4", b"0123456789", response_headers=FILM, host=FILES)
    app = replay()
    assert value(app.get("/api/v1/videos/1"))["fileUrl"] == f"http://{CLIENT}{PREFIX}/film.mp4"
    answer = app.get(f"{PREFIX}/film.mp4", token="of-the-instance")
    assert (answer.status, answer.source, read(answer.body)) == (200, Source.RECORDED, b"0123456789")
    assert "set-cookie" not in answer.headers
    assert answer.headers.get("content-security-policy") == "sandbox"
    part = app.get(f"{PREFIX}/film.mp4", ("Range", "bytes=2-3"))
    assert (part.status, part.headers.get("content-range"), read(part.body)) == (206, "bytes 2-3/10", b"23")
    assert app.ask("HEAD", f"{PREFIX}/film.mp4").headers.get("content-length") == "10"
    assert app.get(f"{PREFIX}/film.mp4", ("If-None-Match", '"film"')).status == 304
    assert app.rules.asked == ["/api/v1/videos/1"]
    targets = [entry.target for entry in app.session.journal.entries]
    assert targets[1:] == [f"{PREFIX}/film.mp4"] * 4


def test_the_same_through_the_forward_proxy(tape: Tape, replay: Callable[[], Replay]) -> None:
    tape.add("GET", "/api/v1/videos/1", VIDEO)
    tape.add("GET", "/film.mp4", b"0123456789", response_headers=FILM, host=FILES)
    app = replay()
    answer = app.get("/film.mp4", host=FILES, origin_form=False)
    assert (answer.source, "set-cookie" in answer.headers) == (Source.RECORDED, True)
    assert app.get("/api/v1/videos/1", host="tube.example", origin_form=False).source is Source.RECORDED
    assert app.get("/api/v1/videos/1", host="other.example", origin_form=False).source is Source.MISS
    assert app.rules.asked == ["/api/v1/videos/1"]


def test_an_alias_through_the_forward_proxy_is_the_instance(tape: Tape, replay: Callable[[], Replay]) -> None:
    tape.add("GET", "/api/v1/videos/1", VIDEO)
    app = replay()
    asked = replace(request("GET", "/api/v1/videos/1", host="alias.example"), origin_form=False, by_alias=True)
    told = value(app.engine.answer(asked, app.session))
    assert told == {**VIDEO, "url": "http://alias.example/w/1"}  # the file is asked of its own host
    assert app.rules.asked == ["/api/v1/videos/1"]


def test_a_playlist_is_rewritten_and_derived_from(tape: Tape, replay: Callable[[], Replay]) -> None:
    tape.add("GET", "/api/v1/videos/1", {**VIDEO, "playlistUrl": f"https://{FILES}/hls/m.m3u8"})
    tape.add("GET", "/hls/m.m3u8", b"#EXTM3U\n/v.m3u8\nhttps://tube.example/w/1\n", response_headers=HLS, host=FILES)
    app = replay()
    expected = f"#EXTM3U\nhttp://{CLIENT}{PREFIX}/v.m3u8\nhttp://{CLIENT}/w/1\n".encode()
    answer = app.get(f"{PREFIX}/hls/m.m3u8")
    assert read(answer.body) == expected
    assert answer.headers.get("content-length") == str(len(expected))
    assert app.ask("HEAD", f"{PREFIX}/hls/m.m3u8").headers.get("content-length") == str(len(expected))
    assert app.get(f"{PREFIX}/hls/m.m3u8", ("If-None-Match", '"of-a-file"')).status == 304
    assert read(app.get("/hls/m.m3u8", host=FILES, origin_form=False).body).startswith(b"#EXTM3U\n/v.m3u8")
    other = app.get(f"{PREFIX}/hls/m.m3u8", host="t17.localhost:8990")
    assert b"http://t17.localhost:8990/w/1" in read(other.body)


def test_both_schemes_of_a_host_are_told_apart(tape: Tape, replay: Callable[[], Replay]) -> None:
    tape.add("GET", "/api/v1/videos/1", {**VIDEO, "fileUrl": f"http://{FILES}/film.mp4"})
    tape.add("GET", "/film.mp4", b"secure", response_headers=FILM, host=FILES)
    app = replay()
    assert read(app.get(f"{PREFIX}/film.mp4").body) == b"secure"
    assert app.get(f"/__peertape__/host/http/{FILES}/film.mp4").source is Source.MISS


def test_what_was_named_but_not_recorded_is_missed(tape: Tape, replay: Callable[[], Replay]) -> None:
    tape.add("GET", "/api/v1/videos/1", VIDEO)
    app = replay()
    answer = app.get(f"{PREFIX}/api/v1/videos/1")
    assert (answer.status, value(answer)["type"]) == (501, "urn:peertape:miss")
    assert f"GET {PREFIX}/api/v1/videos/1" in value(answer)["detail"]
    assert app.rules.asked == []


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/__peertape__/host/http/127.0.0.1:22/", 403),
        ("GET", f"/__peertape__/host/https/{FILES}:8443/film.mp4", 403),
        ("GET", f"/__peertape__/host/http/{FILES}/film.mp4", 403),
        ("GET", f"/__peertape__/host/https/x@{FILES}/film.mp4", 403),
        ("GET", "/__peertape__/host/https/../../reset", 403),
        ("GET", "/__peertape__/host/", 403),
        ("HEAD", "/__peertape__/host/https/evil.example/", 403),
        ("OPTIONS", "/__peertape__/host/https/evil.example/", 403),
        ("POST", f"{PREFIX}/film.mp4", 405),
        ("DELETE", f"{PREFIX}/film.mp4", 405),
    ],
)
def test_what_is_refused(method: str, target: str, status: int, tape: Tape, replay: Callable[[], Replay]) -> None:
    tape.add("GET", "/api/v1/videos/1", VIDEO)
    app = replay()
    answer = app.ask(method, target)
    assert (answer.status, answer.source) == (status, Source.MISS)
    assert answer.headers.get("access-control-allow-origin") == "*"
    assert answer.headers.get("peertape-source") == "miss; host=refused"
    assert (answer.headers.get("allow") == "GET, HEAD, OPTIONS") is (status == 405)
    if method == "HEAD":
        assert read(answer.body) == b""
    else:
        assert (value(answer)["type"], value(answer)["status"]) == ("urn:peertape:host", status)
    assert app.rules.asked == []
    assert [entry.target for entry in app.session.journal.entries] == [target]


def test_a_host_that_is_none_reaches_no_file(tape: Tape, replay: Callable[[], Replay]) -> None:
    tape.add("GET", "/api/v1/videos/1", VIDEO)
    assert replay().get(f"{PREFIX}/film.mp4", host="[bad").status == 400


def test_the_session_is_that_of_the_host_by_which_we_were_reached() -> None:
    asked = Request("GET", "/", Headers.of([("Host", "t1.localhost")]), reached="http://t17.localhost:8990")
    assert session_name(asked) == "t17"
    assert session_name(replace(asked, reached="http://127.0.0.1:8990")) == "default"
