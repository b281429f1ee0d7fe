"""Errors on demand as users see them: `peertape errors`, `cassette lint`, the header `Prefer`, and faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import samples
from support.process import Peertape
from support.tube import Tube

from peertape.proxy.cli.root import cli

TOKEN = "the-control-token"
WISH = "code=403, example=video_requires_password"

Run = Callable[..., Result]


def errors(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["errors", *arguments])


def test_errors_of_a_route() -> None:
    lines = errors("GET /api/v1/videos/42").stdout.splitlines()
    assert lines[0] == "GET|HEAD /api/v1/videos/{id}"
    assert any(line.split()[:4] == ["404", "video-not-found", "Video", "not"] for line in lines)


def test_errors_as_json() -> None:
    found = [
        json.loads(line) for line in errors("--json", "GET /api/v1/videos/*", "/api/v1/users/me").stdout.splitlines()
    ]
    assert {error["route"] for error in found} >= {"GET|HEAD /api/v1/videos/{id}", "GET /api/v1/users/me"}
    assert WISH in {error["prefer"] for error in found}


def test_errors_of_no_route() -> None:
    result = errors("/nowhere")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no such route" in result.stderr
    assert errors("nowhere").exit_code == 2
    assert errors("--peertube", "x").exit_code == 2


def test_lint(tape: Path, run: Run) -> None:
    result = run("lint", tape)
    assert result.exit_code == 0
    *findings, summary = result.stdout.splitlines()
    assert "GET /api/v1/videos/{id}: 404 video-not-found" in findings
    assert "DELETE /api/v1/users/{id}: never shown" in findings
    assert summary.startswith("shown: ")
    assert " of 241 (" in summary
    assert "documented errors" in summary


def test_lint_only_what_is_wanted(tape: Path, run: Run) -> None:
    operations = run("lint", tape, "--operations", "--only", "GET /api/v1/videos/**").stdout
    assert "video-not-found" not in operations
    assert "/api/v1/users" not in operations
    found = run("lint", tape, "--errors", "--only", "GET /api/v1/videos/42").stdout
    assert "never shown" not in found
    assert "GET /api/v1/videos/{id}: 404 video-not-found" in found
    assert "operations" not in found.splitlines()[-1]


def test_lint_demands_a_share(tape: Path, run: Run) -> None:
    assert run("lint", tape, "--min", "0").exit_code == 0
    assert run("lint", tape, "--operations", "--min", "50").exit_code == 1
    assert run("lint", tape, "--min", "101").exit_code == 2


def test_lint_as_json(tape: Path, run: Run) -> None:
    found = json.loads(run("lint", tape, "--json").stdout)
    assert found["operations"]["known"] == 241
    (one,) = [one for one in found["all"] if one["operation"] == "GET /api/v1/videos/{id}"]
    assert {error["example"] for error in one["errors"]} >= {"video-not-found", "video_requires_password"}


@pytest.fixture
def replay(peertape: Callable[..., Peertape], tmp_path: Path) -> Callable[..., Peertape]:
    film = samples.made(1, "GET", "/api/v1/videos/5", 200, b'{"id":5,"name":"A film"}')
    cassette = samples.record(tmp_path / "film.cassette", [film])

    def start(*options: str) -> Peertape:
        return peertape("replay", cassette, *options, environment={"PEERTAPE_TOKEN": TOKEN})

    return start


@pytest.fixture
def tube() -> Iterator[Tube]:
    instance = Tube()
    yield instance
    instance.die()


def test_prefer(replay: Callable[..., Peertape]) -> None:
    app = replay()
    head, body = app.ask(f"GET /api/v1/videos/5\nPrefer: {WISH}")
    assert (head.status, json.loads(body)["code"]) == (403, "video_requires_password")
    assert head.get("preference-applied") == WISH
    assert head.get("peertape-source") == "emulated; rules=6.3; prefer=video_requires_password"
    assert head.get("x-ratelimit-remaining") == "49"
    plain = app.ask("GET /api/v1/videos/5")[0].get("peertape-source")
    head, _ = app.ask("GET /api/v1/videos/5\nPrefer: code=418")
    assert (head.status, head.get("peertape-source")) == (200, f"{plain}; prefer=unknown")
    assert (head.get("peertape-preference") or "").startswith("unknown; route has 401 invalid_token, ")


def test_prefer_where_nothing_else_is_emulated(replay: Callable[..., Peertape]) -> None:
    app = replay("--on-miss", "error")
    assert app.ask("GET /api/v1/videos/5\nPrefer: code=404")[0].status == 404
    assert app.ask("GET /api/v1/videos/5\nPrefer: code=429")[0].status == 429


def test_a_fault(replay: Callable[..., Peertape]) -> None:
    app = replay("--fault", "403/video_requires_password*1@GET /api/v1/videos/*")
    heads = [app.ask("GET /api/v1/videos/5")[0] for _ in range(2)]
    assert [head.status for head in heads] == [403, 200]
    assert heads[0].get("peertape-source") == "fault; name=403/video_requires_password"
    app.control("faults", TOKEN, {"faults": ["404/video-not-found"]})
    assert json.loads(app.ask("GET /api/v1/videos/5")[1])["detail"] == "Video not found"


def test_a_fault_that_cannot_be(replay: Callable[..., Peertape]) -> None:
    wrong = "403/video_requires_pasword@GET /api/v1/videos/*"
    result = CliRunner().invoke(cli, ["replay", "--listen", "127.0.0.1:0", "--fault", wrong])
    assert result.exit_code == 2
    assert "403 video_requires_password; see `peertape errors`" in result.stderr
    message = json.dumps({"faults": [wrong]}).encode()
    fields = f"Authorization: Bearer {TOKEN}\nContent-Type: application/json"
    head, body = replay().ask(f"POST /__peertape__/faults\n{fields}", message)
    assert (head.status, "is no fault" in json.loads(body)["detail"]) == (400, True)


def test_prefer_while_the_instance_is_there(peertape: Callable[..., Peertape], tube: Tube) -> None:
    tube.says("GET /api/v1/videos/5", '{"id":5}')
    app = peertape("proxy", "--upstream", tube.url)
    head, body = app.ask(f"GET /api/v1/videos/5\nPrefer: {WISH}")
    assert (head.status, json.loads(body)["code"]) == (403, "video_requires_password")
    assert tube.heads("/api/v1/videos/5") == []
    assert app.ask("GET /api/v1/videos/5\nPrefer: code=418")[0].get("peertape-source") == "live"
