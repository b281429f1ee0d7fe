"""Only ticks of a film travel within the process: the client gets the film, and what it does not take stays unread."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from support.process import Peertape, wait_for
from support.wire import Wire

from peertape.addons.ticks import TICK, Ticks
from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing
from peertape.cassettes.readahead import Batch
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter

FILM = random.Random(1).randbytes(1 << 20) * 64
HOST = "tube.example"


async def _batches() -> AsyncIterator[Batch]:
    yield [b"one", b"two"]
    yield [b"three"]


def test_each_tick_is_a_batch() -> None:
    asyncio.run(each_tick_is_a_batch())


async def each_tick_is_a_batch() -> None:
    ticks = Ticks(_batches())
    got: list[bytes] = []
    async for tick in ticks:
        assert tick == TICK
        got += ticks.exchange(tick)
    assert got == [b"one", b"two", b"three"]
    assert list(ticks.exchange(b"")) == []


@pytest.fixture(scope="module")
def cassette(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.cassette"
    writer = CassetteWriter(path, RedactionRules.default(), upstream=f"http://{HOST}")
    request = RecordedRequest("GET", "/film.mp4", "http", HOST, "HTTP/1.1", Headers((("Host", HOST),)))
    fields = (("Content-Type", "video/mp4"), ("Accept-Ranges", "bytes"), ("Content-Length", str(len(FILM))))
    response = RecordedResponse(200, "OK", "HTTP/1.1", Headers(fields), BytesBody(FILM))
    writer.add(Exchange(request, response, Timing(1.0, 1.0, 1.0, 1.0)))
    writer.close()
    return path


@pytest.fixture
def replay(peertape: Callable[..., Any], cassette: Path) -> Peertape:
    started: Peertape = peertape("replay", cassette, "--limits", "off")
    return started


def ask(app: Peertape) -> Wire:
    wire = app.connect()
    wire.send(f"GET /film.mp4 HTTP/1.1\r\nHost: {app.host}:{app.port}\r\n\r\n")
    assert wire.head().get("content-length") == str(len(FILM))
    return wire


def digest(wire: Wire, size: int) -> bytes:
    found = hashlib.sha256()
    while size:
        some = wire.some()
        found.update(some)
        size -= len(some)
    return found.digest()


def served(app: Peertape) -> bool:
    wire = ask(app)
    try:
        return digest(wire, len(FILM)) == hashlib.sha256(FILM).digest()
    finally:
        wire.close()


def files_open(app: Peertape) -> int:
    return len(list(Path(f"/proc/{app.pid}/fd").iterdir()))


def test_the_client_gets_every_octet(replay: Peertape) -> None:
    wire = replay.connect()
    for fields, want in (
        ((), FILM),
        ((f"Range: bytes=5-{len(FILM) - 6}",), FILM[5:-5]),
        (("Range: bytes=-3000000",), FILM[-3000000:]),
        ((), FILM),
    ):
        wire.send("\r\n".join(["GET /film.mp4 HTTP/1.1", f"Host: {replay.host}:{replay.port}", *fields, "", ""]))
        assert wire.head().get("content-length") == str(len(want))
        assert digest(wire, len(want)) == hashlib.sha256(want).digest()
    head, body = replay.ask("HEAD /film.mp4")
    assert (head.get("content-length"), body) == (str(len(FILM)), b"")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts files as Linux shows them")
def test_clients_that_read_slowly_or_go_away(replay: Peertape) -> None:
    assert served(replay)
    before, files = replay.memory_peak(), files_open(replay)
    wires = [ask(replay) for _ in range(8)]
    assert served(replay)  # it does not wait for the others
    assert replay.memory_peak() - before < len(wires) * len(FILM) // 3  # not each its own film
    for wire in wires:
        wire.abort()
    wait_for(lambda: files_open(replay) <= files)
    assert served(replay)
    assert replay.stop() == 0
    assert "Traceback" not in replay.said
