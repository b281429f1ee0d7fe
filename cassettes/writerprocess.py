"""The writing of a cassette in a process of its own, so that a proxy or an import need not share its interpreter.

For Linux. It is forked: that costs no time for what is imported already. Jobs and reports are pickled into two pipes.
"""

from __future__ import annotations

import asyncio
import copyreg
import fcntl
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import IO, Any, NoReturn

from peertape.cassettes import exitcodes
from peertape.cassettes.errors import CassetteError
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import RecordedRequest, RecordedResponse
from peertape.cassettes.writer import CassetteWriter
from peertape.cassettes.writing import Begin, Continue, Drain, End, Failed, Job, Tell, Writing

type OpenWriter = Callable[[], CassetteWriter]
type Ask = Callable[[CassetteWriter], object]

PIPE_SIZE = 1 << 20  # octets: the most that Linux gives to everyone
AT_ONCE = 1 << 16  # octets: so many are not held until the end of a turn
# They are for the process that records; this one ends when that one has, and loses nothing of what it handed over.
NOT_OURS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class _Opened:
    """The cassette is there, unless there is an error; what is known of it by then was told before."""

    answer: object = None  # to what was asked of it
    error: CassetteError | None = None


@dataclass(frozen=True, slots=True)
class _Ended:
    """The last report: all is written, or a failure was told."""


class WriterEndedError(CassetteError):
    """The process that writes ended before its time."""


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _by_fields(kind: type[Any]) -> Callable[[Any], tuple[type[Any], tuple[object, ...]]]:
    first, second, *more = [field.name for field in fields(kind) if field.init]
    values = attrgetter(first, second, *more)
    return lambda one: (kind, values(one))


class _Pickler(pickle.Pickler):
    """Takes half the time for dataclasses of which there are several in each exchange: it makes them anew."""

    dispatch_table = copyreg.dispatch_table | {
        kind: _by_fields(kind) for kind in (Begin, Continue, End, RecordedRequest, RecordedResponse)
    }
    dispatch_table[Headers] = lambda headers: (Headers, (headers.pairs,))


class WriterProcess:
    """A desk in another process. Its reports come in a thread of this one."""

    def __init__(self, open_writer: OpenWriter, tell: Tell, ask: Ask | None = None) -> None:
        """`answer` is what is asked of the cassette that was opened."""
        self._tell = tell
        self._lock = threading.Lock()
        self._batch: list[tuple[Job | Drain, int]] = []
        self._octets = 0  # of the batch
        self._torn = False  # Ctrl-C while a batch was sent: what came behind half of it could not be read
        self._sending_loop: asyncio.AbstractEventLoop | None = None  # which sends the batch at the end of its turn
        their_jobs, our_jobs = os.pipe()
        our_reports, their_reports = os.pipe()
        with suppress(OSError):  # a user may have used up what pipes may take
            fcntl.fcntl(our_jobs, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self._process = os.fork()
        if self._process == 0:
            os.close(our_jobs)
            os.close(our_reports)
            _run(open_writer, ask, os.fdopen(their_jobs, "rb"), os.fdopen(their_reports, "wb"))
        os.close(their_jobs)
        os.close(their_reports)
        self._jobs = os.fdopen(our_jobs, "wb")
        self._reports = os.fdopen(our_reports, "rb")
        self.answer = self._expect_opened()
        self._listener = threading.Thread(target=self._listen, name="peertape-recording", daemon=True)
        self._listener.start()

    def put(self, job: Job | Drain, octets: int = 0) -> None:
        """From within an event loop jobs go together, at the end of its turn: each time to write costs 20 µs."""
        with self._lock:
            self._batch.append((job, octets))
            self._octets += octets
            loop = None if isinstance(job, Drain) or self._octets > AT_ONCE else _running_loop()
            if loop is None:
                self._send()
            elif loop is not self._sending_loop:
                self._sending_loop = loop
                loop.call_soon(self._send_soon)

    def close(self) -> None:
        with self._lock, suppress(BrokenPipeError):
            self._send()
            self._jobs.close()
        self._listener.join()

    def _send_soon(self) -> None:
        with self._lock:
            self._send()

    def _send(self) -> None:
        whole, self._torn = not self._torn, True  # until it is sent
        batch, self._batch, self._octets, self._sending_loop = self._batch, [], 0, None
        if whole and batch and not self._jobs.closed:
            with suppress(BrokenPipeError):  # that it has ended is told where its reports end
                _Pickler(self._jobs, pickle.HIGHEST_PROTOCOL).dump(batch)
                self._jobs.flush()
        self._torn = not whole

    def _expect_opened(self) -> object:
        try:
            while not isinstance(report := pickle.load(self._reports), _Opened):
                self._tell(report)
        except EOFError:
            raise WriterEndedError(self._end()) from None
        if report.error is not None:
            self._end()
            raise report.error
        return report.answer

    def _listen(self) -> None:
        with self._reports:
            while True:
                try:
                    report = pickle.load(self._reports)
                except (EOFError, pickle.UnpicklingError):
                    self._tell(Failed(self._end()))
                    return
                if isinstance(report, _Ended):
                    self._end()
                    return
                self._tell(report)

    def _end(self) -> str:
        """Waits for the end of the process; a sentence that tells how it ended."""
        code = os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])
        return f"The process that writes the cassette {exitcodes.told(code)}."


def _run(open_writer: OpenWriter, ask: Ask | None, jobs: IO[bytes], reports: IO[bytes]) -> NoReturn:
    code = 1
    try:
        for number in NOT_OURS:
            signal.signal(number, signal.SIG_IGN)
        _work(open_writer, ask, jobs, reports)
        code = 0
    except BaseException:  # noqa: BLE001 (nothing of the process that was copied may go on in here)
        traceback.print_exc()
    finally:
        os._exit(code)


def _work(open_writer: OpenWriter, ask: Ask | None, jobs: IO[bytes], reports: IO[bytes]) -> None:
    def tell(report: object) -> None:
        with suppress(BrokenPipeError):  # nobody is there any more who would hear it
            pickle.dump(report, reports, pickle.HIGHEST_PROTOCOL)
            reports.flush()

    try:
        writing = Writing(open_writer(), tell)
        answer = None if ask is None else ask(writing.writer)
    except CassetteError as error:
        tell(_Opened(error=error))
        return
    writing.tell_progress()
    tell(_Opened(answer))

    def read() -> None:
        try:
            with suppress(EOFError, pickle.UnpicklingError):  # it closed the pipe, or was killed in the middle
                while True:
                    for job, octets in pickle.load(jobs):
                        writing.put(job, octets)
        finally:
            writing.stop()

    threading.Thread(target=read, name="peertape-reading", daemon=True).start()
    writing.run()
    tell(_Ended())
