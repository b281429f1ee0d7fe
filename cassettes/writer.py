"""Writing exchanges into a cassette: redacted, with their keys, and with what they teach.

`CassetteWriter` works in the thread that calls it; `recording.Recording` puts it behind a queue.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, union_all, update

from peertape.cassettes import schema
from peertape.cassettes.chunks import BodyWriter
from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.inserting import insert_new
from peertape.cassettes.keys import keys_of
from peertape.cassettes.learning import learn
from peertape.cassettes.lore import Lore
from peertape.cassettes.model import Closing, Exchange, Message, NotKept, RecordedRequest, RecordedResponse, State
from peertape.cassettes.origin import Origin
from peertape.cassettes.places import Place, place_of
from peertape.cassettes.redaction.filters import BodyFilter, request_body_filter, response_body_filter
from peertape.cassettes.redaction.pseudonyms import Pseudonyms
from peertape.cassettes.redaction.recollection import Noting, Recollection
from peertape.cassettes.redaction.redactor import Redactor, etag_after
from peertape.cassettes.redaction.rules import RedactionRules

_ADD_EXCHANGE = insert(schema.exchanges)
_ADD_HEADERS = insert(schema.headers)
_ADD_MESSAGES = insert(schema.messages)
_ADD_CLOSING = insert(schema.closings)
_ADD_PSEUDONYM = insert_new(schema.pseudonyms)


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
        issued = self._connection.execute(select(schema.pseudonyms.c.text)).scalars()
        pseudonyms = Pseudonyms(bytes.fromhex(meta["key"]), bytes.fromhex(meta["salt"]), issued, self._issue)
        self.redactor = Redactor(Noting(pseudonyms, recollection) if recollection is not None else pseudonyms, rules)
        self._lore = Lore(self._connection)

    def begin(
        self, request: RecordedRequest, started: float, client_host: str | None = None, number: int | None = None
    ) -> ExchangeWriter:
        """A new exchange, of which the head of the request is known; its body is fed to what this returns.

        `number` is its id, if that shall not be the next one.
        """
        return ExchangeWriter(self, self._connection, request, started, client_host, number)

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
            return entry.id

    def commit(self) -> None:
        with self.place.explained():
            self._lore.flush()
            self._connection.commit()
            self._connection.begin()

    @property
    def named_hosts(self) -> frozenset[str]:
        """The hosts where files of the instance lie, as its answers said."""
        return self._lore.named_hosts

    @property
    def named_origins(self) -> frozenset[Origin]:
        """The same with scheme and port."""
        return self._lore.named_origins

    def forget_everything(self, upstream: str | None = None) -> None:
        """For the record mode `rewrite`: begins the cassette anew, keeping its key."""
        with self.place.explained():
            for table in (
                schema.headers,
                schema.messages,
                schema.closings,
                schema.exchanges,
                schema.chunks,
                schema.bodies,
            ):
                self._connection.execute(table.delete())
            self._lore.forget()
            if upstream is not None:
                self._connection.execute(schema.meta.delete().where(schema.meta.c.name == "upstream"))
                self._connection.execute(insert(schema.meta), {"name": "upstream", "value": upstream})
        self.commit()

    def close(self) -> None:
        """Leaves one file, without log; what is still under way is marked as cut."""
        with self.place.explained(), ExitStack() as stack:
            stack.callback(self.place.close_writer, self._engine)
            stack.callback(self._connection.close)
            if self._connection.invalidated:  # Ctrl-C within a statement took what was not yet committed
                self._connection.rollback()
                return
            for entry in list(self._open.values()):
                entry.abandon()
            self._lore.flush()
            self._connection.commit()

    def opened(self, entry: ExchangeWriter) -> None:
        self._open[entry.id] = entry

    def ended(self, entry: ExchangeWriter) -> None:
        self._open.pop(entry.id, None)

    def learn(
        self, request: RecordedRequest, body: bytes | None, response: RecordedResponse, text: bytes | None
    ) -> None:
        """From a complete exchange: `body` and `text` are those of request and response, decoded and redacted."""
        kind = media_type(response.headers)
        for fact in learn(request.method, request.target, request.headers, body, response.status, text, kind):
            with suppress(UnicodeEncodeError, OverflowError):  # names and numbers that no PeerTube gives
                self._lore.keep(fact)
        self._lore.name_places(request, response, text)

    def name_redirect(self, request: RecordedRequest, response: RecordedResponse) -> None:
        """A client may follow it before its body has ended."""
        self._lore.name_places(request, response, None)

    def _issue(self, text: str) -> None:
        self._connection.execute(_ADD_PSEUDONYM, {"text": schema.pseudonym_text(text)})

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
        self._connection.execute(
            update(schema.exchanges)
            .where(schema.exchanges.c.state == State.OPEN)
            .values(state=State.CUT, error="the recording was interrupted")
        )
        bodies, known_bodies = schema.bodies, schema.exchanges.c
        used = union_all(
            select(known_bodies.request_body).where(known_bodies.request_body.is_not(None)),
            select(known_bodies.response_body).where(known_bodies.response_body.is_not(None)),
        )
        self._connection.execute(delete(bodies).where(bodies.c.sha256.is_(None), bodies.c.id.not_in(used)))
        return new | known


class ExchangeWriter:
    """One exchange on its way into the cassette."""

    def __init__(
        self,
        writer: CassetteWriter,
        connection: Connection,
        request: RecordedRequest,
        started: float,
        client_host: str | None,
        number: int | None = None,
    ) -> None:
        self._writer = writer
        self._connection = connection
        redactor = writer.redactor
        self.request = RecordedRequest(
            request.method,
            redactor.target(request.target),
            request.scheme,
            request.authority,
            request.http_version,
            redactor.headers(request.headers, response=False),
        )
        filtered = request_body_filter(request.headers, redactor)
        self._request_body = _FilteredBody(connection, filtered, largest=writer.largest_request)
        self._response: RecordedResponse | None = None
        self._response_body: _FilteredBody | None = None
        self._request_text: bytes | None = None
        self._request_ended = False
        self._answered_early = False
        self.id = self._insert(started, client_host, number)
        writer.opened(self)

    def request_data(self, data: bytes) -> None:
        self._request_body.feed(data)

    def request_end(self, at: float | None, trailers: Headers = Headers(), not_kept: NotKept | None = None) -> None:
        """The request is whole: its keys are known. `not_kept` stands for a body that is not there."""
        self._request_ended = True
        body = self._request_body.finish()
        self._request_text = self._request_body.filter.text
        digest = self._request_body.filter.digest
        if not_kept is not None:
            body, digest = BodyWriter(self._connection).keep_nothing(not_kept.size, not_kept.sha256), not_kept.digest
        request = self.request
        keys = keys_of(request.method, request.target, request.headers, digest)
        self._set(
            request_body=body,
            sent_at=at,
            credential=keys.credential,
            exact_key=keys.exact,
            telling_key=keys.telling,
            folded_path=keys.folded_path,
            body_digest=digest,
        )
        self._add_headers("request trailer", self._writer.redactor.headers(trailers, response=False))
        if self._answered_early:
            self._set(state=State.COMPLETE, error=None)
            self._writer.ended(self)

    def response_head(self, response: RecordedResponse, at: float | None, limit: int | None = None) -> None:
        """`limit`: more octets of body than this are not kept."""
        redactor = self._writer.redactor
        self._response = response
        self._response_body = _FilteredBody(self._connection, response_body_filter(response.headers, redactor), limit)
        self._set(
            status=response.status,
            reason=response.reason,
            response_http_version=response.http_version,
            answering_at=at,
        )
        self._add_headers("response", redactor.headers(response.headers, response=True))
        self._writer.name_redirect(self.request, response)

    def response_data(self, data: bytes) -> None:
        if self._response_body is not None:
            self._response_body.feed(data)

    def messages(self, messages: Iterable[Message], first: int = 0) -> None:
        rows = [
            {
                "exchange_id": self.id,
                "position": position,
                "at": message.at,
                "from_client": int(message.from_client),
                "is_text": int(message.is_text),
                "content": self._writer.redactor.message(message.content, is_text=message.is_text),
            }
            for position, message in enumerate(messages, first)
        ]
        if rows:
            self._connection.execute(_ADD_MESSAGES, rows)

    def closing(self, closing: Closing) -> None:
        row = {
            "exchange_id": self.id,
            "at": closing.at,
            "from_client": int(closing.from_client),
            "code": closing.code,
            "reason": self._writer.redactor.text(closing.reason),
        }
        self._connection.execute(_ADD_CLOSING, row)

    def end(self, state: State, at: float | None, error: str | None = None, trailers: Headers = Headers()) -> None:
        body: int | None = None
        if self._response_body is not None and self._response is not None:
            body = self._response_body.cut() if state is State.CUT else self._response_body.finish()
            if state is State.COMPLETE and self._response_body.dropped:
                state, error = State.UNSTORED, "the body is over the size limit"
            self._etag_of_changed_body(self._response_body.filter)
            if state is State.COMPLETE:
                self._writer.learn(self.request, self._request_text, self._response, self._response_body.filter.text)
        if not self._request_ended:
            self._answered_early = state is State.COMPLETE
            if self._answered_early:
                state, error = State.CUT, "it was answered before the request had ended"
            else:
                self._set(request_body=self._request_body.cut())
        self._set(state=state, error=error, answered_at=at, response_body=body)
        self._add_headers("response trailer", self._writer.redactor.headers(trailers, response=True))
        if not self._answered_early:
            self._writer.ended(self)

    def abandon(self) -> None:
        """Ends it as the recording ends."""
        if self._answered_early:
            self._set(request_body=self._request_body.cut())
        else:
            self.end(State.CUT, time.time(), "the recording was ended")

    def _etag_of_changed_body(self, filtered: BodyFilter) -> None:
        if not filtered.changed or filtered.original is None or filtered.stored is None or self._response is None:
            return
        redacted = self._writer.redactor.headers(self._response.headers, response=True)
        changed = etag_after(redacted, filtered.original, filtered.stored)
        if filtered.plain is not None and filtered.text is not None:  # the ETag may be older than the compression
            changed = etag_after(changed, filtered.plain, filtered.text)
        if redacted.get("content-length") == str(len(filtered.original)):
            changed = changed.replaced("Content-Length", str(len(filtered.stored)))
        if changed != redacted:
            table = schema.headers
            self._connection.execute(table.delete().where(table.c.exchange_id == self.id, table.c.part == "response"))
            self._add_headers("response", changed)

    def _insert(self, started: float, client_host: str | None, number: int | None) -> int:
        request = self.request
        row = {
            **({} if number is None else {"id": number}),
            "state": State.OPEN,
            "method": request.method,
            "scheme": request.scheme,
            "authority": request.authority,
            "target": request.target,
            "http_version": request.http_version,
            "client_host": client_host,
            "started_at": started,
        }
        (new,) = self._connection.execute(_ADD_EXCHANGE, row).inserted_primary_key or (0,)
        self.id = int(new)
        self._add_headers("request", request.headers)
        return self.id

    def _set(self, **values: Any) -> None:
        self._connection.execute(update(schema.exchanges).where(schema.exchanges.c.id == self.id).values(**values))

    def _add_headers(self, part: str, headers: Headers) -> None:
        rows = [
            {"exchange_id": self.id, "part": part, "position": position, "name": name, "value": value}
            for position, (name, value) in enumerate(headers)
        ]
        if rows:
            self._connection.execute(_ADD_HEADERS, rows)


class _FilteredBody:
    """A body on its way through redaction into the database, with optional limits to its size.

    Over `limit` it is dropped; of one over `largest` it is kept what it was.
    """

    def __init__(
        self, connection: Connection, filtered: BodyFilter, limit: int | None = None, largest: int | None = None
    ) -> None:
        self.filter = filtered
        self._body = BodyWriter(connection, largest)
        self._limit = limit
        self._octets = 0
        self._over = False

    @property
    def dropped(self) -> bool:
        return self._over or self.filter.oversize

    def feed(self, data: bytes) -> None:
        self._octets += len(data)
        if self._limit is not None and self._octets > self._limit and not self._over:
            self._over = True
            self._body.discard()
        if not self._over and (ready := self.filter.feed(data)):
            self._body.write(ready)

    def finish(self) -> int | None:
        """The body's id; None if there are no octets, or they were dropped."""
        return self._body.finish() if self._has_octets() else None

    def cut(self) -> int | None:
        """The same of a body that did not end."""
        return self._body.cut() if self._has_octets() and self._body.is_kept else None

    def _has_octets(self) -> bool:
        rest = self.filter.finish()
        if self.dropped:
            self._body.discard()
            return False
        if rest:
            self._body.write(rest)
        return self._body.size > 0


def _trailers(response: RecordedResponse | None) -> Headers:
    return response.trailers if response is not None else Headers()
