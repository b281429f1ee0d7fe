"""The recorded session's uploads, sent to a replay in other pieces and under another boundary.

The recording lies beside the project, not in it; without it this is skipped, and `tests/proxy/cli/test_uploads.py`
stands for it.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.process import Peertape
from support.wire import Head

from tests.yardsticks.test_fidelity import SHARED, imported

RECORDING = SHARED / "recordings" / "user-session.mitm"
UPLOAD, BEGIN, PIECES = 73, 74, (75, 76, 81, 82)  # flows
SIZE = 106021

pytestmark = pytest.mark.skipif(not RECORDING.exists(), reason="the recordings lie beside the project's workplace only")


@pytest.fixture(scope="module")
def flows() -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mitmproxy.io import FlowReader
    with RECORDING.open("rb") as file:
        return list(FlowReader(file).stream())


@pytest.fixture(scope="module")
def cassette(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return imported(RECORDING, tmp_path_factory.mktemp("uploads") / "session.cassette")


def film(flows: list[Any]) -> bytes:
    octets = bytearray(SIZE)
    for flow in (flows[number].request for number in PIECES):
        start = int(flow.headers["content-range"].split(" ")[1].partition("-")[0])
        octets[start : start + len(flow.raw_content)] = flow.raw_content
    return bytes(octets)


def asked(flow: Any, *more: str) -> str:
    """The recorded request, but for what frames its body."""
    request = flow.request
    wanted = ("authorization", "accept", "x-upload-content-length", "x-upload-content-type")
    fields = [f"{name}: {value}" for name, value in request.headers.items() if name.lower() in wanted]
    return "\n".join([f"{request.method} {request.path}", *fields, *more])


def put(replay: Peertape, flows: list[Any], place: str, octets: bytes, start: int, stop: int) -> tuple[Head, bytes]:
    _, *fields = asked(flows[PIECES[0]]).split("\n")
    told = [f"Content-Range: bytes {start}-{stop - 1}/{SIZE}", "Content-Type: application/octet-stream"]
    return replay.ask("\n".join([f"PUT {place}", *fields, *told]), octets[start:stop])


@pytest.mark.parametrize("size", [10_000, 50_001, SIZE - 1, SIZE])
def test_other_pieces(peertape: Callable[..., Peertape], cassette: Path, flows: list[Any], size: int) -> None:
    octets = film(flows)
    replay = peertape("replay", cassette, "--limits", "off", "--strict=recorded,derived")
    details = json.dumps(dict(reversed(json.loads(flows[BEGIN].request.content).items()))).encode()
    head, _ = replay.ask(asked(flows[BEGIN], "Content-Type: application/json"), details)
    location = urlsplit(head.get("location") or "")
    assert (head.status, location.netloc) == (201, f"127.0.0.1:{replay.port}")
    place = f"{location.path}?{location.query}"
    for start, stop in pairwise([*range(0, SIZE, size), SIZE]):
        head, body = put(replay, flows, place, octets, start, stop)
        if stop < SIZE:
            assert (head.start, head.get("range")) == ("HTTP/1.1 308 Resume Incomplete", f"bytes=0-{stop - 1}")
            recorded = [name for name in flows[PIECES[0]].response.headers if name not in ("Connection", "Keep-Alive")]
            assert [name for name, _ in head.headers] == [*recorded, "Peertape-Source"]
    assert (head.status, body) == (200, flows[PIECES[-1]].response.raw_content)
    assert "content=" not in (head.get("peertape-source") or "")
    assert replay.stop() == 0, replay.said


def test_another_boundary(peertape: Callable[..., Peertape], cassette: Path, flows: list[Any]) -> None:
    replay = peertape("replay", cassette, "--limits", "off", "--strict=recorded,derived")
    request = flows[UPLOAD].request
    old = request.headers["content-type"].partition("boundary=")[2].encode()
    body = request.raw_content.replace(old, b"------quite-another-one")
    head, answer = replay.ask(
        asked(flows[UPLOAD], "Content-Type: multipart/form-data; boundary=------quite-another-one"), body
    )
    assert (head.status, answer) == (200, flows[UPLOAD].response.raw_content)
    assert replay.stop() == 0, replay.said
