"""The tables of a cassette that is written: in groups, which are on the disk with the next commit."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, union_all, update
from sqlalchemy.exc import DBAPIError

from peertape.cassettes import schema
from peertape.cassettes.learnedwriter import LearnedWriter
from peertape.cassettes.model import RecordedRequest, State
from peertape.cassettes.pending import Pending
from peertape.cassettes.place import Place
from peertape.cassettes.storedexchange import StoredExchange

GROUP = 500  # exchanges that wait at most to be written together


type Part = tuple[str, tuple[Any, ...]]  # a method of `StoredExchange` or `Storage` that takes one, with what it takes


@dataclass(frozen=True, slots=True)
class Foundation:
    """What a cassette holds that its redaction needs to go on: what pseudonyms are made with, and were issued."""

    key: bytes
    salt: bytes
    issued: Sequence[str]
    last: int  # number of an exchange


class Storage:
    """The tables of one cassette, for its one writer. What comes here is redacted."""

    def __init__(
        self, place: Place, upstream: str | None, fixed: Mapping[str, str], largest_request: int | None
    ) -> None:
        self.place = place
        self._largest_request = largest_request
        self._torn = False  # something came between the statements of a group
        self._engine = place.open_writer()
        try:
            with place.explained(), ExitStack() as opened:
                self.connection = opened.enter_context(self._engine.connect())
                self.connection.begin()
                self._meta = self._prepare(upstream, fixed)
                self.connection.commit()  # a reader, or a kill, finds a cassette with its key
                self.connection.begin()
                opened.pop_all()
        except BaseException:
            self._engine.dispose()
            raise
        self._pending = Pending(self.connection)
        self.learned = LearnedWriter(self.connection)
        self._taken: StoredExchange | None = None

    def foundation(self) -> Foundation:
        issued = self.connection.execute(select(schema.pseudonyms.c.text)).scalars().all()
        key, salt = (bytes.fromhex(self._meta[name]) for name in ("key", "salt"))
        return Foundation(key, salt, issued, self._pending.exchanges.last)

    def begin(
        self, request: RecordedRequest, started: float, client_host: str | None, number: int | None
    ) -> StoredExchange:
        """A new exchange, of which the head of the request is known."""
        return StoredExchange(self._pending, self.learned, request, started, client_host, number, self._largest_request)

    def issue(self, pseudonym: str) -> None:
        self._pending.pseudonyms.append({"text": schema.pseudonym_text(pseudonym)})

    def take(self, parts: Iterable[Part]) -> None:
        """Parts of exchanges that come one after the other, from where they are redacted."""
        for name, values in parts:
            match name:
                case "begin":
                    self._taken = self.begin(*values)
                case "issue":
                    self.issue(*values)
                case _:
                    getattr(self._taken, name)(*values)
        self.group()

    def group(self) -> None:
        """Writes what waits, if that is a group."""
        if len(self._pending.exchanges) >= GROUP:
            self._flush()

    def commit(self) -> None:
        with self.place.explained():
            self._flush()
            self.connection.commit()
            self.connection.begin()

    def forget_everything(self, upstream: str | None) -> None:
        """Begins the cassette anew, keeping its key."""
        with self.place.explained():
            self._pending.forget()
            self.learned.forget(upstream)
        self.commit()

    def close(self, before: Callable[[], None]) -> bool:
        """Leaves one file, without log; whether what was not committed is now.

        `before` is called first, where what it adds will be written.
        """
        with self.place.explained(), ExitStack() as stack:
            stack.callback(self.place.close_writer, self._engine)
            stack.callback(self.connection.close)
            if self.connection.invalidated or self._torn:  # Ctrl-C while writing took what was not yet committed
                self.connection.rollback()
                return False
            before()
            self._flush()
            self.connection.commit()
            return True

    def give_up(self) -> None:
        """After a failure: what was committed stays, nothing else is written."""
        with suppress(DBAPIError):
            self.connection.close()
        self._engine.dispose()

    def _flush(self) -> None:
        try:
            self._pending.flush()
            self.learned.flush()
        except BaseException:
            self._torn = True
            raise

    def _prepare(self, upstream: str | None, fixed: Mapping[str, str]) -> dict[str, str]:
        """What a new cassette begins with; an exchange left open by a kill is marked as cut, its half body goes."""
        known = {row.name: row.value for row in self.connection.execute(select(schema.meta))}
        new = {"key": secrets.token_hex(32), "salt": secrets.token_hex(16), "created": f"{time.time():.3f}"}
        new |= fixed
        if upstream is not None:
            new["upstream"] = upstream
        missing = [{"name": name, "value": value} for name, value in new.items() if name not in known]
        if missing:
            self.connection.execute(insert(schema.meta), missing)
        interrupted = self.connection.execute(
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
            self.connection.execute(delete(bodies).where(bodies.c.sha256.is_(None), bodies.c.id.not_in(used)))
        return new | known
