"""`peertape serve` as its users run it, and whether it answers as `peertape replay` does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from support.process import PROGRAM
from support.wire import Head

from peertape.cassettes import demo
from peertape.cassettes.bodies import read
from peertape.cassettes.store import Cassette

if TYPE_CHECKING:
    from pathlib import Path

    from support.process import Peertape

Start = Callable[..., "Peertape"]
OF_THE_SERVER = {"date", "server", "connection", "keep-alive", "transfer-encoding", "content-length"}
STEP = 13  # every so many-th exchange of the demo is asked for
ASK = "import os, sys, urllib.request as u; print(u.urlopen(os.environ['PEERTAPE_URL'] + sys.argv[1]).read()[:20])"


def test_the_demo_answers_and_the_summary_counts(peertape: Start) -> None:
    process = peertape("serve")
    head, body = process.ask("GET /api/v1/videos?count=1")
    assert (head.status, json.loads(body)["data"][0]["isLocal"]) == (200, True)
    assert (head.get("peertape-source") or "").startswith("recorded; exchange=")
    missing, problem = process.ask("GET /api/v1/videos/99999")
    assert (missing.status, json.loads(problem)["detail"]) == (404, "Video not found")
    page, _ = process.ask("GET /__peertape__/health")
    assert page.status == 200
    assert process.stop(signal.SIGTERM) == 0
    assert "2 answers: 1 recorded, 1 emulated" in process.said


def test_a_cassette_that_is_damaged_meanwhile(peertape: Start, tmp_path: Path) -> None:
    tape = tmp_path / "mine.cassette"
    tape.write_bytes(demo.path().read_bytes())
    process = peertape("serve", str(tape))
    assert process.ask("GET /api/v1/config")[0].status == 200
    os.truncate(tape, 300_000)
    for _ in range(2):  # asked once before, and prepared
        head, problem = process.ask("GET /api/v1/config")
        assert (head.status, head.get("peertape-source")) == (503, "miss; cassette=lost")
        assert "mine.cassette is damaged" in json.loads(problem)["detail"]
    assert process.stop() == 0
    assert "3 answers: 2 miss, 1 recorded" in process.said
    assert "mine: 1 recordings used. " in process.said


def test_connections_that_are_idle_keep_nobody_out(peertape: Start) -> None:
    process = peertape("serve")
    for _ in range(200):
        process.connect()
    assert process.ask("GET /api/v1/config")[0].status == 200


def test_limits_hold(peertape: Start) -> None:
    process = peertape("serve", "--limits", "peertube")
    statuses = [process.ask("GET /api/v1/config/about")[0].status for _ in range(51)]
    assert statuses == [200] * 50 + [429]


def test_strictness_and_a_command(tmp_path: Path) -> None:
    command = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--strict=recorded", "--", sys.executable, "-c", ASK]
    fine = subprocess.run(
        [*command, "/api/v1/ping"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (fine.returncode, fine.stdout.splitlines()[1:]) == (0, ["b'pong'"])
    broken = subprocess.run(
        [*command, "/no/such/page.js"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert broken.returncode == 1


def test_a_port_that_is_taken(peertape: Start, tmp_path: Path) -> None:
    first = peertape("serve")
    second = subprocess.run(
        [PROGRAM, "serve", "--listen", f"127.0.0.1:{first.port}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert second.returncode == 2
    assert "another program listens there" in second.stderr


@pytest.mark.parametrize("fault", ["cut-body", "reset"])
def test_what_is_to_break_breaks(peertape: Start, fault: str) -> None:
    process = peertape("serve", "--fault", f"{fault}@GET /api/v1/videos")
    with pytest.raises(EOFError):
        process.ask("GET /api/v1/videos")


def test_both_lanes_give_the_same_answers(peertape: Start) -> None:
    """But for what belongs to the server: the case of names, the reason, `Server`."""
    proxied, served = (peertape(command, "demo", "--limits", "off") for command in ("replay", "serve"))
    cassette = Cassette(demo.path())
    try:
        numbers = [candidate.id for candidate in cassette.candidates() if candidate.replayable][::STEP]
        for number in numbers:
            request = cassette.exchange(number).request
            lines = [f"{name}: {value}" for name, value in request.headers if name.lower() not in OF_THE_SERVER]
            answers = [
                _asked(process, f"{request.method} {request.target}", lines, read(request.body))
                for process in (proxied, served)
            ]
            assert answers[0] == answers[1], f"exchange {number}: {request.method} {request.target}"
    finally:
        cassette.close()
    assert len(numbers) > 100


def _asked(process: Peertape, start: str, lines: list[str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    wire = process.connect()
    length = [f"Content-Length: {len(body)}"] if body else []
    wire.send("\r\n".join([f"{start} HTTP/1.1", *lines, *length, "Connection: close", "", ""]))
    wire.send(body)
    head, octets = wire.message(bodiless=start.startswith("HEAD"))
    wire.close()
    return head.status, _comparable(head), octets


def _comparable(head: Head) -> list[tuple[str, str]]:
    fields = ((name.lower(), value) for name, value in head.headers)
    return sorted(field for field in fields if field[0] not in OF_THE_SERVER)
