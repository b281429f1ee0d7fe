"""Recording onto a disk that is full."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.process import close_readers, recorded
from support.wire import Instance, Wire, answer

from peertape.cassettes.store import Cassette

ROOM = 2 * 1024 * 1024
PIECE = 64 * 1024
WRONG = 2  # the exit code


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))


@pytest.fixture(params=["disk", "limit"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Callable[[], None] | None]]:
    """A folder with room for 2 MB, or one where no file may be longer than that."""
    if request.param == "limit":
        yield tmp_path, limited
        return
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "peertape-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk is not allowed here")
    try:
        yield folder, None
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_the_app_is_served_on(peertape, instance: Instance, place: tuple[Path, Callable[[], None] | None]) -> None:
    folder, prepare = place
    cassette = folder / "full.cassette"
    app = peertape("record", "--upstream", instance.url, "--cassette", cassette, prepare=prepare)

    def serve(wire: Wire) -> None:
        while wire.head():
            wire.send(answer(os.urandom(PIECE), content_type="video/mp4"))

    with instance.serving(serve):
        client = app.connect()
        for number in range(3 * ROOM // PIECE):
            client.send(f"GET /{number} HTTP/1.1\r\nHost: x\r\n\r\n")
            head, body = client.message()
            assert (head.status, len(body)) == (200, PIECE)
            if number == 0:
                recorded(cassette, "/0")  # what is committed stays
                close_readers()
    assert app.stop() == WRONG, app.said
    assert app.said.count("RECORDING STOPPED") == 1
    assert "room" in app.said or "cannot be written" in app.said
    assert "Traceback" not in app.said

    reader = Cassette(cassette)
    try:
        kept = [exchange for exchange in reader.exchanges() if exchange.state == "complete"]
        assert kept
        assert [exchange.request.target for exchange in kept] == [f"/{number}" for number in range(len(kept))]
        assert all(exchange.response and sum(map(len, exchange.response.body.pieces())) == PIECE for exchange in kept)
    finally:
        reader.close()
