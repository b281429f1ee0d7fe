"""Importing: whole exchanges, many at once, into one cassette.

Where that can be had, this process reads and redacts while another one writes; else it does all. The result is the
same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, Self

from peertape.cassettes.errors import CassetteError
from peertape.cassettes.exchangewriter import ExchangeWriter
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Closing, Exchange, Message, NotKept, RecordedRequest, RecordedResponse, State
from peertape.cassettes.place import Place
from peertape.cassettes.redaction.pseudonyms import Pseudonyms
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.storage import Foundation, Part
from peertape.cassettes.storedexchange import Side
from peertape.cassettes.writer import CassetteWriter, feed
from peertape.cassettes.writing import Failed, Progress, Report, Writing, can_fork

COMMITTED = 1000  # exchanges per commit
AT_ONCE = 128 * 1024  # octets of exchanges that go to the other process together
HEAD = 1024  # octets of an exchange beside its bodies, about
MOST = 1024 * 1024  # octets that wait for the end of an exchange


class Import(Protocol):
    """`stored`: exchanges that are on the disk; all of them once it is closed, unless that fails."""

    stored: int

    def add(self, exchange: Exchange, limit: int | None) -> None:
        """`limit`: more octets of a response's body than this are not kept."""

    def close(self) -> None:
        """Writes what is left, and leaves one file. Once more does nothing."""


class WritingFailed(CassetteError):
    """The other process could not go on; its sentence tells why."""


def open_import(place: Place, rules: RedactionRules, largest_request: int | None) -> Import:
    """Raises the errors of `peertape.cassettes.errors`, as do `add` and `close`."""
    writer = partial(CassetteWriter, place, rules, largest_request=largest_request)
    return ImportApart(writer, rules) if can_fork() else ImportHere(writer())


class ImportHere:
    """In this process alone."""

    def __init__(self, writer: CassetteWriter) -> None:
        self.stored = 0
        self._writer = writer
        self._added = 0
        self._closed = False

    def add(self, exchange: Exchange, limit: int | None) -> None:
        self._writer.add(exchange, limit)
        self._added += 1
        if self._added % COMMITTED == 0:
            self._writer.commit()
            self.stored = self._added

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            if self._writer.close():
                self.stored = self._added


@dataclass(frozen=True, slots=True)
class Store:
    """For the process that writes: parts of exchanges, the last ones of which may go on, and how many end in them."""

    exchanges: Sequence[Sequence[Part]]
    ended: int

    def __call__(self, writing: Writing) -> None:
        for parts in self.exchanges:
            writing.writer.storage.take(parts)
        writing.ended += self.ended


class ImportApart:
    """This process redacts, another one writes."""

    def __init__(self, open_writer: Callable[[], CassetteWriter], rules: RedactionRules) -> None:
        from peertape.cassettes.writerprocess import WriterProcess

        self.stored = 0
        self._failure: str | None = None
        self._desk = WriterProcess(open_writer, self._hear, ask=lambda writer: writer.storage.foundation())
        foundation = self._desk.answer
        assert isinstance(foundation, Foundation)
        self._last = foundation.last
        self._redactor = Redactor(Pseudonyms(foundation.key, foundation.salt, foundation.issued, self._issue), rules)
        self._whole: list[list[Part]] = []  # exchanges that are not yet handed over
        self._octets = 0  # of them, and of the one under way
        self._entry: ExchangeWriter | None = None  # the one under way
        self._parts: list[Part] = []  # of it, that are not yet handed over
        self._is_begun = False  # some are
        self._torn = False  # Ctrl-C while handing over: what would come behind that is nobody's

    def add(self, exchange: Exchange, limit: int | None) -> None:
        self._last += 1
        told = ToldExchange(self._last, self._tell)
        self._entry = ExchangeWriter(
            lambda request: told.begun(request, exchange.timing.started, exchange.client_host),
            self._redactor,
            exchange.request,
        )
        feed(self._entry, exchange, limit)
        self._end_entry()
        self._octets += HEAD
        if self._octets >= AT_ONCE:
            self._hand_over()

    def close(self) -> None:
        """After Ctrl-C the exchange under way is left out; one that was too big to wait for its end is cut."""
        try:
            if self._entry is not None and self._is_begun and not self._torn:
                self._entry.abandon()
                self._end_entry()
            self._hand_over()
        finally:
            self._desk.close()
        self._demand_success()

    def _issue(self, pseudonym: str) -> None:
        self._tell("issue", pseudonym)

    def _tell(self, part: str, *values: object, octets: int = 0) -> None:
        self._parts.append((part, values))
        self._octets += octets
        if self._octets >= MOST:
            self._hand_over(under_way=True)

    def _end_entry(self) -> None:
        self._entry, self._is_begun = None, False
        parts, self._parts = self._parts, []
        self._whole.append(parts)

    def _hand_over(self, *, under_way: bool = False) -> None:
        """What is whole, and what there is of the exchange under way."""
        self._demand_success()
        if self._torn:
            return
        self._torn = True
        exchanges, ended, octets = self._whole, len(self._whole), self._octets
        self._whole, self._octets = [], 0
        if under_way:
            exchanges.append(self._parts)
            self._parts, self._is_begun = [], True
        if exchanges:
            self._desk.put(Store(exchanges, ended), octets)
        self._torn = False

    def _demand_success(self) -> None:
        if self._failure is not None:
            raise WritingFailed(self._failure)

    def _hear(self, report: Report) -> None:
        """In the thread that hears the other process."""
        match report:
            case Progress(stored=stored):
                self.stored = stored
            case Failed(sentence=sentence):
                self._failure = sentence


class ToldExchange:
    """The parts of an exchange for a `StoredExchange` in another process."""

    def __init__(self, number: int, tell: Callable[..., None]) -> None:
        self.id = number
        self._tell = tell

    def begun(self, request: RecordedRequest, started: float, client_host: str | None) -> Self:
        self._tell("begin", request, started, client_host, self.id)
        return self

    def data(self, side: Side, octets: bytes) -> None:
        for at in range(0, len(octets), MOST):
            piece = octets[at : at + MOST]
            self._tell("data", side, piece, octets=len(piece))

    def drop(self, side: Side) -> None:
        self._tell("drop", side)

    def request_cut(self) -> None:
        self._tell("request_cut")

    def request_end(
        self, at: float | None, digest: bytes, text: bytes | None, trailers: Headers, not_kept: NotKept | None
    ) -> None:
        self._tell("request_end", at, digest, text, trailers, not_kept)

    def response_head(self, response: RecordedResponse, at: float | None) -> None:
        self._tell("response_head", response, at)

    def messages(self, messages: Sequence[Message], first: int) -> None:
        self._tell("messages", messages, first, octets=sum(len(message.content) for message in messages))

    def closing(self, closing: Closing) -> None:
        self._tell("closing", closing)

    def response_end(
        self, state: State, at: float | None, headers: Headers, text: bytes | None, trailers: Headers
    ) -> None:
        self._tell("response_end", state, at, headers, text, trailers)

    def mark(self, state: State, error: str | None, answered: float | None = None) -> None:
        self._tell("mark", state, error, answered)
