"""Which exchanges tell of what: rows by which they are found again, however many there are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from peertape.cassettes.bodyfields import members
from peertape.cassettes.codings import whole_text
from peertape.cassettes.fields import FieldReader
from peertape.cassettes.headers import media_type
from peertape.cassettes.inserting import Insertion
from peertape.cassettes.keys import credential
from peertape.cassettes.learning import MOST_BYTES, value_of
from peertape.cassettes.loading import load
from peertape.cassettes.mentions.names import (
    FEW,
    LATEST,
    READING,
    Name,
    namings,
    number_of,
    route_number,
    shape_of,
    tells_of_asker,
)
from peertape.cassettes.mentions.objects import Held, objects_in
from peertape.cassettes.model import Exchange, RecordedRequest, State
from peertape.cassettes.paths import fold
from peertape.cassettes.schema import USER_OF, exchanges, mentions

REMEMBERED = 32768  # names with what was told of them last
_PAGE = 20  # exchanges at once

_COUNT = select(func.count()).select_from(
    select(mentions.c.exchange).where(mentions.c.name == bindparam("name")).limit(FEW).subquery()
)
_SUCCESSES = (
    select(exchanges.c.id)
    .where(
        exchanges.c.id > bindparam("last"),
        exchanges.c.state == State.COMPLETE,
        exchanges.c.status.between(200, 299),
        exchanges.c.answered_at.is_not(None),
    )
    .order_by(exchanges.c.id)
    .limit(_PAGE)
)


class MentionWriter:
    """What tells nothing new is not written: the same was told last."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._add = Insertion(connection, mentions, only_new=True)
        self._told: OrderedDict[tuple[Name, int], int] = OrderedDict()
        self._of_routes: dict[int, int] = {}
        self._users: dict[str, str] = {}  # by their tokens
        self._rows: list[dict[str, int]] = []

    def note(
        self,
        exchange: int,
        at: float,
        request: RecordedRequest,
        body: bytes | None,
        text: bytes | None,
        objects: Iterable[Held],
    ) -> None:
        """A success, answered at that moment: `body` and `text` are decoded, `objects` those of the answer."""
        folded, moment = fold(request.target.partition("?")[0]), int(at) if 0 <= at < LATEST else 0
        route = route_number(request.method, shape_of(folded))
        if (count := self._counted(route)) < FEW:
            self._of_routes[route] = count + 1
            self._rows.append({"name": route, "shape": 0, "at": moment, "exchange": exchange})
        written = {} if request.method in READING or not body else members(request.headers, body)
        token = credential(request.headers) if tells_of_asker(request.method, folded) else None
        asker = None if token is None else self._user_of(token)
        for naming in namings(request.method, folded, written, text or b"", objects, asker, token):
            if self._is_new((naming.names[0], naming.shape), naming.content):
                for word, value in naming.names:
                    known = {"name": number_of(word, value), "shape": naming.shape}
                    self._rows.append({**known, "at": moment, "exchange": exchange})

    def flush(self) -> None:
        self._rows.sort(key=_place)  # what lies together is written together
        self._add(self._rows)
        self._rows.clear()

    def _user_of(self, token: str) -> str | None:
        if (known := self._users.get(token)) is not None:
            return known
        user: str | None = self._connection.execute(USER_OF, {"pseudonym": token}).scalar()
        if user is not None and "@" not in user:  # else it will be known by a name
            if len(self._users) >= REMEMBERED:
                self._users.clear()
            self._users[token] = user
        return user

    def _counted(self, route: int) -> int:
        if route not in self._of_routes:
            self._of_routes[route] = int(self._connection.execute(_COUNT, {"name": route}).scalar_one())
        return self._of_routes[route]

    def _is_new(self, key: tuple[Name, int], content: int) -> bool:
        is_new = self._told.get(key) != content
        self._told[key] = content
        self._told.move_to_end(key)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return is_new


def _place(row: dict[str, int]) -> tuple[int, int]:
    return row["name"], row["shape"]


def note_all(connection: Connection) -> None:
    """Of a cassette that has none yet."""
    writer = MentionWriter(connection)
    for exchange in _successes(connection):
        assert exchange.response is not None
        assert exchange.timing.answered is not None
        request, response = exchange.request, exchange.response
        body = whole_text(request.headers, request.body, MOST_BYTES)
        text = whole_text(response.headers, response.body, MOST_BYTES)
        value = value_of(response.status, text, media_type(response.headers))
        writer.note(exchange.id, exchange.timing.answered, request, body, text, objects_in(value))
    writer.flush()


def _successes(connection: Connection) -> Iterator[Exchange]:
    def rows(statement: Any, **values: Any) -> Any:
        return connection.execute(statement, values).all()

    fields, last = FieldReader(rows), 0
    while numbers := [row.id for row in rows(_SUCCESSES, last=last)]:
        yield from load(rows, connection.engine, fields, numbers, contents=MOST_BYTES)
        last = numbers[-1]
