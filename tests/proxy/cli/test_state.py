"""Sessions that several processes have together, as users run them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from support.process import PROGRAM
from support.redis import RedisServer

if TYPE_CHECKING:
    from pathlib import Path

    from support.process import Peertape

Start = Callable[..., "Peertape"]


@pytest.mark.parametrize("kind", ["redis", "sqlite"])
def test_two_processes_are_one(peertape: Start, tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    if kind == "redis":
        place = f"{request.getfixturevalue('redis_server').url}?prefix=two-processes"
    else:
        place = f"sqlite:///{tmp_path}/state.sqlite"
    own = {"PEERTAPE_TOKEN": "secret"}
    serve = peertape("serve", environment={**own, "PEERTAPE_STATE": place})
    replay = peertape("replay", "--state", place, environment=own)
    both = (serve, replay)
    statuses = [both[number % 2].ask("GET /api/v1/config/about")[0].status for number in range(52)]
    assert statuses == [200] * 50 + [429] * 2
    for process in both:
        told = json.loads(process.ask("GET /__peertape__/summary")[1])
        assert (told["answers"], told["run"]["sessions"]) == (52, ["default"])
    replay.control("limits", "secret", {"limits": "off"})
    assert serve.ask("GET /api/v1/config/about")[0].status == 200
    serve.control("clock", "secret", {"at": "2026-01-01T00:00:00Z", "freeze": True})
    told = json.loads(replay.ask("GET /__peertape__/health")[1])
    assert told["clock"]["now"] == "2026-01-01T00:00:00+00:00"
    replay.control("reset", "secret")
    assert json.loads(serve.ask("GET /__peertape__/journal")[1])["entries"] == []
    assert serve.ask("GET /api/v1/config/about")[0].get("x-ratelimit-remaining") == "49"
    for process in both:
        assert process.stop() == 0


def test_without_its_redis_it_says_so_and_goes_on_when_it_is_back(peertape: Start) -> None:
    with RedisServer() as server:
        serve = peertape("serve", "--state", server.url, "--strict")
        assert serve.ask("GET /api/v1/config/about")[0].get("x-ratelimit-remaining") == "49"
        server.stop()
        head, body = serve.ask("GET /api/v1/config/about")
        assert (head.status, head.get("retry-after"), head.get("access-control-allow-origin")) == (503, "1", "*")
        assert head.get("peertape-source") == "miss; state=lost"
        told = json.loads(body)
        assert told["type"] == "urn:peertape:state"
        assert told["detail"].startswith(f"The Redis at {server.url} does not answer: ")
        server.start()
        while (head := serve.ask("GET /api/v1/config/about")[0]).status == 503:
            pass
        assert head.get("x-ratelimit-remaining") == "49"
        assert serve.stop() == 1
        assert "miss" in serve.said


def test_a_place_that_cannot_be_used_is_named_at_the_start(tmp_path: Path) -> None:
    command = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--state", "redis://127.0.0.1:1/0"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: The Redis at redis://127.0.0.1:1/0 does not answer: ")
    assert len(ended.stderr.splitlines()) == 1
