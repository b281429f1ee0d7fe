"""Recording while an app is served: the proxy hands pieces over and goes on, and another thread or process writes.

If writing fails, the failure is told once, and whatever else comes is dropped: the app is served on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from peertape.cassettes.exchangewriter import ExchangeWriter
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Closing, Message, RecordedRequest, RecordedResponse, State
from peertape.cassettes.origin import Origin
from peertape.cassettes.place import Place
from peertape.cassettes.redaction.recollection import Recollection
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter
from peertape.cassettes.writing import (
    Begin,
    Commit,
    Continue,
    Desk,
    Drain,
    Drained,
    End,
    Failed,
    Job,
    Progress,
    Report,
    WriterThread,
    can_fork,
)


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
        apart: bool = False,
    ) -> None:
        """`apart`: another process writes, where that can be had. `recollection` is of this process, as its writer."""
        self.failure: str | None = None
        self.stored = 0
        # Where files of the instance lie, as far as that is learned by now; see `drained`.
        self.named_hosts: frozenset[str] = frozenset()
        self.named_origins: frozenset[Origin] = frozenset()
        self._on_failure = on_failure
        self._exchanges = itertools.count(1)
        self._draining: dict[int, Future[None]] = {}

        def open_writer() -> CassetteWriter:
            writer = CassetteWriter(
                place, rules, upstream=upstream, recollection=recollection, largest_request=largest_request
            )
            if anew:
                writer.forget_everything(upstream)
            return writer

        self.desk: Desk
        if apart and recollection is None and can_fork():
            from peertape.cassettes.writerprocess import WriterProcess

            self.desk = WriterProcess(open_writer, self._hear)
        else:
            self.desk = WriterThread(open_writer(), self._hear)

    def begin(self, request: RecordedRequest, started: float, client_host: str | None = None) -> Entry:
        return Entry(self, next(self._exchanges), request, started, client_host)

    def close(self) -> None:
        """Writes what is left, and leaves one file."""
        self.desk.close()

    def drained(self) -> Future[None]:
        """Done when all that was handed over until now has been looked at."""
        done: Future[None] = Future()
        number = next(self._exchanges)
        self._draining[number] = done
        self.desk.put(Drain(number))
        if self.failure is not None:
            self._drain_all()
        return done

    def flush(self) -> None:
        """Waits until all that was handed over is on the disk."""
        self.put(Commit())
        self.drained().result()

    def put(self, job: Job, octets: int = 0) -> None:
        """May wait, if more octets were handed over than may be pending."""
        if self.failure is None:
            self.desk.put(job, octets)

    def _hear(self, report: Report) -> None:
        match report:
            case Progress(stored, named_origins, named_hosts):
                self.stored, self.named_origins, self.named_hosts = stored, named_origins, named_hosts
            case Drained(number):
                if done := self._draining.pop(number, None):  # unless it failed meanwhile
                    done.set_result(None)
            case Failed(sentence):
                self.failure = sentence
                self._drain_all()
                self._on_failure(sentence)

    def _drain_all(self) -> None:
        """After a failure nothing more is looked at."""
        while self._draining:
            self._draining.popitem()[1].set_result(None)


class Entry:
    """One exchange on its way into the recording."""

    def __init__(
        self, recording: Recording, number: int, request: RecordedRequest, started: float, client_host: str | None
    ) -> None:
        self._recording = recording
        self._number = number
        self._ended = False
        recording.put(Begin(number, request, started, client_host))

    def request_data(self, data: bytes) -> None:
        self._go_on(partial(ExchangeWriter.request_data, data=data), len(data))

    def request_end(self, at: float | None, trailers: Headers) -> None:
        self._go_on(partial(ExchangeWriter.request_end, at=at, trailers=trailers))

    def response_head(self, response: RecordedResponse, at: float | None, limit: int | None) -> None:
        self._go_on(partial(ExchangeWriter.response_head, response=response, at=at, limit=limit))

    def response_data(self, data: bytes) -> None:
        self._go_on(partial(ExchangeWriter.response_data, data=data), len(data))

    def message(self, position: int, message: Message) -> None:
        self._go_on(partial(ExchangeWriter.messages, messages=[message], first=position), len(message.content))

    def closing(self, closing: Closing) -> None:
        self._go_on(partial(ExchangeWriter.closing, closing=closing))

    def end(self, state: State, at: float | None, error: str | None = None, trailers: Headers = Headers()) -> None:
        """The first call counts: a flow may end more than once (an error after a whole response)."""
        if not self._ended:
            self._ended = True
            end = partial(ExchangeWriter.end, state=state, at=at, error=error, trailers=trailers)
            self._recording.put(End(self._number, end))

    def _go_on(self, action: Callable[[ExchangeWriter], None], octets: int = 0) -> None:
        self._recording.put(Continue(self._number, action), octets)
