"""Who passes over a limit, and who is refused for the token."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.config import limits as rates
from peertape.config import routers
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.limits.askers import RecordedAskers
from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.stages.limits import LimitsStage
from peertape.proxy.engine.twin.answers import Answers

VERSION = "6.3"
TOKENS = {name: name[0] * 40 for name in ("alice", "moderator", "root", "unnamed")}
OVER = (("X-RateLimit-Limit", "50"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "7"), ("Retry-After", "9"))

Ask = Callable[..., Answer]


@pytest.fixture
def ask(tape: Any, play: Callable[..., Any]) -> Ask:
    """Asks when the limit is over."""
    for name in ("alice", "moderator", "root"):
        tape.login(name, TOKENS[name])
    for name, role in (("alice", "User"), ("moderator", "Moderator")):
        tape.add("GET", "/api/v1/users/me", {"username": name, "role": {"id": 0, "label": role}}, token=TOKENS[name])
    tape.add("GET", "/api/v1/videos")
    tape.add("GET", "/api/v1/config", token=TOKENS["unnamed"])
    tape.add("GET", "/api/v1/videos", token="p" * 40, response_headers=OVER)
    tape.add("GET", "/api/v1/videos", {"status": 401}, 401, token="w" * 40)
    tape.add("POST", "/api/v1/runners/register", {"id": 1, "runnerToken": "ptrt-" + "7" * 40}, body={"name": "r"})
    tape.add("POST", "/api/v1/runners/jobs/request", {"availableJobs": []}, body={"runnerToken": "ptrt-" + "7" * 40})
    player = play(tape)
    is_over = lambda request, session: "o" * 40 in (request.headers.get("authorization") or "")  # noqa: ARG005, E731
    none = rates.custom({"api": {"max": 0}}, "none", VERSION)
    stage = LimitsStage(none, RecordedAskers(player.shelf, is_over), Answers(routers.load(VERSION), VERSION))
    source, *rest = player.engine._stages
    player.engine = Engine([source, stage, *rest])
    return player.ask  # type: ignore[no-any-return]


def test_the_anonymous_and_users_are_limited(ask: Ask) -> None:
    assert ask("GET", "/api/v1/videos").status == 429
    assert ask("GET", "/api/v1/videos", token=TOKENS["alice"]).status == 429


@pytest.mark.parametrize("token", [TOKENS["moderator"], TOKENS["root"], "p" * 40])
def test_moderators_and_administrators_pass_and_see_the_headers(ask: Ask, token: str) -> None:
    answer = ask("GET", "/api/v1/videos", token=token)
    assert (answer.status, answer.headers.get("X-RateLimit-Remaining")) == (200, "0")
    assert answer.headers.get("Retry-After") == "10"


def test_a_token_that_only_recordings_know_is_a_users(ask: Ask) -> None:
    assert ask("GET", "/api/v1/config", token=TOKENS["unnamed"]).status == 429


@pytest.mark.parametrize("token", ["w" * 40, "0" * 40, "o" * 40])
def test_a_wrong_token_is_refused_whatever_the_route(ask: Ask, token: str) -> None:
    answer = ask("GET", "/api/v1/videos", token=token)
    assert (answer.status, answer.headers.get("Retry-After")) == (401, "10")
    assert answer.source_text == "emulated; rules=6.3; bucket=api"
    assert json.loads(read(answer.body)) == {
        "type": "https://docs.joinpeertube.org/api-rest-reference.html#section/Errors/invalid_token",
        "detail": "Token is invalid",
        "status": 401,
        "code": "invalid_token",
        "error": "Token is invalid",
    }


@pytest.mark.parametrize("authorization", ["Basic YWxpY2U6dGVzdDEyMzQ=", "Bearer", "bearer abc", "Bearer a b"])
def test_what_is_no_bearer_token_is_400(ask: Ask, authorization: str) -> None:
    answer = ask("GET", "/api/v1/videos", headers=(("Authorization", authorization),))
    assert (answer.status, json.loads(read(answer.body))["code"]) == (400, "invalid_request")
    assert answer.headers.get("Retry-After") == "10"


def test_runners_that_were_registered_pass(ask: Ask) -> None:
    known = {"runnerToken": "ptrt-" + "7" * 40}
    assert ask("POST", "/api/v1/runners/jobs/request", body=known).status == 200
    assert ask("POST", "/api/v1/runners/jobs/request", body={"runnerToken": "ptrt-" + "8" * 40}).status == 429
    wrong = ask("POST", "/api/v1/runners/jobs/request", body={"runnerToken": "x"}, token="0" * 40)
    assert wrong.status == 429
