"""The control API: what it tells, what it does, and whom it refuses."""

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
from peertape.proxy.cli.assembly import Parts, parts
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Answer, Request

TOKEN = "the-control-token"
BEARER = (("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json"))


class Control:
    def __init__(self, run: Parts, offline: list[bool]) -> None:
        actions = Actions("proxy", run.shelf, run.sessions, run.tally, "https://tube.example", offline.append)
        self.engine = Engine(run.replay_stages(lambda: actions))
        self.run = run
        self.offline = offline

    def ask(self, method: str, target: str, body: Any = None, **more: Any) -> Answer:
        headers = Headers((("Host", more.pop("host", "127.0.0.1:8990")), *more.pop("headers", ())))
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request = Request(method, target, headers, content, **more)
        return self.engine.answer(request, self.run.sessions.of(request))

    def get(self, name: str, **more: Any) -> Any:
        answer = self.ask("GET", f"/__peertape__/{name}", **more)
        assert answer.status == 200
        return json.loads(read(answer.body))

    def post(self, name: str, body: Any = None, **more: Any) -> Answer:
        return self.ask("POST", f"/__peertape__/{name}", body, headers=(*BEARER, *more.pop("headers", ())), **more)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    path = tmp_path / "c.cassette"
    writer = CassetteWriter(path, RedactionRules.default())
    for at in (10.0, 20.0):
        request = RecordedRequest(
            "GET", "/api/v1/videos", "https", "tube.example", "HTTP/1.1", Headers((("Host", "tube.example"),))
        )
        response = RecordedResponse(200, "OK", "HTTP/1.1", Headers())
        writer.add(Exchange(request, response, Timing(at, at, at, at)))
    writer.close()
    with parts(load({"token": TOKEN}), [Cassette(path)]) as run:
        yield Control(run, [])


def test_health(control: Control) -> None:
    health = control.get("health")
    assert (health["status"], health["mode"], health["session"]) == ("ok", "proxy", "default")
    assert health["cassettes"] == [{"name": "c", "exchanges": 2, "public_origin": "https://tube.example"}]


def test_summary_journal_and_unmatched_are_of_one_session(control: Control) -> None:
    control.ask("GET", "/api/v1/videos")
    control.ask("GET", "/api/v1/config")
    control.ask("GET", "/api/v1/videos", headers=(("Peertape-Session", "other"),))
    summary = control.get("summary")
    assert summary["sources"] == {"recorded": 1, "miss": 1}
    assert (summary["answers"], summary["used"], summary["unused"]) == (2, 1, 1)
    assert summary["missed"] == ["GET /api/v1/config"]
    assert summary["run"]["answers"] == 3
    assert [entry["target"] for entry in control.get("journal")["entries"]] == ["/api/v1/videos", "/api/v1/config"]
    assert [entry["status"] for entry in control.get("unmatched")["entries"]] == [501]
    assert len(control.get("journal", host="other.localhost:8990")["entries"]) == 1


def test_reset_begins_the_sequence_anew(control: Control) -> None:
    first = control.ask("GET", "/api/v1/videos").exchange
    assert control.ask("GET", "/api/v1/videos").exchange != first
    assert control.post("reset", {}).status == 200
    assert control.ask("GET", "/api/v1/videos").exchange == first


def test_clock(control: Control) -> None:
    answer = control.post("clock", {"at": "2026-11-23T08:00:00Z", "freeze": True, "advance": 60})
    assert json.loads(read(answer.body)) == {
        "session": "default",
        "now": "2026-11-23T08:01:00+00:00",
        "frozen": True,
        "timeline": "2026-11-23T08:01:00+00:00",
    }
    assert control.get("health")["clock"]["frozen"] is True


def test_upstream(control: Control) -> None:
    assert control.post("upstream", {"offline": True}).status == 200
    assert control.offline == [True]
    assert control.get("health")["offline"] is True


@pytest.mark.parametrize(
    ("method", "name", "body", "headers", "status"),
    [
        ("POST", "reset", {}, (), 401),
        ("POST", "reset", {}, (("Authorization", "Bearer wrong"),), 401),
        ("POST", "reset", {}, (("Authorization", f"Basic {TOKEN}"),), 401),
        ("POST", "clock", {}, BEARER, 400),
        ("POST", "clock", {"at": "yesterday"}, BEARER, 400),
        ("POST", "clock", {"faster": 2}, BEARER, 400),
        ("POST", "clock", [1], BEARER, 400),
        ("POST", "clock", b"{", BEARER, 400),
        ("POST", "clock", {"advance": 1}, (BEARER[0], ("Content-Type", "text/plain")), 415),
        ("POST", "reset", b" " * 2_000_000, BEARER, 413),
        ("GET", "reset", None, BEARER, 405),
        ("POST", "journal", {}, BEARER, 405),
        ("GET", "nothing", None, (), 404),
    ],
)
def test_refusals(control: Control, method: str, name: str, body: Any, headers: Any, status: int) -> None:
    answer = control.ask(method, f"/__peertape__/{name}", body, headers=headers)
    problem = json.loads(read(answer.body))
    assert (answer.status, problem["status"], problem["type"]) == (status, status, "urn:peertape:control")
    assert problem["detail"].endswith(".")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8990", 200),
        ("[::1]:8990", 200),
        ("localhost", 200),
        ("t1.localhost:8990", 200),
        ("peertape:8990", 200),
        ("192.168.1.7:8990", 200),
        ("evil.example", 403),
        ("evil.example:8990", 403),
    ],
)
def test_a_web_page_cannot_rebind_its_name_to_us(control: Control, host: str, status: int) -> None:
    assert control.ask("GET", "/__peertape__/journal", host=host).status == status


def test_only_origin_form_requests_are_for_us(control: Control) -> None:
    assert control.ask("GET", "/__peertape__/health", origin_form=False).status == 501


def test_control_is_no_answer_in_the_journal(control: Control) -> None:
    answer = control.ask("GET", "/__peertape__/health")
    assert answer.headers.get("Peertape-Source") == "control"
    assert control.get("journal")["entries"] == []


@pytest.mark.parametrize("target", ["/__peertape__", "/__peertape__/"])
def test_the_page(control: Control, target: str) -> None:
    answer = control.ask("GET", target)
    assert answer.headers.get("Content-Type") == "text/html; charset=utf-8"
    assert "frame-ancestors 'none'" in (answer.headers.get("Content-Security-Policy") or "")
    assert b"<h1>peertape</h1>" in read(answer.body)


def test_a_path_that_only_begins_alike_is_the_instances(control: Control) -> None:
    assert control.ask("GET", "/__peertape__x").status == 501
