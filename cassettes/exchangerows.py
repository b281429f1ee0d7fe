"""Rows of exchanges on their way into the database: a group of them in one statement."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from peertape.cassettes.fields import FieldWriter
from peertape.cassettes.inserting import Insertion
from peertape.cassettes.lookup import Lookup
from peertape.cassettes.model import State
from peertape.cassettes.schema import exchanges, paths

REMEMBERED = 16384  # paths

_CHANGE = (
    update(exchanges)
    .where(exchanges.c.id == bindparam("number"))
    .values({name: bindparam(name) for name in exchanges.c.keys() if name != "id"})  # noqa: SIM118
)
_LAST = select(func.max(exchanges.c.id))
_NOTHING = dict.fromkeys(exchanges.c.keys())

_LISTS = ("request_headers", "request_trailers", "response_headers", "response_trailers")
_BODIES = ("request_body", "response_body")

type Values = Mapping[str, Any]


class ExchangeRow:
    """The values of one exchange, of which some are known later than others.

    Headers, bodies and the path stand in it as they are; the database has numbers for them.
    """

    __slots__ = ("id", "values")

    def __init__(self, number: int, values: Values) -> None:
        self.id = number
        self.values: dict[str, Any] = {**_NOTHING, **values, "id": number}


class ExchangeRows:
    """An exchange that has ended by the time of the next `flush` takes one INSERT."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._add = Insertion(connection, exchanges)
        self._fields = FieldWriter(connection)
        self._paths = _PathNumbers(connection)
        self.last: int = connection.execute(_LAST).scalar() or 0
        self._new: dict[int, ExchangeRow] = {}
        self._changed: dict[int, ExchangeRow] = {}

    def __len__(self) -> int:
        """How many wait for the next `flush`."""
        return len(self._new) + len(self._changed)

    def add(self, values: Values, number: int | None = None) -> ExchangeRow:
        """Under the next number, if none is given."""
        row = ExchangeRow(self.last + 1 if number is None else number, values)
        self.last = max(self.last, row.id)
        self._new[row.id] = row
        return row

    def change(self, row: ExchangeRow, values: Values) -> None:
        row.values.update(values)
        if row.id not in self._new:
            self._changed[row.id] = row

    def flush(self) -> None:
        """The bodies have their numbers by now."""
        self._paths.learn(
            path
            for rows in (self._new, self._changed)
            for row in rows.values()
            if (path := row.values["path"]) is not None
        )
        new = [self._numbered(row) for row in self._new.values()]
        changed = [self._numbered(row) for row in self._changed.values()]
        self._fields.flush()
        self._add(new)
        if changed:
            self._connection.execute(_CHANGE, [{"number": values.pop("id"), **values} for values in changed])
        self._new, self._changed = {}, {}

    def forget(self) -> None:
        """They are no longer in the database."""
        self._fields.forget()
        self._paths.forget()
        self.last = 0
        self._new, self._changed = {}, {}

    def _numbered(self, row: ExchangeRow) -> dict[str, Any]:
        values = dict(row.values)
        if values["state"] == State.OPEN and values["response_headers"] is not None:
            # The ETag of a body with secrets would tell something of them; which it is, the whole body shows.
            values["response_headers"] = values["response_headers"].without("etag")
        for name in _LISTS:
            if (headers := values[name]) is not None:
                values[name] = self._fields.numbered(headers)
        for name in _BODIES:
            if (body := values[name]) is not None:
                values[name] = body.id
        values["path"] = self._paths.number(values["path"])
        return values


class _PathNumbers:
    def __init__(self, connection: Connection) -> None:
        self._find = Lookup(connection, paths.c.folded, paths.c.id, paths.c.folded)
        self._add = Insertion(connection, paths)
        self._last: int = connection.execute(select(func.max(paths.c.id))).scalar() or 0
        self._known: OrderedDict[str, int] = OrderedDict()

    def learn(self, folded: Iterable[str]) -> None:
        """Afterwards all of these have numbers."""
        wanted = dict.fromkeys(folded)
        if len(self._known) > REMEMBERED:
            self._known = OrderedDict((path, self._known[path]) for path in wanted if path in self._known)
        missing = [path for path in wanted if path not in self._known]
        self._known.update({row.folded: row.id for row in self._find(missing)})
        new = [path for path in missing if path not in self._known]
        for path in new:
            self._last += 1
            self._known[path] = self._last
        self._add([{"id": self._known[path], "folded": path} for path in new])

    def number(self, path: str | None) -> int | None:
        return None if path is None else self._known[path]

    def forget(self) -> None:
        self._known.clear()
