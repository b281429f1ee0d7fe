"""Writing exchanges into a cassette: in groups, which are on the disk with the next commit.

`CassetteWriter` works in the thread that calls it; `recording.Recording` puts it behind a queue.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from sqlalchemy import delete, insert, select, union_all, update
from sqlalchemy.exc import DBAPIError

from peertape.cassettes import schema
from peertape.cassettes.exchangewriter import ExchangeWriter
from peertape.cassettes.headers import NONE, Headers
from peertape.cassettes.learnedwriter import LearnedWriter
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, State
from peertape.cassettes.origin import Origin
from peertape.cassettes.pending import Pending
from peertape.cassettes.place import Place
from peertape.cassettes.places import place_of
from peertape.cassettes.redaction.pseudonyms import Pseudonyms
from peertape.cassettes.redaction.recollection import Noting, Recollection
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.rules import RedactionRules

GROUP = 500  # exchanges that wait at most to be written together


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
        self.largest_request = largest_request
        self._open: dict[int, ExchangeWriter] = {}
        self._torn = False  # something came between the statements of a group
        self._engine = self.place.open_writer()
        try:
            with self.place.explained():
                self._connection = self._engine.connect()
                self._connection.begin()
                meta = self._prepare(upstream, fixed or {})
                self._connection.commit()  # a reader, or a kill, finds a cassette with its key
                self._connection.begin()
        except BaseException:
            self._engine.dispose()
            raise
        self._pending = Pending(self._connection)
        issued = self._connection.execute(select(schema.pseudonyms.c.text)).scalars()
        pseudonyms = Pseudonyms(bytes.fromhex(meta["key"]), bytes.fromhex(meta["salt"]), issued, self._issue)
        self.redactor = Redactor(Noting(pseudonyms, recollection) if recollection is not None else pseudonyms, rules)
        self._learned = LearnedWriter(self._connection)

    def begin(
        self, request: RecordedRequest, started: float, client_host: str | None = None, number: int | None = None
    ) -> ExchangeWriter:
        """A new exchange, of which the head of the request is known; its body is fed to what this returns.

        `number` is its id, if that shall not be the next one.
        """
        entry = ExchangeWriter(
            self._pending,
            self._learned,
            self.redactor,
            request,
            started,
            client_host,
            number=number,
            largest_request=self.largest_request,
        )
        self._open[entry.id] = entry
        return entry

    def add(self, exchange: Exchange, limit: int | None = None, *, number: int | None = None) -> int:
        """Stores a whole exchange, for example an imported one; its new id, which is `number` if that is given."""
        with self.place.explained():
            entry = self.begin(exchange.request, exchange.timing.started, exchange.client_host, number)
            for piece in exchange.request.body.pieces():
                entry.request_data(piece)
            entry.request_end(exchange.timing.sent, exchange.request.trailers, exchange.request.not_kept)
            if exchange.response is not None:
                entry.response_head(exchange.response, exchange.timing.answering, limit)
                if exchange.state is not State.UNSTORED:
                    for piece in exchange.response.body.pieces():
                        entry.response_data(piece)
            entry.messages(exchange.messages)
            if exchange.closing is not None:
                entry.closing(exchange.closing)
            entry.end(exchange.state, exchange.timing.answered, exchange.error, _trailers(exchange.response))
            del self._open[entry.id]
            if len(self._pending.exchanges) >= GROUP:
                self._flush()
            return entry.id

    def commit(self) -> None:
        with self.place.explained():
            self._flush()
            self._connection.commit()
            self._connection.begin()

    @property
    def named_hosts(self) -> frozenset[str]:
        """The hosts where files of the instance lie, as its answers said."""
        return self._learned.named_hosts

    @property
    def named_origins(self) -> frozenset[Origin]:
        """The same with scheme and port."""
        return self._learned.named_origins

    def forget_everything(self, upstream: str | None = None) -> None:
        """For the record mode `rewrite`: begins the cassette anew, keeping its key."""
        with self.place.explained():
            self._pending.forget()
            self._learned.forget(upstream)
        self.commit()

    def close(self) -> None:
        """Leaves one file, without log; what is still under way is marked as cut."""
        with self.place.explained(), ExitStack() as stack:
            stack.callback(self.place.close_writer, self._engine)
            stack.callback(self._connection.close)
            if self._connection.invalidated or self._torn:  # Ctrl-C while writing took what was not yet committed
                self._connection.rollback()
                return
            for entry in self._open.values():
                if entry.is_open:
                    entry.abandon()
            self._flush()
            self._connection.commit()

    def give_up(self) -> None:
        """After a failure: what was committed stays, nothing else is written."""
        with suppress(DBAPIError):
            self._connection.close()
        self._engine.dispose()

    def _flush(self) -> None:
        try:
            self._pending.flush()
            self._learned.flush()
        except BaseException:
            self._torn = True
            raise
        self._open = {number: entry for number, entry in self._open.items() if entry.is_open}

    def _issue(self, text: str) -> None:
        self._pending.pseudonyms.append({"text": schema.pseudonym_text(text)})

    def _prepare(self, upstream: str | None, fixed: Mapping[str, str]) -> dict[str, str]:
        """What a new cassette begins with; an exchange left open by a kill is marked as cut, its half body goes."""
        known = {row.name: row.value for row in self._connection.execute(select(schema.meta))}
        new = {"key": secrets.token_hex(32), "salt": secrets.token_hex(16), "created": f"{time.time():.3f}"}
        new |= fixed
        if upstream is not None:
            new["upstream"] = upstream
        missing = [{"name": name, "value": value} for name, value in new.items() if name not in known]
        if missing:
            self._connection.execute(insert(schema.meta), missing)
        interrupted = self._connection.execute(
            update(schema.exchanges)
            .where(schema.exchanges.c.state == State.OPEN)
            .values(state=State.CUT, error="the recording was interrupted")
        )
        if interrupted.rowcount:
            bodies, known_bodies = schema.bodies, schema.exchanges.c
            used = union_all(
                select(known_bodies.request_body).where(known_bodies.request_body.is_not(None)),
                select(known_bodies.response_body).where(known_bodies.response_body.is_not(None)),
            )
            self._connection.execute(delete(bodies).where(bodies.c.sha256.is_(None), bodies.c.id.not_in(used)))
        return new | known


def _trailers(response: RecordedResponse | None) -> Headers:
    return response.trailers if response is not None else NONE
