"""Worker processes: how they begin, what they say, and that none outlives the process that started them.

They are forked, which costs neither time nor memory for what is imported already, before this process has opened
anything or started a thread.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection

from peertape.cassettes import exitcodes
from peertape.config.settings import MOST_WORKERS
from peertape.proxy.engine.tally import Tally
from peertape.proxy.lanes.lane import LaneError

GRACE = 10.0  # seconds that a worker has to end what it is doing
STOPPING = (signal.SIGINT, signal.SIGTERM)
OUT_OF_GRACE = 1  # exit code

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """A worker cannot serve; a sentence for the user tells why."""

    sentence: str


type Report = Failure | logging.LogRecord | Tally
Say = Callable[[Report], None]


class Lifeline:
    """A pipe that ends when the process that started the workers is killed; one that ends them says so before."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._grasped = True
        self.is_cut = False  # in a worker: nobody is there any more who would see to what is left

    def end_all(self) -> None:
        """Ends the workers."""
        if self._grasped:
            os.write(self._writer, bytes(MOST_WORKERS))  # each takes one
            self.let_go()

    def let_go(self) -> None:
        """Holds it no longer."""
        if self._grasped:
            self._grasped = False
            os.close(self._writer)

    @contextlib.contextmanager
    def held(self, stop: Callable[[], object]) -> Iterator[None]:
        """In a worker: `stop` is called from another thread when the lifeline ends; then it has `GRACE` seconds."""
        done = threading.Event()

        def watch() -> None:
            self.is_cut = not os.read(self._reader, 1)
            stop()
            if not done.wait(GRACE):
                os._exit(OUT_OF_GRACE)

        threading.Thread(target=watch, daemon=True).start()
        try:
            yield
        finally:
            done.set()


Work = Callable[[int, Say, Lifeline], None]  # what the worker of that number does


@dataclass(frozen=True, slots=True)
class Worker:
    """`reports` ends with the process."""

    number: int
    process: multiprocessing.process.BaseProcess
    reports: Connection[None, Report]

    @property
    def pid(self) -> int:
        return self.process.pid or 0

    @property
    def end(self) -> str:
        """How it ended, for a sentence."""
        return exitcodes.told(self.process.exitcode or 0)

    def end_within(self, grace: float) -> None:
        """Kills it if it does not end by itself in so many seconds."""
        self.process.join(grace)
        if self.process.exitcode is None:
            logger.warning("worker %d (process %d) did not end, and is killed", self.number, self.pid)
            self.process.kill()
            self.process.join()


@dataclass(frozen=True, slots=True)
class Crew:
    """The workers of a run."""

    workers: tuple[Worker, ...]
    lifeline: Lifeline


def demand_linux() -> None:
    """LaneError elsewhere."""
    if sys.platform != "linux":
        raise LaneError(
            "Several workers need Linux, which deals out the connections of one port; "
            "elsewhere start several `peertape serve` with --state."
        )


@contextlib.contextmanager
def crew(count: int, work: Work) -> Iterator[Crew]:
    """`count` processes that do `work`; in the end they are ended."""
    lifeline = Lifeline()
    workers: list[Worker] = []
    try:
        # What stops us must not reach a worker that does not know yet what to do with it.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            workers.extend(_started(number, work, lifeline) for number in range(1, count + 1))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        yield Crew(tuple(workers), lifeline)
    finally:
        lifeline.end_all()
        for worker in workers:
            worker.end_within(GRACE)
            worker.reports.close()


def _started(number: int, work: Work, lifeline: Lifeline) -> Worker:
    fork = multiprocessing.get_context("fork")
    reports, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=_begin, args=(partial(work, number), sender, lifeline), name=f"worker {number}")
    process.start()
    sender.close()
    return Worker(number, process, reports)


def _begin(work: Callable[[Say, Lifeline], None], sender: Connection[Report, None], lifeline: Lifeline) -> None:
    """Ctrl-C in a terminal, and systemd's end of a service, reach all processes; a worker ends with its lifeline."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    lifeline.let_go()

    speaking = threading.Lock()

    def say(report: Report) -> None:
        with speaking, contextlib.suppress(BrokenPipeError):  # the process that started us was killed
            sender.send(report)

    work(say, lifeline)
