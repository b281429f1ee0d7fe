"""Every command of the README runs as it stands there; only addresses and files are the test's own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.process import PROGRAM

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter

REFUSED = {"Prefer:": "403 Forbidden", "count=1000": "400 Bad Request", "-X DELETE": "401 Unauthorized"}
README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
LISTENING = ("replay", "record", "proxy", "inspect")
TOKEN = "readme-token"


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def peertape_commands() -> list[str]:
    return [line.split("peertape ", 1)[1] for line in commands() if " peertape " in line and not line.startswith("pip")]


@pytest.fixture
def demo(peertape: Callable[..., Any]) -> Any:
    return peertape("replay", environment={"PEERTAPE_TOKEN": TOKEN})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With what the README takes for granted: a recording of one's own, as a cassette and as a HAR file."""
    writer = CassetteWriter(tmp_path / "mine.cassette", RedactionRules.default())
    request = RecordedRequest(
        "GET", "/api/v1/config", "https", "tube.example", "HTTP/1.1", Headers((("Host", "tube.example"),))
    )
    response = RecordedResponse(
        200, "OK", "HTTP/1.1", Headers((("Content-Type", "application/json"),)), BytesBody(b"{}")
    )
    writer.add(Exchange(request, response, Timing(1.0, 1.0, 1.0, 1.0)))
    writer.close()
    done = peertape_in(tmp_path, "cassette", "export", "mine.cassette", "session.har")
    assert done.returncode == 0, done.stderr
    return tmp_path


def peertape_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    home = os.environ | {"HOME": str(folder)}
    return subprocess.run(
        [PROGRAM, *words], cwd=folder, env=home, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_readme_begins_with_the_two_commands() -> None:
    first, second = commands()[:2]
    assert (first, second) == ("pip install uv && uv run peertape replay", "uv run pytest")


def test_the_readme_knows_every_command() -> None:
    used = {shlex.split(line)[0] for line in peertape_commands()}
    assert used == {"proxy", "record", "replay", "inspect", "cassette", "errors", "ca", "pack"}


@pytest.mark.parametrize(
    "line", [line for line in peertape_commands() if shlex.split(line)[0] in LISTENING and " -- " not in line]
)
def test_a_command_that_listens(line: str, demo: Any, peertape: Callable[..., Any]) -> None:
    arguments = [demo.url if word.startswith("https://") else word for word in shlex.split(line)]
    process = peertape(*arguments)
    assert process.url.startswith("http://127.0.0.1:")
    assert process.stop() == 0, process.said


@pytest.mark.parametrize(
    "line", [line for line in peertape_commands() if shlex.split(line)[0] not in LISTENING or " -- " in line]
)
def test_a_command_that_ends(line: str, folder: Path, request: pytest.FixtureRequest) -> None:
    if "https://peertube.example" in line:
        line = line.replace("https://peertube.example", request.getfixturevalue("demo").url)
    done = peertape_in(folder, *("true" if word == "npm" else word for word in shlex.split(line)))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("curl")])
def test_a_request(line: str, demo: Any) -> None:
    shown = line.replace("127.0.0.1:8990", f"127.0.0.1:{demo.port}").replace(
        "t17.localhost:8990", f"t17.localhost:{demo.port}"
    )
    refused = next((status for part, status in REFUSED.items() if part in line), None)
    fail = "" if refused else "--fail "
    resolved = shown.replace("curl ", f"curl {fail}--resolve t17.localhost:{demo.port}:127.0.0.1 ", 1)
    command = f"set -o pipefail; {resolved}"
    done = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PEERTAPE_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout
    assert refused is None or refused in done.stdout
