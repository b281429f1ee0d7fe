"""A film of any length that an instance makes up as it is asked for it, and a client that only counts its octets."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from support.process import Peertape
from support.wire import Instance, Wire

BLOCK = 1 << 20
FILM = "/film"


def serve(size: int) -> Callable[[Wire], None]:
    noise = random.Random(1).randbytes(BLOCK)

    def handle(wire: Wire) -> None:
        while wire.head():
            wire.send(
                f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nAccept-Ranges: bytes\r\nContent-Length: {size}\r\n\r\n"
            )
            for number in range(size // BLOCK):
                wire.send(number.to_bytes(8) + noise[8:])

    return handle


def download(app: Peertape, *fields: str) -> tuple[int, int, float]:
    """Status, octets of body, and seconds until the first of them."""
    wire = app.connect()
    begin = time.perf_counter()
    wire.send("\r\n".join([f"GET {FILM} HTTP/1.1", f"Host: {app.host}:{app.port}", *fields, "", ""]))
    head = wire.head()
    left = length = int(head.get("content-length") or 0)
    left -= len(wire.some())
    first = time.perf_counter() - begin
    buffer = memoryview(bytearray(BLOCK))
    while left:
        count = wire.socket.recv_into(buffer)
        if not count:
            raise SystemExit(f"the film ended {left} octets too early")
        left -= count
    return head.status, length, first


@contextmanager
def recording(size: int) -> Iterator[Peertape]:
    """`peertape record` in front of an instance that has the film."""
    instance = Instance()
    with TemporaryDirectory(prefix="peertape-benchmark-") as folder, instance.serving(serve(size)):
        app = started(Path(folder), "record", "--upstream", instance.url)
        try:
            yield app
        finally:
            app.stop()
    instance.close()


def started(folder: Path, *arguments: str | Path) -> Peertape:
    return Peertape(folder, *arguments, "--listen", "127.0.0.1:0")
