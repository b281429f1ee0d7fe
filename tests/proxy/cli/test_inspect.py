"""`peertape inspect`: a cassette in mitmproxy's own windows, as real processes."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import samples
from support.process import PROGRAM, Peertape, wait_for

from peertape.cassettes.bodies import Body, BytesBody
from peertape.cassettes.model import State
from peertape.proxy.cli import inspect

Start = Callable[..., Peertape]


def told(process: Peertape) -> tuple[str, str]:
    """mitmweb's address and token, as standard error tells them."""
    found = wait_for(lambda: re.search(r"10 exchanges of .*: open (http://\S+)/\?token=(\w+)", process.said))
    return found[1], found[2]


def fetch(url: str, token: str) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


def test_mitmweb_shows_every_exchange(tape: Path, peertape: Start) -> None:
    process = peertape("inspect", tape)
    url, token = told(process)
    assert url == process.url
    flows = fetch(f"{url}/flows", token)
    assert [flow["request"]["path"] for flow in flows][:2] == ["/api/v1/users/token", "/api/v1/users/me"]
    assert [flow["comment"] for flow in flows][1:3] == [
        "exchange 2, complete, alice",
        "exchange 3, complete, anonymous",
    ]
    assert {flow["comment"] for flow in flows if flow["marked"]} == {
        "exchange 6, cut, anonymous",
        "exchange 7, failed, anonymous",
    }
    assert flows[2]["response"]["status_code"] == 200
    state = fetch(f"{url}/state", token)
    assert not any(server["is_running"] for server in state["servers"].values())
    assert process.stop() == 0
    assert "Traceback" not in process.said


def test_a_termination_ends_it_too(tape: Path, peertape: Start) -> None:
    process = peertape("inspect", tape)
    assert process.stop(signal.SIGTERM) == 0
    assert "Traceback" not in process.said


def test_without_a_name_the_usual_one(tmp_path: Path, peertape: Start) -> None:
    samples.record(tmp_path / "peertape.cassette")
    told(peertape("inspect"))


def ended(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, "inspect", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "There is no cassette peertape.cassette"),
        (["--tui", "small.cassette"], "--tui needs a terminal"),
        (["--listen", "here", "small.cassette"], "'here' is no address to listen at"),
    ],
)
def test_wrong_usage(tape: Path, arguments: list[str], sentence: str) -> None:
    process = ended(tape.parent, *arguments)
    assert (process.returncode, process.stdout) == (2, "")
    assert sentence in process.stderr
    assert "Traceback" not in process.stderr


def test_a_port_that_is_taken(tape: Path, peertape: Start) -> None:
    first = peertape("inspect", tape)
    second = ended(tape.parent, "--listen", f"{first.host}:{first.port}", str(tape))
    assert (second.returncode, second.stdout) == (2, "")
    assert "another program listens there" in second.stderr


def test_the_console_program(tape: Path) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "HOME": str(tape.parent)}
    process = subprocess.Popen(
        [PROGRAM, "inspect", str(tape), "--tui"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        read_until(master, b"[1/10]")
        process.send_signal(signal.SIGINT)
        said = read_until(master, None)
        assert process.wait(30) == 0
        assert b"Traceback" not in said
    finally:
        process.kill()
        process.wait()
        os.close(master)


def read_until(terminal: int, text: bytes | None) -> bytes:
    """What the terminal shows until `text`, or until its program has closed it."""
    shown = b""
    until = time.monotonic() + 60
    while text is None or text not in shown:
        assert time.monotonic() < until, shown[-2000:]
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:  # so Linux tells the end
                assert text is None, shown[-2000:]
                return shown
    return shown


class Unreadable:
    """A film: nobody wants it whole in memory."""

    size = 5_000_000_000

    def pieces(self, start: int = 0, stop: int | None = None) -> Any:
        assert stop is not None
        assert stop <= inspect.LARGEST_SHOWN
        yield b"f" * (stop - start)


def test_long_bodies_are_cut() -> None:
    film: Body = Unreadable()
    exchange = samples.made(1, "GET", "/film.mp4", 200, b"", {"Content-Type": "video/mp4"})
    assert exchange.response is not None
    long = replace(exchange, id=7, response=replace(exchange.response, body=film))
    flow = inspect.exhibit(long, "bob")
    assert flow.comment == "exchange 7, complete, bob, long bodies are cut here after 4 MiB"
    assert flow.response is not None
    assert len(flow.response.raw_content or b"") == inspect.LARGEST_SHOWN
    short = replace(exchange, response=replace(exchange.response, body=BytesBody(b"short")))
    assert inspect.exhibit(short, "bob").comment == "exchange 0, complete, bob"


@pytest.mark.parametrize("state", State)
def test_marks(state: State) -> None:
    assert bool(inspect.exhibit(samples.made(1, "GET", "/", 200, state=state), "bob").marked) is (
        state is not State.COMPLETE
    )
