"""Prepared answers of the proxy lane: a client cannot tell them from those that the engine gives."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from mitmproxy.http import Headers, HTTPFlow
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import tflow

from peertape.addons.handoff import Handoff
from peertape.addons.prepared import Responses, key_of
from peertape.addons.replayer import Replayer
from peertape.config import settings as config
from peertape.proxy.cli import assembly
from peertape.proxy.cli.opencassettes import open_cassettes
from peertape.proxy.engine.clock import Clock
from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.session import Session, Sessions

NOON = 1_800_000_000.0
VIDEOS = "/api/v1/videos?count=1"


class Frozen:
    """Sessions whose clocks stand still."""

    def session(self, name: str) -> Session:
        return Session(name, Clock(lambda: NOON))

    def names(self) -> tuple[str, ...]:
        return ()


@contextmanager
def lane(**given: Any) -> Iterator[tuple[Replayer, list[Entry]]]:
    settings = config.load({"token": "control", "repeat": "last", **given})
    with assembly.parts(settings, open_cassettes((), settings)) as made:
        told: list[Entry] = []
        parts = replace(made, sessions=Sessions(Frozen()), observers=[*made.observers, told.append])
        engine = parts.engine(parts.replay_stages(lambda: parts.actions("replay")))
        prepared = parts.prepared(Responses())
        yield Replayer(engine, parts.sessions, Handoff(), parts.digest_filter, prepared=prepared), told


def asked(method: str, path: str, mode: str = "reverse:http://peertape.invalid", **headers: str) -> HTTPFlow:
    flow = tflow.tflow()
    flow.client_conn.proxy_mode = ProxyMode.parse(mode)
    flow.client_conn.sockname = ("127.0.0.1", 8990)
    flow.request.method, flow.request.path, flow.request.raw_content = method, path, b""
    fields = {"Host": "127.0.0.1:8990", **{name.replace("_", "-"): value for name, value in headers.items()}}
    flow.request.headers = Headers([(name.encode(), value.encode()) for name, value in fields.items()])
    return flow


def answered(replayer: Replayer, flow: HTTPFlow) -> tuple[Any, ...]:
    asyncio.run(replayer.request(flow))
    assert flow.response is not None
    data = flow.response.data
    head = (data.http_version, data.status_code, data.reason, data.headers.fields, data.trailers)
    return (*head, data.content, flow.comment, flow.marked, dict(flow.metadata))


def asks() -> list[HTTPFlow]:
    once = [
        asked("GET", VIDEOS),
        asked("HEAD", VIDEOS),
        asked("GET", VIDEOS, Origin="https://app.example"),
        asked("GET", VIDEOS, Peertape_Session="other"),
        asked("GET", "/api/v1/videos/nothing-of-that-name"),
        asked("GET", "/api/v1/config"),
        asked("DELETE", "/api/v1/videos/1"),
    ]
    return [flow.copy() for _ in range(3) for flow in once]


def test_a_prepared_answer_is_the_engine_s_own_in_every_octet_and_for_the_journal() -> None:
    with lane() as (quick, told_quickly), lane(prepared="off") as (plain, told):
        for flow in asks():
            again = flow.copy()
            assert answered(quick, flow) == answered(plain, again), flow.request.path
        assert told_quickly == told


def test_the_engine_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with lane() as (replayer, _):
        answered(replayer, asked("GET", VIDEOS))
        first = answered(replayer, asked("GET", VIDEOS))
        monkeypatch.setattr(replayer, "ask", lambda *_: pytest.fail("the engine was asked again"))
        second = answered(replayer, asked("GET", VIDEOS))
    assert first[5] == second[5]
    left = [Headers(answer[3])["x-ratelimit-remaining"] for answer in (first, second)]
    assert left == ["48", "47"]


@pytest.mark.parametrize(
    "flow",
    [
        asked("POST", "/api/v1/users/token"),
        asked("GET", "http://tube.example/api/v1/config", mode="regular"),
    ],
    ids=["that changes something", "through the forward proxy"],
)
def test_what_is_never_prepared(flow: HTTPFlow) -> None:
    assert key_of(flow) is None
