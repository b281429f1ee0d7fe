"""The recorder and the replayer load on their own with `mitmdump -s`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.process import recorded, wait_for
from support.wire import Instance, connect

ADDONS = Path(__file__).parents[2] / "addons"
MITMDUMP = Path(sys.executable).with_name("mitmdump")


@contextmanager
def mitmdump(folder: Path, *arguments: str) -> Iterator[int]:
    """Runs mitmdump; gives the port at which it listens."""
    environment = os.environ | {"HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    command = [MITMDUMP, "--listen-host", "127.0.0.1", "--listen-port", "0", *arguments]
    process = subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said: list[str] = []
    assert process.stdout is not None
    stream = process.stdout
    reader = threading.Thread(target=lambda: said.extend(stream), daemon=True)
    reader.start()
    look: Callable[[], re.Match[str] | None] = lambda: re.search(r"listening at [^\s]*:(\d+)", "".join(said))  # noqa: E731
    try:
        yield int(wait_for(look)[1])
    finally:
        process.terminate()
        process.wait(60)
        reader.join(60)
        stream.close()


def ask(port: int, target: str) -> tuple[int, str | None, bytes]:
    wire = connect("127.0.0.1", port)
    wire.send(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")
    head, body = wire.message()
    wire.close()
    return head.status, head.get("Peertape-Source"), body


def test_the_recorder_and_then_the_replayer(tmp_path: Path, instance: Instance) -> None:
    cassette = tmp_path / "c.cassette"
    mode = ["-m", f"reverse:http://127.0.0.1:{instance.port}"]
    with mitmdump(tmp_path, "-s", str(ADDONS / "recorder.py"), *mode, "--set", f"peertape_cassette={cassette}") as port:
        asked = threading.Thread(target=ask, args=(port, "/api/v1/ping"))
        asked.start()
        wire = instance.accept()
        wire.message()
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npong")
        wire.close()
        asked.join(60)
        assert len(recorded(cassette, "/api/v1/ping")) == 1
    nowhere = ["-m", "reverse:http://peertape.invalid", "--set", "connection_strategy=lazy"]
    with mitmdump(
        tmp_path, "-s", str(ADDONS / "replayer.py"), *nowhere, "--set", f"peertape_cassettes={cassette}"
    ) as port:
        assert ask(port, "/api/v1/ping") == (200, "recorded; exchange=1", b"pong")
        assert ask(port, "/api/v1/nothing")[:2] == (501, "miss")
