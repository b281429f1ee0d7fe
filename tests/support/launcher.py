"""Starts `peertape` in a second less: a process that has imported it already is forked for each start.

Each start as its users have it imports mitmproxy anew, which was a third of what the whole suite cost. What is forked
is a process like any other: its own memory, directory, environment and signals. The commands of the README, the
benchmark of start-up and all that does not go through `support.process.Peertape` run the program itself.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO

IMPORTED = ("peertape.proxy.cli.record", "peertape.proxy.cli.replay", "peertape.proxy.cli.proxylane")
_CODE = struct.Struct("i")


class Launched:
    """A process that was forked, as far as `subprocess.Popen` is like it."""

    def __init__(self, pid: int, stdout: IO[str], stderr: IO[str], ended: socket.socket) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        self._ended = ended
        self._code: int | None = None

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, negative for a signal; raises `subprocess.TimeoutExpired`."""
        if self._code is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._ended, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired("peertape", timeout or 0)
            (self._code,) = _CODE.unpack(self._ended.recv(_CODE.size))
            self._ended.close()
        return self._code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and we are not told yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Launcher:
    """The process that is forked; it ends with the process that started it."""

    def __init__(self) -> None:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(its.fileno())],  # -P: our neighbour redis.py is not the library
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
        self._socket = ours
        self._lock = threading.Lock()
        atexit.register(self._end)

    def launch(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Launched:
        out, its_out = os.pipe()
        err, its_err = os.pipe()
        ended, its_ended = socket.socketpair()
        task = json.dumps([list(arguments), str(folder), dict(environment)]).encode()
        with self._lock:
            socket.send_fds(self._socket, [task], [its_out, its_err, its_ended.detach()])
            (pid,) = _CODE.unpack(self._socket.recv(_CODE.size))
        os.close(its_out)
        os.close(its_err)
        return Launched(pid, os.fdopen(out), os.fdopen(err), ended)

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()


def _serve(asks: socket.socket) -> None:
    """Forks whenever it is asked to, and tells how each has ended, until nobody can ask any more."""
    for module in IMPORTED:
        import_module(module)
    gc.freeze()
    running: dict[int, int] = {}  # where to tell how it ended, by process
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake.fileno())
    with selectors.DefaultSelector() as selector:
        selector.register(asks, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _events in selector.select():
                if key.fileobj is woken:
                    woken.recv(4096)
                    _tell(running)
                    continue
                task, descriptors, _flags, _address = socket.recv_fds(asks, 1 << 20, 3)
                if not task:
                    return
                out, err, ended = descriptors
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for open_here in (selector, asks, woken, wake):
                        open_here.close()
                    os.dup2(out, 1)
                    os.dup2(err, 2)
                    for descriptor in (*descriptors, *running.values()):
                        os.close(descriptor)
                    _run(*json.loads(task))
                os.close(out)
                os.close(err)
                running[pid] = ended
                asks.send(_CODE.pack(pid))


def _tell(running: dict[int, int]) -> None:
    for pid, ended in list(running.items()):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
                os.write(ended, _CODE.pack(os.waitstatus_to_exitcode(status)))
            os.close(running.pop(pid))


def _run(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    tempfile.tempdir = None
    sys.argv = [str(Path(sys.executable).with_name("peertape")), *arguments]
    from peertape.proxy.cli import main

    main()


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as asks:
        _serve(asks)
