"""A cassette that is only read: exchanges found by their keys, and whole."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from pathlib import Path
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from peertape.cassettes import schema
from peertape.cassettes.bodies import Body, read
from peertape.cassettes.candidates import PAGE, Candidates
from peertape.cassettes.chunks import StoredBody
from peertape.cassettes.fields import FieldReader, Rows
from peertape.cassettes.headers import Headers
from peertape.cassettes.keys import RequestKeys, keys_of
from peertape.cassettes.learned import Learned
from peertape.cassettes.loading import SMALL, load, octets_of
from peertape.cassettes.mentions.reader import Mentioned
from peertape.cassettes.model import Exchange, State
from peertape.cassettes.place import Place
from peertape.cassettes.redaction.filters import request_body_filter
from peertape.cassettes.redaction.pseudonyms import Pseudonyms
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.rules import RedactionRules

EXCHANGES_KEPT = 1024  # whole exchanges that stay in memory; their bodies do not


class Cassette(Candidates, Learned, Mentioned):
    """A cassette that is only read; sees what a writer adds meanwhile. Raises `peertape.cassettes.errors`."""

    def __init__(self, place: Path | Place, name: str | None = None, rules: RedactionRules | None = None) -> None:
        super().__init__(place)
        self.name = name or self.place.name
        self._fields = FieldReader(self._rows)
        self.rules = rules or RedactionRules.default()
        meta = self.meta()
        self.pseudonyms = Pseudonyms(
            bytes.fromhex(meta["key"]), bytes.fromhex(meta["salt"]), _IssuedPseudonyms(self._rows)
        )
        self.redactor = Redactor(self.pseudonyms, self.rules)
        self._kept: OrderedDict[int, Exchange] = OrderedDict()

    def exchange(self, number: int) -> Exchange:
        """Whole; one that is still being recorded as far as it has come."""
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        exchange = self._load(number)
        self._keep(exchange)
        return exchange

    def forget(self) -> None:
        super().forget()
        self._kept.clear()

    def look_at(self, numbers: Iterable[int]) -> None:
        """Reads those exchanges together that `exchange` will be asked for one by one: it takes the work of a few."""
        missing = [number for number in dict.fromkeys(numbers) if number not in self._kept]
        if len(missing) > 1:
            for page in batched(missing[:EXCHANGES_KEPT], PAGE, strict=False):
                for exchange in load(self._rows, self._engine, self._fields, page):
                    self._keep(exchange)

    def contents(self, bodies: Sequence[Body]) -> list[bytes]:
        """All octets of each, the small ones read together."""
        small = {body.id: body.size for body in bodies if isinstance(body, StoredBody) and body.size <= SMALL}
        known = octets_of(self._rows, small)
        return [(known.get(body.id) if isinstance(body, StoredBody) else None) or read(body) for body in bodies]

    def exchanges(self) -> Iterator[Exchange]:
        """All of them whole, in recorded order."""
        yield from self.whole(candidate.id for candidate in self.candidates())

    def whole(self, numbers: Iterable[int]) -> Iterator[Exchange]:
        """Exchanges in the order of the numbers, read page by page; small bodies come with them, in memory."""
        for page in batched(numbers, PAGE, strict=False):
            yield from load(self._rows, self._engine, self._fields, page, contents=SMALL)

    def headers(self, lists: Sequence[str | None]) -> list[Headers]:
        """Of lists as the table `exchanges` has them."""
        return self._fields.headers(lists)

    @property
    def first_authority(self) -> str | None:
        """The Host under which the first exchange was recorded."""
        return self._cached_by_version(
            "first authority", lambda: next((one.authority for one in self.candidates()), None)
        )

    @property
    def last(self) -> int:
        """The number of the last exchange; 0: there is none."""
        return self._cached_by_version("last", lambda: self.version()[0])

    def count(self) -> int:
        return self._cached(("count",), lambda: int(self._rows(select(func.count(schema.exchanges.c.id)))[0][0]))

    def keys(self, method: str, target: str, headers: Headers, body: bytes, digest: bytes | None = None) -> RequestKeys:
        """The keys of a request as this cassette's secrets are told: a secret and its pseudonym count the same."""
        text = None
        if digest is None:
            body_filter = request_body_filter(headers, self.redactor)
            body_filter.feed(body)
            body_filter.finish()
            digest, text = body_filter.digest, body_filter.text
        redacted = self.redactor.headers(headers, response=False)
        return keys_of(method, self.redactor.target(target), redacted, digest, text)

    def redacted_body(self, headers: Headers, body: bytes) -> bytes:
        """A request's body as this cassette would store it."""
        body_filter = request_body_filter(headers, self.redactor)
        return body_filter.feed(body) + body_filter.finish()

    def query(self, statement: Any, **values: Any) -> list[Row[Any]]:
        """The rows of a statement over `peertape.cassettes.schema`: for what people ask, not for matching."""
        return self._rows(statement, **values)

    def _load(self, number: int) -> Exchange:
        return load(self._rows, self._engine, self._fields, [number])[0]

    def _keep(self, exchange: Exchange) -> None:
        if exchange.state is not State.OPEN:
            self._kept[exchange.id] = exchange
            if len(self._kept) > EXCHANGES_KEPT:
                self._kept.popitem(last=False)


class _IssuedPseudonyms:
    """The pseudonyms in the database, asked for one by one: a growing cassette issues new ones meanwhile.

    Those that were found are remembered; what is none may be a secret, which is not.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._found: set[str] = set()
        self._query = select(schema.pseudonyms.c.text).where(schema.pseudonyms.c.text == bindparam("text"))

    def __contains__(self, text: object) -> bool:
        if text in self._found:
            return True
        known = bool(self._rows(self._query, text=schema.pseudonym_text(str(text))))
        if known:
            self._found.add(str(text))
        return known
