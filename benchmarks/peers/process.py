"""A peer as a process: started, timed until its first right answer, looked at, and stopped."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import processes
from benchmarks.peers.peer import Answer, Launch, Peer
from benchmarks.workload import Ask, Workload
from peertape.proxy.lanes.lane import free_port

HOST = "127.0.0.1"
RETRY = 0.005  # seconds between two looks whether it answers
ENDING = 20.0  # seconds that it has to end
SETTLING = 20.0  # seconds that it has to answer and to write what it still holds
SAMPLE = 50  # answers that are looked at, before and after


class PeerFailed(Exception):
    """A peer that did not start, or answers wrongly; its text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Running:
    """`asks`: what it is asked; `started`: seconds from its start to the first answer.

    `stored`: octets of the exchanges in its own format.
    """

    peer: Peer
    workload: Workload
    asks: Sequence[Ask]
    port: int
    started: float
    process: subprocess.Popen[bytes]
    folder: Path
    stored: int

    @property
    def authority(self) -> str:
        return f"{HOST}:{self.port}"

    def check(self) -> None:
        """Asks a sample that is spread over everything; PeerFailed if an answer is wrong."""
        for ask in self.asks[:: max(1, len(self.asks) // SAMPLE)]:
            answer = asked(self.port, ask)
            if wrong := self.peer.wrong(ask, answer, self.workload, f"http://{self.authority}"):
                raise PeerFailed(f"{self.peer.title} answers GET {ask.target} with {wrong}.")

    def memory(self) -> int:
        """Octets that it holds, its children included; what processes share is counted once."""
        return processes.memory(self.process.pid)

    def settled(self) -> float:
        """Waits until it has done what it was told; the seconds that this took."""
        return processes.settled(self.process.pid, SETTLING)

    def end(self, answered: int) -> None:
        """Ends it. PeerFailed if what it leaves behind is not what `answered` requests leave."""
        _end(self.process)
        if wrong := self.peer.left_wrong(self.folder, answered):
            raise PeerFailed(f"{self.peer.title} {wrong}.")


@contextmanager
def running(peer: Peer, workload: Workload, patience: float) -> Iterator[Running]:
    """The peer, which has answered rightly. PeerFailed if it does not within `patience` seconds."""
    with tempfile.TemporaryDirectory(prefix="peertape-benchmark-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        port = free_port(0)
        launch = peer.launch(workload, folder, port)
        asks, stored = peer.asked(workload), peer.stored(workload, folder)
        with (folder / "output.txt").open("wb") as output:
            begin = time.perf_counter()
            process = _started(launch, folder, output.fileno())
            try:
                _await_answer(peer, process, port, asks[0], begin + patience, folder / "output.txt")
                yield Running(peer, workload, asks, port, time.perf_counter() - begin, process, folder, stored)
            finally:
                _end(process)


def asked(port: int, ask: Ask) -> Answer:
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        connection.putrequest("GET", ask.target, skip_accept_encoding=True)
        for field, value in ask.headers:
            connection.putheader(field, value)
        connection.endheaders()
        response = connection.getresponse()
        headers = {field.lower(): value for field, value in response.getheaders()}
        return Answer(response.status, headers, response.read())
    finally:
        connection.close()


def _started(launch: Launch, folder: Path, output: int) -> subprocess.Popen[bytes]:
    environment = {n: v for n, v in os.environ.items() if not n.startswith("PEERTAPE_")} | dict(launch.environment)
    return subprocess.Popen(
        list(map(str, launch.command)),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def _await_answer(
    peer: Peer, process: subprocess.Popen[bytes], port: int, ask: Ask, until: float, output: Path
) -> None:
    last = "nothing"
    while time.perf_counter() < until:
        if process.poll() is not None:
            raise PeerFailed(f"{peer.title} ended:\n{_end_of(output)}")
        try:
            status = asked(port, ask).status
            if status == 200:
                return
            last = f"status {status}"
        except (OSError, http.client.HTTPException) as error:
            last = str(error)
        time.sleep(RETRY)
    raise PeerFailed(f"{peer.title} did not answer in time, but with: {last}.\n{_end_of(output)}")


def _end_of(output: Path) -> str:
    return output.read_text("utf-8", "replace")[-2000:]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
