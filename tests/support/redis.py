"""A real Redis, at a Unix socket in a temporary folder."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Self

from support.clients import program


class RedisServer:
    """Skips the test where there is none on this machine. Its log tells when it answers. `options`: more of them."""

    def __init__(self, *options: object) -> None:
        self._options = [str(option) for option in options]
        self._program = program("redis-server")
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")  # short: a socket's path has 107 octets
        self.socket = Path(self._folder.name) / "s"
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *(self._program, "--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", self._folder.name),
                *self._options,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "ready to accept connections" in line:
                return
        raise AssertionError("redis-server ended before it was ready")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None
