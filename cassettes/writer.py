"""Writing exchanges into a cassette: redacted on the way, and on the disk with the next commit.

`CassetteWriter` works in the thread that calls it; `recording.Recording` puts it behind a queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path

from peertape.cassettes.exchangewriter import ExchangeWriter
from peertape.cassettes.headers import NONE
from peertape.cassettes.model import Exchange, RecordedRequest, State
from peertape.cassettes.origin import Origin
from peertape.cassettes.place import Place
from peertape.cassettes.places import place_of
from peertape.cassettes.redaction.pseudonyms import Pseudonyms
from peertape.cassettes.redaction.recollection import Noting, Recollection
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.storage import Storage


class CassetteWriter:
    """The one writer of a cassette. Raises the errors of `peertape.cassettes.errors`."""

    def __init__(
        self,
        place: Path | Place,
        rules: RedactionRules,
        *,
        upstream: str | None = None,
        fixed: Mapping[str, str] | None = None,
        recollection: Recollection | None = None,
        largest_request: int | None = None,
    ) -> None:
        """`largest_request`: of request bodies with more octets only hash and size are kept.

        `fixed`: key, salt and created of a new cassette that always comes out the same; else they are fresh.

        `recollection` is told what the pseudonyms stand for: it is for the run alone, and never written.
        """
        self.place = place_of(place)
        self.storage = Storage(self.place, upstream, fixed or {}, largest_request)
        self._rules = rules
        self._recollection = recollection
        self._open: dict[int, ExchangeWriter] = {}

    @cached_property
    def redactor(self) -> Redactor:
        known = self.storage.foundation()
        pseudonyms = Pseudonyms(known.key, known.salt, known.issued, self.storage.issue)
        noting = pseudonyms if self._recollection is None else Noting(pseudonyms, self._recollection)
        return Redactor(noting, self._rules)

    def begin(
        self, request: RecordedRequest, started: float, client_host: str | None = None, number: int | None = None
    ) -> ExchangeWriter:
        """A new exchange, of which the head of the request is known; its body is fed to what this returns.

        `number` is its id, if that shall not be the next one.
        """
        parts = partial(self.storage.begin, started=started, client_host=client_host, number=number)
        entry = ExchangeWriter(parts, self.redactor, request)
        self._open[entry.id] = entry
        return entry

    def add(self, exchange: Exchange, limit: int | None = None, *, number: int | None = None) -> int:
        """Stores a whole exchange, for example an imported one; its new id, which is `number` if that is given."""
        with self.place.explained():
            entry = self.begin(exchange.request, exchange.timing.started, exchange.client_host, number)
            feed(entry, exchange, limit)
            del self._open[entry.id]
            self.storage.group()
            return entry.id

    def commit(self) -> None:
        self.storage.commit()
        self._open = {number: entry for number, entry in self._open.items() if entry.is_open}

    @property
    def named_hosts(self) -> frozenset[str]:
        """The hosts where files of the instance lie, as its answers said."""
        return self.storage.learned.named_hosts

    @property
    def named_origins(self) -> frozenset[Origin]:
        """The same with scheme and port."""
        return self.storage.learned.named_origins

    def forget_everything(self, upstream: str | None = None) -> None:
        """For the record mode `rewrite`: begins the cassette anew, keeping its key."""
        self.storage.forget_everything(upstream)

    def close(self) -> bool:
        """Leaves one file, without log; what is still under way is marked as cut.

        False: Ctrl-C while writing took what was not yet committed.
        """
        return self.storage.close(self._abandon)

    def give_up(self) -> None:
        """After a failure: what was committed stays, nothing else is written."""
        self.storage.give_up()

    def _abandon(self) -> None:
        for entry in self._open.values():
            if entry.is_open:
                entry.abandon()


def feed(entry: ExchangeWriter, exchange: Exchange, limit: int | None = None) -> None:
    """A whole exchange; `limit`: more octets of its response's body than this are not kept."""
    request, response = exchange.request, exchange.response
    for piece in request.body.pieces():
        entry.request_data(piece)
    entry.request_end(exchange.timing.sent, request.trailers, request.not_kept)
    if response is not None:
        entry.response_head(response, exchange.timing.answering, limit)
        if exchange.state is not State.UNSTORED:
            for piece in response.body.pieces():
                entry.response_data(piece)
    entry.messages(exchange.messages)
    if exchange.closing is not None:
        entry.closing(exchange.closing)
    trailers = NONE if response is None else response.trailers
    entry.end(exchange.state, exchange.timing.answered, exchange.error, trailers)
