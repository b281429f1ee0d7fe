"""The rate limits of a session, told and changed through the control API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter
from peertape.config.settings import load
from peertape.proxy.cli.assembly import parts
from peertape.proxy.control.actions import Actions
from peertape.proxy.control.stage import ControlStage
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session, Sessions
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.tally import Tally

TOKEN = "the-control-token"
BEARER = (("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json"))


class Control:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.session = Session("default")
        self.session.clock.real = lambda: 1_000_000.0

    def ask(self, method: str, target: str, body: Any = None, headers: Any = ()) -> Answer:
        content = b"" if body is None else json.dumps(body).encode()
        pairs = Headers((("Host", "127.0.0.1:8990"), *headers))
        return self.engine.answer(Request(method, target, pairs, content, client="127.0.0.1"), self.session)

    def limits(self, body: Any = None, status: int = 200) -> Any:
        """What the control API says; with a body after that was posted."""
        if body is None:
            answer = self.ask("GET", "/__peertape__/limits")
        else:
            answer = self.ask("POST", "/__peertape__/limits", body, BEARER)
        assert answer.status == status
        return json.loads(read(answer.body))

    def remaining(self) -> str | None:
        return self.ask("GET", "/api/v1/videos").headers.get("X-RateLimit-Remaining")


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    path = tmp_path / "c.cassette"
    writer = CassetteWriter(path, RedactionRules.default())
    asked = RecordedRequest(
        "GET", "/api/v1/videos", "https", "tube.example", "HTTP/1.1", Headers((("Host", "tube.example"),))
    )
    told = RecordedResponse(200, "OK", "HTTP/1.1", Headers())
    writer.add(Exchange(asked, told, Timing(1.0, 1.0, 1.0, 1.0)))
    writer.close()
    with parts(load({"token": TOKEN, "on_miss": "error"}), [Cassette(path)]) as run:
        actions = Actions("replay", run.shelf, run.sessions, run.tally, of_run=run.limits)
        yield Control(Engine(run.replay_stages(lambda: actions)))


def test_what_is_told(control: Control) -> None:
    assert (control.remaining(), control.remaining()) == ("49", "48")
    control.session.clock.advance(2.5)
    told = control.limits()
    assert (told["session"], told["limits"]) == ("default", "peertube")
    assert told["buckets"]["api"] == {"window": 10, "max": 50}
    assert told["windows"] == [{"bucket": "api", "address": "127.0.0.1", "used": 2, "remaining": 48, "resets_in": 7.5}]
    control.session.clock.advance(7.5)
    assert control.limits()["windows"] == []


def test_other_limits_for_a_session(control: Control) -> None:
    control.remaining()
    told = control.limits({"limits": {"api": {"max": 2}}})
    assert (told["limits"], told["buckets"]["api"], told["windows"]) == ("custom", {"window": 10, "max": 2}, [])
    assert [control.remaining() for _ in range(2)] == ["1", "0"]
    assert control.ask("GET", "/api/v1/videos").status == 429
    assert control.limits()["windows"][0]["remaining"] == 0
    assert control.limits({"limits": "peertube*10"})["buckets"]["api"]["max"] == 500
    assert control.remaining() == "499"
    assert control.limits({"limits": "off"})["buckets"] == {}
    assert control.remaining() is None
    assert control.limits({"limits": "peertube"})["limits"] == "peertube"
    assert control.remaining() == "49"


def test_the_windows_alone_are_reset(control: Control) -> None:
    control.limits({"limits": {"api": {"max": 1}}})
    assert control.remaining() == "0"
    told = control.limits({"reset": True})
    assert (told["limits"], told["windows"]) == ("custom", [])
    assert control.remaining() == "0"
    assert control.ask("GET", "/api/v1/videos").status == 429


def test_a_reset_of_the_session_brings_the_runs_limits_back(control: Control) -> None:
    control.limits({"limits": "off"})
    assert control.ask("POST", "/__peertape__/reset", {}, BEARER).status == 200
    assert control.limits()["limits"] == "peertube"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "Say `limits`"),
        ({"reset": False}, "Say `limits`"),
        ({"limits": "none"}, "There are no limits 'none'"),
        ({"limits": "/etc/passwd"}, "There are no limits '/etc/passwd'"),
        ({"limits": "peertube*0"}, "'0' is no scale"),
        ({"limits": {"nothing": {"max": 1}}}, "There is no bucket 'nothing'"),
        ({"limits": {"api": {"max": "many"}}}, "api.max: Input should be a valid integer."),
        ({"limits": 5}, "limits"),
        ({"bucket": "api"}, "bucket: "),
    ],
)
def test_sentences(control: Control, body: Any, sentence: str) -> None:
    problem = control.limits(body, status=400)
    assert problem["detail"].startswith(sentence)
    assert problem["detail"].endswith(".")
    assert control.limits()["limits"] == "peertube"


def test_who_may(control: Control) -> None:
    assert control.ask("POST", "/__peertape__/limits", {"limits": "off"}).status == 401
    answer = control.ask("DELETE", "/__peertape__/limits", None, BEARER)
    assert (answer.status, answer.headers.get("Allow")) == (405, "GET, HEAD, POST")


def test_where_nothing_is_limited() -> None:
    actions = Actions("record", Shelf([]), Sessions(), Tally())
    control = Control(Engine([ControlStage(actions, TOKEN)]))
    assert (control.limits()["limits"], control.limits()["buckets"]) == ("off", {})
    assert control.limits({"limits": "peertube"}, status=409)["detail"].startswith("`peertape record` limits nothing")
