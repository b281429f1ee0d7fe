"""The writing of a recording, in the order in which it was handed over, and in group commits.

A kill -9 loses at most what came within the last `COMMIT_EVERY` seconds. If writing fails, the failure is told once,
and whatever else comes is dropped.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.exc import DBAPIError

from peertape.cassettes.errors import CassetteError
from peertape.cassettes.exchangewriter import ExchangeWriter
from peertape.cassettes.model import RecordedRequest
from peertape.cassettes.origin import Origin
from peertape.cassettes.writer import CassetteWriter

COMMIT_EVERY = 0.2  # seconds
MOST_PENDING = 32 * 1024 * 1024  # octets of bodies that wait in memory; then the proxy waits for the disk


@dataclass(frozen=True, slots=True)
class Progress:
    """`stored`: exchanges whose ends are on the disk; the rest: where files of the instance lie, as learned so far."""

    stored: int
    named_origins: frozenset[Origin]
    named_hosts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Drained:
    """What was handed over before the `Drain` of that number has been looked at."""

    number: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing more is written; a sentence for the user tells why."""

    sentence: str


type Report = Progress | Drained | Failed
Tell = Callable[[Report], None]
Job = Callable[["Writing"], None]


@dataclass(frozen=True, slots=True)
class Begin:
    """A new exchange, which later jobs call by its number."""

    exchange: int
    request: RecordedRequest
    started: float
    client_host: str | None

    def __call__(self, writing: Writing) -> None:
        writing.open[self.exchange] = writing.writer.begin(self.request, self.started, self.client_host)


@dataclass(frozen=True, slots=True)
class Continue:
    """More of an exchange. What comes after its end is nobody's."""

    exchange: int
    action: Callable[[ExchangeWriter], None]

    def __call__(self, writing: Writing) -> None:
        exchange = writing.open.get(self.exchange)
        if exchange is not None:
            self.action(exchange)
            if not exchange.is_open:
                del writing.open[self.exchange]


@dataclass(frozen=True, slots=True)
class End:
    """The end of an exchange, which counts as stored with the next commit."""

    exchange: int
    action: Callable[[ExchangeWriter], None]

    def __call__(self, writing: Writing) -> None:
        Continue(self.exchange, self.action)(writing)
        writing.ended += 1


@dataclass(frozen=True, slots=True)
class Commit:
    """Brings what was handed over to the disk, before it is time for it."""

    def __call__(self, writing: Writing) -> None:
        writing.writer.commit()
        writing.stored = writing.ended


@dataclass(frozen=True, slots=True)
class Drain:
    """Asks for `Drained`, also of a writing that has failed."""

    number: int


def can_fork() -> bool:
    """A copy of a process with several threads has locks that nobody ever lets go."""
    return sys.platform == "linux" and threading.active_count() == 1


class Desk(Protocol):
    """Where a recording hands its jobs over: to a thread, or to another process."""

    def put(self, job: Job | Drain, octets: int = 0) -> None:
        """Waits while too much is pending: a slow disk slows the transfer down instead of filling the memory."""

    def close(self) -> None:
        """Writes what is left, and leaves one file."""


class Writing:
    """`run` works until `stop`; `put` is called by other threads."""

    def __init__(self, writer: CassetteWriter, tell: Tell) -> None:
        self.writer = writer
        self.open: dict[int, ExchangeWriter] = {}
        self.ended = 0  # exchanges
        self.stored = 0  # of them
        self.pending = 0  # octets
        self._tell = tell
        self._told = Progress(0, frozenset(), frozenset())
        self._failed = False
        self._jobs: queue.SimpleQueue[tuple[Job | Drain, int] | None] = queue.SimpleQueue()
        self._room = threading.Condition()

    def put(self, job: Job | Drain, octets: int = 0) -> None:
        """Waits for room; without octets it never does."""
        if octets:
            with self._room:
                self._room.wait_for(lambda: self.pending < MOST_PENDING or self._failed)
                self.pending += octets
        self._jobs.put((job, octets))

    def stop(self) -> None:
        self._jobs.put(None)

    def run(self) -> None:
        uncommitted_since: float | None = None
        while True:
            try:
                item = self._next(uncommitted_since)
            except queue.Empty:
                self._commit()
                uncommitted_since = None
                continue
            if item is None:
                break
            job, octets = item
            if isinstance(job, Drain):
                self.tell_progress()
                self._tell(Drained(job.number))
                continue
            self._guarded(job)
            if octets:
                with self._room:
                    self.pending -= octets
                    self._room.notify_all()
            uncommitted_since = uncommitted_since or time.monotonic()
            if time.monotonic() - uncommitted_since >= COMMIT_EVERY:
                self._commit()
                uncommitted_since = None
        self._end()

    def tell_progress(self) -> None:
        """If there is any since it was told last."""
        now = Progress(self.stored, self.writer.named_origins, self.writer.named_hosts)
        if now != self._told:
            self._told = now
            self._tell(now)

    def _next(self, uncommitted_since: float | None) -> tuple[Job | Drain, int] | None:
        if uncommitted_since is None:
            return self._jobs.get()
        return self._jobs.get(timeout=max(0.0, uncommitted_since + COMMIT_EVERY - time.monotonic()))

    def _commit(self) -> None:
        self._guarded(Commit())
        self.tell_progress()

    def _end(self) -> None:
        self._commit()
        if self._failed:
            self.writer.give_up()
            return
        try:
            self.writer.close()
        except CassetteError as error:
            self._fail(str(error))

    def _guarded(self, job: Job) -> None:
        if self._failed:
            return
        try:
            job(self)
        except CassetteError as error:
            self._fail(str(error))
        except (DBAPIError, OSError) as error:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            self._fail(str(self.writer.place.sentence_for(cause)))
        except Exception as error:  # noqa: BLE001 (a defect in recording must not take the app's proxy down)
            self._fail(f"writing failed: {type(error).__name__}: {error}")

    def _fail(self, sentence: str) -> None:
        with self._room:
            self._failed = True
            self._room.notify_all()
        self._tell(Failed(sentence))


class WriterThread:
    """A desk in this process."""

    def __init__(self, writer: CassetteWriter, tell: Tell) -> None:
        self.writing = Writing(writer, tell)
        self.writing.tell_progress()
        self.put = self.writing.put
        self._thread = threading.Thread(target=self.writing.run, name="peertape-recording", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.writing.stop()
        self._thread.join()
