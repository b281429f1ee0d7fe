"""Finding rows by the values of one column, many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import batched
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, select

AT_ONCE = 500  # values in one statement
FEW = 20  # of as many there is a statement as well


class Lookup:
    """Of a column that is text or octets.

    SQLAlchemy spells the statements, once: for each list of values anew takes it longer than the database takes.
    """

    def __init__(self, connection: Connection, wanted: ColumnElement[Any], *columns: ColumnElement[Any]) -> None:
        """`columns` are what is told of each row."""
        self._connection = connection
        self._texts: dict[int, str] = {}
        for size in (FEW, AT_ONCE):
            values = [bindparam(name, type_=wanted.type) for name in _names(size)]
            compiled = select(*columns).where(wanted.in_(values)).compile(dialect=connection.dialect)
            self._texts[size] = str(compiled)
            self._by_position = compiled.positional

    def __call__(self, values: Iterable[str | bytes]) -> Iterator[Row[Any]]:
        """The rows in no order; values that no row has are left out."""
        for some in batched(values, AT_ONCE, strict=False):
            size = FEW if len(some) <= FEW else AT_ONCE
            filled = some + some[-1:] * (size - len(some))
            given = filled if self._by_position else dict(zip(_names(size), filled, strict=True))
            yield from self._connection.exec_driver_sql(self._texts[size], given)


def _names(size: int) -> list[str]:
    return [f"value{number}" for number in range(size)]
