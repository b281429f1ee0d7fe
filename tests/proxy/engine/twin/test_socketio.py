"""Handshakes for notifications that are refused; expected answers from cors.mitm, flows 221-224."""

from __future__ import annotations

import pytest

from peertape.cassettes.bodies import read
from peertape.config.routers import load
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.socketio import handshake_refusal
from tests.proxy.engine.conftest import request

ANSWERS = Answers(load(), "6.3")


@pytest.mark.parametrize(
    ("method", "query", "body"),
    [
        ("OPTIONS", "EIO=4&transport=polling", '{"code":2,"message":"Bad handshake method"}'),
        ("POST", "EIO=4&transport=polling", '{"code":2,"message":"Bad handshake method"}'),
        ("GET", "EIO=3&transport=polling", '{"code":5,"message":"Unsupported protocol version"}'),
        ("GET", "transport=polling", '{"code":5,"message":"Unsupported protocol version"}'),
        ("GET", "EIO=4&transport=nothing", '{"code":0,"message":"Transport unknown"}'),
        ("GET", "", '{"code":0,"message":"Transport unknown"}'),
        ("GET", "EIO=4&transport=websocket", '{"code":3,"message":"Bad request"}'),
    ],
)
def test_refusals(method: str, query: str, body: str) -> None:
    answer = handshake_refusal(ANSWERS, request(method, f"/socket.io/?{query}"), 0.0)
    assert answer is not None
    assert (answer.status, read(answer.body).decode()) == (400, body)
    assert [name for name, _ in answer.headers] == ["Content-Type", "Date", "Transfer-Encoding"]


@pytest.mark.parametrize(
    ("method", "query"), [("GET", "EIO=4&transport=polling"), ("POST", "EIO=4&transport=polling&sid=abc")]
)
def test_what_may_succeed_is_left_alone(method: str, query: str) -> None:
    assert handshake_refusal(ANSWERS, request(method, f"/socket.io/?{query}"), 0.0) is None
