"""Faults and latency through the control API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter
from peertape.config.settings import load
from peertape.proxy.cli.assembly import parts
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Answer, Request

TOKEN = "the-control-token"

Ask = Callable[..., Answer]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    path = tmp_path / "c.cassette"
    CassetteWriter(path, RedactionRules.default()).close()
    given = {"token": TOKEN, "on_miss": "error", "limits": "off", "fault": ("503*1",), "seed": 5}
    with parts(load(given), [Cassette(path)]) as run:
        actions = Actions("replay", run.shelf, run.sessions, run.tally, faults_of_run=run.faults)
        engine = Engine(run.replay_stages(lambda: actions))

        def ask(method: str, target: str, message: Any = None, session: str = "default") -> Answer:
            pairs = [("Host", "127.0.0.1:8990"), ("Peertape-Session", session)]
            if message is not None:
                pairs += [("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json")]
            body = b"" if message is None else json.dumps(message).encode()
            request = Request(method, target, Headers.of(pairs), body)
            return engine.answer(request, run.sessions.of(request))

        yield ask


def faults(ask: Ask, message: Any = None, **more: Any) -> Any:
    answer = ask("GET" if message is None else "POST", "/__peertape__/faults", message, **more)
    assert answer.status == 200, read(answer.body)
    return json.loads(read(answer.body))


def test_what_is_active_and_how_often_it_struck(ask: Ask) -> None:
    assert ask("GET", "/x").status == 503
    assert faults(ask) == {
        "session": "default",
        "faults": [{"fault": "503*1", "struck": 1, "left": 0}],
        "latency": "none",
        "seed": 5,
    }
    assert faults(ask, session="other")["faults"] == [{"fault": "503*1", "struck": 0, "left": 1}]


def test_what_is_absent_stays(ask: Ask) -> None:
    assert faults(ask, {"latency": "lognormal(10ms,1)"})["faults"] == [{"fault": "503*1", "struck": 0, "left": 1}]
    changed = faults(ask, {"faults": ["404@/a", "reset=0.5"]})
    assert (changed["latency"], changed["seed"]) == ("lognormal(10ms,1.0)", 5)
    assert [entry["left"] for entry in changed["faults"]] == [None, None]
    assert faults(ask, {"faults": [], "seed": 0}) == {
        "session": "default",
        "faults": [],
        "latency": "lognormal(10ms,1.0)",
        "seed": 0,
    }
    assert faults(ask, session="other")["seed"] == 5


def test_a_reset_brings_back_the_runs(ask: Ask) -> None:
    faults(ask, {"faults": ["404"], "latency": "1s"})
    ask("POST", "/__peertape__/reset", {})
    assert faults(ask)["faults"] == [{"fault": "503*1", "struck": 0, "left": 1}]
    assert ask("GET", "/x").status == 503


def test_control_is_never_struck_nor_delayed(ask: Ask) -> None:
    faults(ask, {"faults": ["503"], "latency": "1s"})
    answer = ask("GET", "/__peertape__/health")
    assert (answer.status, answer.delay) == (200, 0)
    assert ask("GET", "/x").delay == 1


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ({}, "Say `faults`"),
        ({"faults": ["slow"]}, "'slow' is no fault"),
        ({"faults": "503"}, "faults: "),
        ({"faults": ["503"] * 101}, "faults: "),
        ({"latency": "fast"}, "'fast' is no latency"),
        ({"seed": -1}, "seed: "),
        ({"seed": "7"}, "seed: "),
        ({"fault": ["503"]}, "fault: "),
    ],
)
def test_refusals_change_nothing(ask: Ask, message: Any, sentence: str) -> None:
    before = faults(ask)
    answer = ask("POST", "/__peertape__/faults", message)
    detail = json.loads(read(answer.body))["detail"]
    assert answer.status == 400
    assert detail.startswith(sentence)
    assert detail.endswith(".")
    assert faults(ask) == before


def test_only_who_has_the_token_may_break_things(ask: Ask) -> None:
    assert ask("POST", "/__peertape__/faults").status == 401
