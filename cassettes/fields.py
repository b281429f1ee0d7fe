"""Header fields in the database: each name with its value once; exchanges list the numbers of theirs, in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, func, select

from peertape.cassettes.errors import CassetteCorrupted
from peertape.cassettes.headers import Headers
from peertape.cassettes.inserting import Insertion
from peertape.cassettes.schema import fields

REMEMBERED = 16384  # fields, by a writer and by a reader

Rows = Callable[..., Sequence[Row[Any]]]  # of a statement with its values

_WANTED: BindParameter[Any] = bindparam("wanted", expanding=True)
_SOME = select(fields).where(fields.c.id.in_(_WANTED))
_LATEST = select(fields).order_by(fields.c.id.desc()).limit(REMEMBERED)
_LAST = select(func.max(fields.c.id))


class FieldWriter:
    """Numbers the fields. One that was not seen for long is stored again: that costs less than an index over all."""

    def __init__(self, connection: Connection) -> None:
        self._add = Insertion(connection, fields)
        self._last: int = connection.execute(_LAST).scalar() or 0
        latest = connection.execute(_LATEST).all()
        self._numbers: dict[tuple[str, str], str] = {(row.name, row.value): str(row.id) for row in latest}
        self._older: dict[tuple[str, str], str] = {}  # forgotten with the next turn, unless they come again
        self._pending: list[dict[str, Any]] = []

    def numbered(self, headers: Headers) -> str:
        """The list as `exchanges` keeps it; what is new in it is stored by the next `flush`."""
        known = self._numbers
        return "[" + ",".join([known.get(field) or self._number(field) for field in headers.pairs]) + "]"

    def flush(self) -> None:
        self._add(self._pending)
        self._pending = []

    def forget(self) -> None:
        """They are no longer in the database. Their numbers are not given again: readers remember them."""
        self._numbers, self._older = {}, {}
        self._pending.clear()

    def _number(self, field: tuple[str, str]) -> str:
        known = self._older.get(field)
        if known is None:
            self._last += 1
            self._pending.append({"id": self._last, "name": field[0], "value": field[1]})
            known = str(self._last)
        if len(self._numbers) >= REMEMBERED:
            self._older, self._numbers = self._numbers, {}
        self._numbers[field] = known
        return known


class FieldReader:
    """Gives the headers back."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._known: dict[int, tuple[str, str]] = {}

    def headers(self, lists: Sequence[str | None]) -> list[Headers]:
        """Of several lists at once; none are no headers."""
        numbers = [json.loads(text) if text else [] for text in lists]
        wanted = {number for listed in numbers for number in listed}
        known = {number: field for number in wanted if (field := self._known.get(number)) is not None}
        if missing := [number for number in wanted if number not in known]:
            known |= {row.id: (row.name, row.value) for row in self._rows(_SOME, wanted=missing)}
            if len(self._known) > REMEMBERED:
                self._known.clear()
            self._known |= known
        try:
            return [Headers(tuple([known[number] for number in listed])) for listed in numbers]
        except KeyError as error:
            raise CassetteCorrupted(f"The cassette is damaged: header field {error} is missing.") from error
