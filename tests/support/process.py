"""peertape as a process of its own, as its users run it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from support.launcher import Launched, Launcher
from support.wire import PATIENCE, Head, Wire, connect

from peertape.cassettes.model import Exchange
from peertape.cassettes.store import Cassette

PROGRAM = Path(sys.executable).with_name("peertape")


class Peertape:
    """`peertape ARGUMENTS`, which listens; it has a home of its own in `folder`."""

    def __init__(
        self,
        folder: Path,
        *arguments: str | Path,
        environment: Mapping[str, str] | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.folder = folder
        self._process = _start(folder, list(map(str, arguments)), environment or {}, prepare)
        self._said: list[str] = []
        self._wires: list[Wire] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            self.kill()
            raise AssertionError(f"peertape did not start:\n{self.said}")
        self.url = line.removeprefix("listening on ").strip()
        address = urlsplit(self.url)
        self.host, self.port = str(address.hostname), int(address.port or 0)

    @property
    def said(self) -> str:
        """What stands on standard error by now; all of it once the process has ended."""
        return "".join(self._said)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def children(self) -> list[int]:
        """The processes that it has started, and that run."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii").split()]

    @property
    def forward(self) -> tuple[str, int]:
        """Where the forward proxy listens."""
        found = wait_for(lambda: re.search(r"HTTP proxy is http://([\d.]+):(\d+)", self.said))
        return found[1], int(found[2])

    def connect(self, *, forward: bool = False) -> Wire:
        wire = connect(*(self.forward if forward else (self.host, self.port)))
        self._wires.append(wire)
        return wire

    def hang_up(self) -> None:
        """Closes the connections to it."""
        while self._wires:
            self._wires.pop().close()

    def ask(self, request: str, body: bytes = b"") -> tuple[Head, bytes]:
        """`GET /path` and header lines, on a connection of its own; gives the response."""
        wire = self.connect()
        try:
            start, *fields = request.split("\n")
            length = [f"Content-Length: {len(body)}"] if body else []
            lines = [f"{start} HTTP/1.1", f"Host: {self.host}:{self.port}", *fields, *length, "Connection: close"]
            wire.send("\r\n".join(lines) + "\r\n\r\n")
            wire.send(body)
            return wire.message(bodiless=start.startswith("HEAD"))
        finally:
            wire.close()

    def control(self, name: str, token: str, message: object = None, host: str | None = None) -> object:
        """POSTs to the control API; its answer. `host` names the session, if that is not the default one."""
        session = "" if host is None else f"\nPeertape-Session: {host.partition('.')[0]}"
        head, body = self.ask(
            f"POST /__peertape__/{name}{session}\nAuthorization: Bearer {token}\nContent-Type: application/json",
            json.dumps(message or {}).encode(),
        )
        assert head.status == 200, body
        return json.loads(body)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ends it as Ctrl-C does; its exit code."""
        if self.running:
            self._process.send_signal(number)
        code = self._ended()
        assert code >= 0, f"peertape was ended by signal {-code}:\n{self.said}"
        return code

    def kill(self) -> None:
        self._process.kill()
        self._ended()

    @property
    def cassette(self) -> Path:
        """The one that is recorded into without `--cassette`."""
        return self.folder / "peertape.cassette"

    def memory_peak(self) -> int:
        """The most octets of memory that the process ever held."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def _ended(self) -> int:
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"peertape did not end:\n{self.said}") from None
        self.hang_up()
        self._listener.join(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self._said.append(line)


def _start(
    folder: Path, arguments: list[str], environment: Mapping[str, str], prepare: Callable[[], None] | None
) -> Launched | subprocess.Popen[str]:
    own = clean_environment(folder) | dict(environment)
    if prepare is None:
        return _launcher().launch(arguments, folder, own)
    return subprocess.Popen(
        [PROGRAM, *arguments],
        cwd=folder,
        env=own,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=prepare,  # noqa: PLW1509
        text=True,
    )


@cache
def _launcher() -> Launcher:
    return Launcher()


def recorded(cassette: Path, target: str, count: int = 1, *, ended: bool = True) -> list[Exchange]:
    """The exchanges whose target is `target`, as soon as `count` of them are on the disk (and have ended)."""
    reader = Cassette(cassette)

    def found() -> list[Exchange] | None:
        numbers = [candidate.id for candidate in reader.candidates() if candidate.target == target]
        exchanges = [reader._load(number) for number in numbers]
        whole = [exchange for exchange in exchanges if not ended or exchange.state != "open"]
        return whole if len(whole) >= count else None

    try:
        return wait_for(found)
    finally:
        # The bodies are read by the caller, so the reader lives on with them.
        _READERS.append(reader)


def close_readers() -> None:
    while _READERS:
        _READERS.pop().close()


def wait_for[T](look: Callable[[], T | None]) -> T:
    """What `look` gives as soon as that is something. For what happens in another process, which tells nobody."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def clean_environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PEERTAPE_")}
    return kept | {"HOME": str(folder), "COLUMNS": "500", "PYTHONUNBUFFERED": "1"}


_READERS: list[Cassette] = []
