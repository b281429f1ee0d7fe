"""What no client of good will sends is answered or refused in every lane, and nothing of ours breaks."""

from __future__ import annotations

import contextlib
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.process import PROGRAM, Peertape
from support.tube import Tube

CONFIG = "/api/v1/config"
MANY = "".join(f"X-H{number}: v\r\n" for number in range(10_000))
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
JSON = "Content-Type: application/json\r\n"

# By name: the head without Host, as octets in Latin-1, and a body.
ATTACKS: dict[str, tuple[str, bytes]] = {
    "a path with NUL": ("GET /a%00b HTTP/1.1\r\n", b""),
    "a raw NUL": ("GET /a\0b HTTP/1.1\r\n", b""),
    "a query with NUL": ("GET /api/v1/videos?search=%00&start=%00 HTTP/1.1\r\n", b""),
    "a path that is no UTF-8": ("GET /\xff\xfe\x80/api HTTP/1.1\r\n", b""),
    "parameters that are no UTF-8": ("GET /api/v1/videos/%ff%fe?search=%c3%28&sort=%80 HTTP/1.1\r\n", b""),
    "header values that are no UTF-8": (
        f"GET {CONFIG} HTTP/1.1\r\nX: \xff\xfe\r\nAuthorization: Bearer \xff\x80\r\nCookie: \xc3(=\xff\r\n",
        b"",
    ),
    "a header name that is no UTF-8": (f"GET {CONFIG} HTTP/1.1\r\nX-\xff: 1\r\n", b""),
    "a header name with a blank": (f"GET {CONFIG} HTTP/1.1\r\nX Y: 1\r\n", b""),
    "no header name": (f"GET {CONFIG} HTTP/1.1\r\n: x\r\n", b""),
    "10,000 headers": (f"GET {CONFIG} HTTP/1.1\r\n{MANY}", b""),
    "a long header": (f"GET {CONFIG} HTTP/1.1\r\nX: {'a' * 60_000}\r\n", b""),
    "a long URL": (f"GET /api/v1/videos?search={'a' * 60_000} HTTP/1.1\r\n", b""),
    "a URL of a megabyte": (f"GET /api/v1/videos?search={'a' * 1_000_000} HTTP/1.1\r\n", b""),
    "a session that is no name": (f"GET {CONFIG} HTTP/1.1\r\nPeertape-Session: {'\xff' * 5000}\r\n", b""),
    "huge numbers": (f"GET /api/v1/videos?start={'9' * 5000}&count=%C2%B2 HTTP/1.1\r\n", b""),
    "a huge id": (f"GET /api/v1/videos/{'9' * 5000} HTTP/1.1\r\n", b""),
    "a method that is no UTF-8": (f"G\xc9T {CONFIG} HTTP/1.1\r\n", b""),
    "a tunnel": ("CONNECT a:443 HTTP/1.1\r\n", b""),
    "nested JSON": (f"POST /api/v1/users/token HTTP/1.1\r\n{JSON}Content-Length: 200000\r\n", b"[" * 200_000),
    "half a character": (
        f"POST /api/v1/users/register HTTP/1.1\r\n{JSON}Content-Length: 21\r\n",
        b'{"username":"\\ud800"}',
    ),
    "a form that is no UTF-8": (
        f"POST /api/v1/users/token HTTP/1.1\r\n{FORM}Content-Length: 31\r\n",
        b"grant_type=%ff&username=%00&a=%",
    ),
    "no chunk": (f"POST {CONFIG} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", b"zz\r\nabc\r\n0\r\n\r\n"),
    "ranges without end": (f"GET {CONFIG} HTTP/1.1\r\nRange: bytes={'1-2,' * 3000}\r\n", b""),
    "moments that are none": (f"GET {CONFIG} HTTP/1.1\r\nIf-Modified-Since: 99 Foo 99999 99:99:99\r\n", b""),
}

NO_HTTP = (b"\0" * 3000, random.Random(5).randbytes(3000), b"GET /\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


@pytest.fixture
def tube() -> Iterator[Tube]:
    tube = Tube()
    yield tube
    tube.die()


@pytest.fixture(params=["serve", "replay", "record"])
def lane(request: pytest.FixtureRequest, peertape: Callable[..., Peertape], tube: Tube) -> Peertape:
    if request.param == "record":
        return peertape("record", "--upstream", tube.url)
    return peertape(request.param, "--limits", "off")


def test_attacks(lane: Peertape, tmp_path: Path) -> None:
    failed = {name: status for name, attack in ATTACKS.items() if (status := answered(lane, *attack)) in (500, 502)}
    assert not failed, lane.said
    for octets in NO_HTTP:
        wire = lane.connect()
        with contextlib.suppress(OSError):
            wire.send(octets)
        wire.close()
    assert lane.ask("GET /__peertape__/health")[0].status == 200
    assert lane.stop() == 0
    assert "Traceback" not in lane.said
    if lane.cassette.exists():
        for file in ("flows.har", "flows.mitm"):
            for command in (["export", lane.cassette, file], ["import", f"{file}.cassette", file]):
                done = subprocess.run(
                    [PROGRAM, "cassette", *command], cwd=tmp_path, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, done.stderr


def answered(lane: Peertape, head: str, body: bytes) -> int | None:
    """The status; None where the connection was closed instead."""
    wire = lane.connect()
    with contextlib.suppress(OSError, EOFError):
        wire.send(f"{head}Host: {lane.host}\r\nConnection: close\r\n\r\n")
        wire.send(body)
    with contextlib.suppress(OSError, EOFError):
        return wire.head().status
    return None
