"""`--limits`, as its users run it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support import samples

from peertape.cassettes.headers import Headers
from peertape.config import limits
from peertape.proxy.cli.limits import once_noted
from peertape.proxy.cli.root import cli
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.stages.limits import Refused

NOTE = re.compile(r"^rate limited, as by PeerTube \(429\): .*--limits off.*$", re.MULTILINE)


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    return samples.record(tmp_path / "small.cassette")


def test_the_first_429_of_a_run_is_noted_on_one_line(
    peertape: Callable[..., Any], cassette: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("rates_limit: {api: {window: 1 hour, max: 1}}")
    replay = peertape("replay", cassette, "--limits", mine)
    statuses = [replay.ask("GET /api/v1/videos")[0].status for _ in range(3)]
    assert statuses[1:] == [429, 429]
    assert replay.stop() == 0
    (note,) = NOTE.findall(replay.said)
    assert "bucket api allows 1 request in 1 hour, and 127.0.0.1 asked for more" in note
    assert "2 emulated" in replay.said


def test_limits_are_peertubes_unless_said_otherwise(peertape: Callable[..., Any], cassette: Path) -> None:
    replay = peertape("replay", cassette, environment={"PEERTAPE_TOKEN": "t"})
    assert replay.control("limits", "t", {"reset": True})["limits"] == "peertube"  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            "nothing.yaml",
            "Error: limits: there is no file 'nothing.yaml'; write peertube, peertube*10, off, or a file.",
        ),
        ("peertube*many", "Error: 'many' is no scale of the limits; write for example peertube*10."),
    ],
)
def test_sentences(cassette: Path, given: str, sentence: str) -> None:
    result = CliRunner().invoke(cli, ["replay", str(cassette), "--limits", given, "--listen", "127.0.0.1:0"])
    assert (result.exit_code, result.stderr.strip()) == (2, sentence)


def test_each_run_notes_its_own_first_one(caplog: pytest.LogCaptureFixture) -> None:
    limit = limits.load("6.3").buckets["login"]
    refused = Refused("login", limit, "192.0.2.1", Request("POST", "/api/v1/users/token", Headers()))
    for note in (once_noted(), once_noted()):
        note(refused)
        note(refused)
    assert len(caplog.messages) == 2
    assert "bucket login allows 15 requests in 5 minutes, and 192.0.2.1 asked for more" in caplog.messages[0]
