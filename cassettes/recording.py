"""Recording behind a queue: the proxy hands pieces over and goes on; one thread writes them, in group commits.

A kill -9 loses at most what came within the last `COMMIT_EVERY` seconds. If writing fails, the failure is told once,
and whatever else comes is dropped: the app is served on.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from peertape.cassettes.errors import CassetteError
from peertape.cassettes.exchangewriter import ExchangeWriter
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Closing, Message, RecordedRequest, RecordedResponse, State
from peertape.cassettes.origin import Origin
from peertape.cassettes.place import Place
from peertape.cassettes.redaction.recollection import Recollection
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter

COMMIT_EVERY = 0.2  # seconds
MOST_PENDING = 32 * 1024 * 1024  # octets of bodies that wait in memory; then the proxy waits for the disk

Job = Callable[[], None]


class Recording:
    """One cassette that is being recorded into. Opening it raises the errors of `peertape.cassettes.errors`."""

    def __init__(
        self,
        place: Path | Place,
        rules: RedactionRules,
        upstream: str | None,
        on_failure: Callable[[str], None],
        *,
        anew: bool = False,
        recollection: Recollection | None = None,
        largest_request: int | None = None,
    ) -> None:
        self.writer = CassetteWriter(
            place, rules, upstream=upstream, recollection=recollection, largest_request=largest_request
        )
        if anew:
            self.writer.forget_everything(upstream)
        self.failure: str | None = None
        self.stored = 0
        self._on_failure = on_failure
        self._jobs: queue.SimpleQueue[tuple[Job, int] | Future[None] | None] = queue.SimpleQueue()
        self._room = threading.Condition()
        self._pending = 0
        self._thread = threading.Thread(target=self._work, name="peertape-recording", daemon=True)
        self._thread.start()

    def begin(self, request: RecordedRequest, started: float, client_host: str | None = None) -> Entry:
        return Entry(self, request, started, client_host)

    def close(self) -> None:
        """Writes what is left, and leaves one file."""
        self._jobs.put(None)
        self._thread.join()
        if self.failure is not None:
            self.writer.give_up()
            return
        try:
            self.writer.close()
        except CassetteError as error:
            self._fail(str(error))

    @property
    def named_hosts(self) -> frozenset[str]:
        """The hosts where files of the instance lie, as far as they are learned by now; see `drained`."""
        return self.writer.named_hosts

    @property
    def named_origins(self) -> frozenset[Origin]:
        """The same with scheme and port."""
        return self.writer.named_origins

    def drained(self) -> Future[None]:
        """Done when all that was handed over until now has been looked at."""
        done: Future[None] = Future()
        self._jobs.put(done)
        return done

    def flush(self) -> None:
        """Waits until all that was handed over is on the disk."""
        self.put(self.writer.commit)
        self.drained().result()

    def put(self, job: Job, octets: int = 0) -> None:
        """Waits while too much is pending: a slow disk slows the transfer down instead of filling the memory."""
        if self.failure is not None:
            return
        with self._room:
            self._room.wait_for(lambda: self._pending < MOST_PENDING or self.failure is not None)
            self._pending += octets
        self._jobs.put((job, octets))

    def _work(self) -> None:
        uncommitted_since: float | None = None
        while True:
            try:
                item = self._next(uncommitted_since)
            except queue.Empty:
                self._guarded(self.writer.commit)
                uncommitted_since = None
                continue
            if item is None:
                self._guarded(self.writer.commit)
                return
            if isinstance(item, Future):
                item.set_result(None)
                continue
            job, octets = item
            self._guarded(job)
            with self._room:
                self._pending -= octets
                self._room.notify_all()
            uncommitted_since = uncommitted_since or time.monotonic()
            if time.monotonic() - uncommitted_since >= COMMIT_EVERY:
                self._guarded(self.writer.commit)
                uncommitted_since = None

    def _next(self, uncommitted_since: float | None) -> tuple[Job, int] | Future[None] | None:
        if uncommitted_since is None:
            return self._jobs.get()
        return self._jobs.get(timeout=max(0.0, uncommitted_since + COMMIT_EVERY - time.monotonic()))

    def _guarded(self, job: Job) -> None:
        if self.failure is not None:
            return
        try:
            job()
        except CassetteError as error:
            self._fail(str(error))
        except (DBAPIError, OSError) as error:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            self._fail(str(self.writer.place.sentence_for(cause)))
        except Exception as error:  # noqa: BLE001 (a defect in recording must not take the app's proxy down)
            self._fail(f"recording failed: {type(error).__name__}: {error}")

    def _fail(self, sentence: str) -> None:
        self.failure = sentence
        with self._room:
            self._room.notify_all()
        self._on_failure(sentence)


class Entry:
    """One exchange on its way into the recording. Every call returns at once."""

    def __init__(self, recording: Recording, request: RecordedRequest, started: float, client_host: str | None) -> None:
        self._recording = recording
        self._written: ExchangeWriter | None = None
        self._ended = False

        def begin() -> None:
            self._written = recording.writer.begin(request, started, client_host)

        recording.put(begin)

    def request_data(self, data: bytes) -> None:
        self._do(lambda entry: entry.request_data(data), len(data))

    def request_end(self, at: float | None, trailers: Headers) -> None:
        self._do(lambda entry: entry.request_end(at, trailers))

    def response_head(self, response: RecordedResponse, at: float | None, limit: int | None) -> None:
        self._do(lambda entry: entry.response_head(response, at, limit))

    def response_data(self, data: bytes) -> None:
        self._do(lambda entry: entry.response_data(data), len(data))

    def message(self, position: int, message: Message) -> None:
        self._do(lambda entry: entry.messages([message], position), len(message.content))

    def closing(self, closing: Closing) -> None:
        self._do(lambda entry: entry.closing(closing))

    def end(self, state: State, at: float | None, error: str | None = None, trailers: Headers = Headers()) -> None:
        """The first call counts: a flow may end more than once (an error after a whole response)."""
        if self._ended:
            return
        self._ended = True

        def end(entry: ExchangeWriter) -> None:
            entry.end(state, at, error, trailers)
            self._recording.stored += 1

        self._do(end)

    def _do(self, action: Callable[[ExchangeWriter], None], octets: int = 0) -> None:
        def job() -> None:
            if self._written is not None:
                action(self._written)

        self._recording.put(job, octets)
